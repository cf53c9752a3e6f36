package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var client = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirected") },
}

func get(url string) ([]byte, error) {
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return data, nil
}

// httpTiles reads tiles of a log for tlog.TileHashReader, which authenticates them.
type httpTiles struct {
	base    string
	fetched *int
}

func (h httpTiles) Height() int { return height }
func (h httpTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := get(h.base + "/" + tilePath(t))
		if err != nil {
			return nil, err
		}
		*h.fetched++
		out = append(out, data)
	}
	return out, nil
}
func (h httpTiles) SaveTiles([]tlog.Tile, [][]byte) {}

// checkURL follows a log as a monitor does: the checkpoint by the policy, then every entry, each
// proven from tiles that are authenticated by the checkpoint.
func checkURL(policyPath, base string) error {
	p, err := readPolicy(policyPath)
	if err != nil {
		return err
	}
	data, err := get(base + "/checkpoint")
	if err != nil {
		return err
	}
	origin, tree, cosigners, err := openCheckpoint(p, data)
	if err != nil {
		return err
	}
	fetched := 0
	reader := tlog.TileHashReader(tree, httpTiles{base, &fetched})
	entries := 0
	for n := int64(0); n*width < tree.N; n++ {
		t := tlog.Tile{H: height, L: -1, N: n, W: int(min(width, tree.N-n*width))}
		bundle, err := get(base + "/" + tilePath(t))
		if err != nil {
			return err
		}
		var indexes []int64
		var hashes []tlog.Hash
		for i := 0; i < t.W; i++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("bundle %s is cut off", tilePath(t))
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			hashes = append(hashes, tlog.RecordHash(bundle[2:end]))
			indexes = append(indexes, tlog.StoredHashIndex(0, n*width+int64(i)))
			bundle = bundle[end:]
			entries++
		}
		if len(bundle) != 0 {
			return fmt.Errorf("bundle %s is too long", tilePath(t))
		}
		proven, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i := range proven {
			if proven[i] != hashes[i] {
				return fmt.Errorf("entry %d is not the one in the tree", n*width+int64(i))
			}
		}
	}
	return report(map[string]any{
		"origin": origin, "size": tree.N, "root": tree.Hash.String(),
		"cosigners": cosigners, "entries": entries, "tiles": fetched,
	})
}

// submission is one attempt to have a checkpoint cosigned.
type submission struct {
	Old     int64  `json:"old"`
	Size    int64  `json:"size"`
	Status  int    `json:"status"`
	Holds   int64  `json:"holds"`
	Type    string `json:"type"`
	Answer  string `json:"answer"`
	Cosigns bool   `json:"cosigns"`
}

// submit acts as a log with a key: it asks a witness to cosign the sizes of one history in turn,
// starting from what the witness says it holds when it is told another size.
func submit(url, name, seed, witnessVkey, label string, sizes []string) error {
	raw, err := hex.DecodeString(seed)
	if err != nil || len(raw) != ed25519.SeedSize {
		return errors.New("not a seed")
	}
	key := ed25519.NewKeyFromSeed(raw)
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name,
		keyHash(name, material(logType, key)),
		base64.StdEncoding.EncodeToString(append([]byte{logType}, raw...))))
	if err != nil {
		return err
	}
	vkey, err := note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	logVerifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	witness, err := newCosigner(witnessVkey)
	if err != nil {
		return err
	}
	var entries [][]byte
	for i := 0; i < 2000; i++ {
		entries = append(entries, []byte(fmt.Sprintf("%s %d", label, i)))
	}
	hashes, err := storedHashes(entries)
	if err != nil {
		return err
	}
	var done []submission
	old := int64(0)
	for _, text := range sizes {
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		root, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return err
		}
		signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", name, size, root)}, signer)
		if err != nil {
			return err
		}
		for attempt := 0; attempt < 2; attempt++ {
			s, err := post(url, old, size, hashes, signed, logVerifier, witness)
			if err != nil {
				return err
			}
			done = append(done, s)
			if s.Status == http.StatusOK {
				old = size
			}
			if s.Status != http.StatusConflict || s.Holds > size || s.Holds == old {
				break
			}
			old = s.Holds
		}
	}
	return report(done)
}

func post(url string, old, size int64, hashes tlog.HashReader, signed []byte, logVerifier note.Verifier, witness *cosigner) (submission, error) {
	s := submission{Old: old, Size: size}
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", old)
	if 0 < old && old < size {
		proof, err := tlog.ProveTree(size, old, hashes)
		if err != nil {
			return s, err
		}
		for _, h := range proof {
			fmt.Fprintln(&body, h)
		}
	}
	body.WriteString("\n")
	body.Write(signed)
	response, err := client.Post(url+"/add-checkpoint", "text/plain", &body)
	if err != nil {
		return s, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return s, err
	}
	s.Status, s.Answer, s.Type = response.StatusCode, string(data), response.Header.Get("Content-Type")
	switch s.Status {
	case http.StatusConflict:
		s.Holds, err = strconv.ParseInt(strings.TrimSuffix(string(data), "\n"), 10, 64)
	case http.StatusOK:
		var opened *note.Note
		opened, err = note.Open(append(signed, data...), note.VerifierList(logVerifier, witness))
		s.Cosigns = err == nil && len(opened.Sigs) == 2
	}
	return s, err
}
