// Command interop checks what deltacare signed with Go's own note and tlog packages, and makes
// the same for deltacare to check. It is a test's other half and part of no product.
//
//	interop check-dir POLICY DIR            a tlog-tiles directory: every entry, tile and proof
//	interop check-receipt POLICY FILE ENTRY a tlog-proof and the entry's bytes
//	interop check-proofs                    proofs as JSON on standard input
//	interop make-dir NAME SIZE DIR          a directory, policy, receipts and proofs of Go's
//	interop check-url POLICY URL            a log over HTTP: every entry, each proven from tiles
//	interop submit URL NAME SEED VKEY LABEL SIZE…  a log that has its sizes cosigned by a witness
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height    = 8
	width     = 1 << height
	logType   = 0x01
	cosigType = 0x04
	header    = "c2sp.org/tlog-proof@v1"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "check-dir":
		return checkDir(args[1], args[2])
	case len(args) == 4 && args[0] == "check-receipt":
		return checkReceipt(args[1], args[2], args[3])
	case len(args) == 1 && args[0] == "check-proofs":
		return checkProofs(os.Stdin)
	case len(args) == 4 && args[0] == "make-dir":
		size, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			return err
		}
		return makeDir(args[1], size, args[3])
	}
	switch {
	case len(args) == 3 && args[0] == "check-url":
		return checkURL(args[1], args[2])
	case len(args) > 6 && args[0] == "submit":
		return submit(args[1], args[2], args[3], args[4], args[5], args[6:])
	}
	return errors.New("unknown command")
}

// cosigner verifies cosignature/v1 lines; note.Open then checks them like any signature.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(c.key, cosigned(msg, binary.BigEndian.Uint64(sig)), sig[8:])
}

func cosigned(msg []byte, timestamp uint64) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", timestamp)), msg...)
}

func keyHash(name string, material []byte) uint32 {
	h := sha256.Sum256(append([]byte(name+"\n"), material...))
	return binary.BigEndian.Uint32(h[:])
}

func newCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("malformed vkey %q", vkey)
	}
	material, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(material) != 1+ed25519.PublicKeySize || material[0] != cosigType {
		return nil, fmt.Errorf("not a cosignature key: %q", vkey)
	}
	hash := keyHash(parts[0], material)
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, fmt.Errorf("wrong key id: %q", vkey)
	}
	return &cosigner{name: parts[0], hash: hash, key: material[1:]}, nil
}

// policy is a tlog-policy with at most one group.
type policy struct {
	logs      []note.Verifier
	witnesses map[string]*cosigner
	threshold int
	members   []string
}

func readPolicy(path string) (*policy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := &policy{witnesses: map[string]*cosigner{}}
	groups := map[string][]string{}
	quorum := ""
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "#"):
		case f[0] == "log" && len(f) >= 2:
			v, err := note.NewVerifier(f[1])
			if err != nil {
				return nil, err
			}
			p.logs = append(p.logs, v)
		case f[0] == "witness" && len(f) >= 3:
			c, err := newCosigner(f[2])
			if err != nil {
				return nil, err
			}
			p.witnesses[f[1]] = c
		case f[0] == "group" && len(f) >= 4:
			groups[f[1]] = f[2:]
		case f[0] == "quorum" && len(f) == 2:
			quorum = f[1]
		default:
			return nil, fmt.Errorf("not a line of a policy: %q", line)
		}
	}
	group, isGroup := groups[quorum]
	switch {
	case quorum == "":
		return nil, errors.New("no quorum")
	case quorum == "none":
	case isGroup && group[0] == "any":
		p.threshold, p.members = 1, group[1:]
	case isGroup && group[0] == "all":
		p.threshold, p.members = len(group)-1, group[1:]
	case isGroup:
		p.members = group[1:]
		if p.threshold, err = strconv.Atoi(group[0]); err != nil {
			return nil, err
		}
	default:
		p.threshold, p.members = 1, []string{quorum}
	}
	return p, nil
}

// openCheckpoint verifies a checkpoint by its log's key and the policy's quorum.
func openCheckpoint(p *policy, data []byte) (origin string, tree tlog.Tree, cosigners int, err error) {
	origin, _, _ = strings.Cut(string(data), "\n")
	var logVerifier note.Verifier
	for _, v := range p.logs {
		if v.Name() == origin {
			logVerifier = v
		}
	}
	if logVerifier == nil {
		return "", tree, 0, fmt.Errorf("log %q is not in the policy", origin)
	}
	n, err := note.Open(data, note.VerifierList(logVerifier))
	if err != nil {
		return "", tree, 0, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return "", tree, 0, errors.New("a checkpoint has three lines")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil || strconv.FormatInt(tree.N, 10) != lines[1] {
		return "", tree, 0, fmt.Errorf("size %q", lines[1])
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return "", tree, 0, err
	}
	for _, name := range p.members {
		w, ok := p.witnesses[name]
		if !ok {
			return "", tree, 0, fmt.Errorf("unknown witness %q", name)
		}
		if _, err := note.Open(data, note.VerifierList(w)); err == nil {
			cosigners++
		}
	}
	if cosigners < p.threshold {
		return "", tree, 0, fmt.Errorf("%d of %d cosignatures", cosigners, p.threshold)
	}
	return origin, tree, cosigners, nil
}

// tilePath returns the path of tlog-tiles, which leaves out the height that is always 8.
func tilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), "tile/8/")
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

func readEntries(dir string, size int64) ([][]byte, error) {
	var entries [][]byte
	for _, t := range tlog.NewTiles(height, 0, size) {
		if t.L != 0 {
			continue
		}
		t.L = -1
		data, err := os.ReadFile(filepath.Join(dir, tilePath(t)))
		if err != nil {
			return nil, err
		}
		for i := 0; i < t.W; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("bundle %s is cut off", tilePath(t))
			}
			n := 2 + int(binary.BigEndian.Uint16(data))
			entries, data = append(entries, data[2:n]), data[n:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("bundle %s is too long", tilePath(t))
		}
	}
	return entries, nil
}

// storedHashes builds Go's own hash storage over entries.
func storedHashes(entries [][]byte) (tlog.HashReaderFunc, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(i), entry, reader)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
	}
	return reader, nil
}

// dirTiles reads tiles from a directory for tlog.TileHashReader, which authenticates them.
type dirTiles struct{ dir string }

func (d dirTiles) Height() int { return height }
func (d dirTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(d.dir, tilePath(t)))
		if err != nil {
			full := t
			full.W = width
			if data, err = os.ReadFile(filepath.Join(d.dir, tilePath(full))); err != nil {
				return nil, err
			}
			data = data[:t.W*tlog.HashSize]
		}
		out = append(out, data)
	}
	return out, nil
}
func (d dirTiles) SaveTiles([]tlog.Tile, [][]byte) {}

func sample(size int64) []int64 {
	var out []int64
	for _, n := range []int64{1, 2, 3, 7, 8, 100, 255, 256, 257, 511, 512, 65535, 65536, 65537, size / 3, size / 2, size - 1, size} {
		if 1 <= n && n <= size {
			out = append(out, n)
		}
	}
	return out
}

func checkDir(policyPath, dir string) error {
	// 1. The checkpoint by the policy.
	p, err := readPolicy(policyPath)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	origin, tree, cosigners, err := openCheckpoint(p, data)
	if err != nil {
		return err
	}
	// 2. The root from the entries.
	entries, err := readEntries(dir, tree.N)
	if err != nil {
		return err
	}
	hashes, err := storedHashes(entries)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("root of the entries %v is not %v", root, tree.Hash)
	}
	// 3. Each tile as Go makes it.
	tiles := tlog.NewTiles(height, 0, tree.N)
	for _, t := range tiles {
		want, err := tlog.ReadTileData(t, hashes)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(filepath.Join(dir, tilePath(t)))
		if err != nil {
			return err
		}
		if !bytes.Equal(want, got) {
			return fmt.Errorf("tile %s differs", tilePath(t))
		}
	}
	// 4. Proofs from the tiles alone.
	if tree.N > 0 {
		reader := tlog.TileHashReader(tree, dirTiles{dir})
		for _, n := range sample(tree.N) {
			record, err := tlog.ProveRecord(tree.N, n-1, reader)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(record, tree.N, tree.Hash, n-1, tlog.RecordHash(entries[n-1])); err != nil {
				return err
			}
			old, err := tlog.TreeHash(n, reader)
			if err != nil {
				return err
			}
			growth, err := tlog.ProveTree(tree.N, n, reader)
			if err != nil {
				return err
			}
			if err := tlog.CheckTree(growth, tree.N, tree.Hash, n, old); err != nil {
				return err
			}
		}
	}
	return report(map[string]any{
		"origin": origin, "size": tree.N, "root": tree.Hash.String(),
		"cosigners": cosigners, "tiles": len(tiles),
	})
}

func checkReceipt(policyPath, path, entryPath string) error {
	p, err := readPolicy(policyPath)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryPath)
	if err != nil {
		return err
	}
	head, checkpoint, ok := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 || lines[0] != header {
		return errors.New("not a tlog-proof")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, h)
	}
	origin, tree, cosigners, err := openCheckpoint(p, []byte(checkpoint))
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	return report(map[string]any{"origin": origin, "index": index, "size": tree.N, "cosigners": cosigners})
}

type inclusion struct {
	Index int64       `json:"index"`
	Size  int64       `json:"size"`
	Root  tlog.Hash   `json:"root"`
	Leaf  tlog.Hash   `json:"leaf"`
	Proof []tlog.Hash `json:"proof"`
}

type consistency struct {
	OldSize int64       `json:"old_size"`
	OldRoot tlog.Hash   `json:"old_root"`
	Size    int64       `json:"size"`
	Root    tlog.Hash   `json:"root"`
	Proof   []tlog.Hash `json:"proof"`
}

type proofs struct {
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
}

// checkProofs answers for each proof whether Go takes it.
func checkProofs(r io.Reader) error {
	var in proofs
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return err
	}
	out := map[string][]bool{"inclusion": {}, "consistency": {}}
	for _, p := range in.Inclusion {
		err := tlog.CheckRecord(p.Proof, p.Size, p.Root, p.Index, p.Leaf)
		out["inclusion"] = append(out["inclusion"], err == nil)
	}
	for _, p := range in.Consistency {
		err := tlog.CheckTree(p.Proof, p.Size, p.Root, p.OldSize, p.OldRoot)
		out["consistency"] = append(out["consistency"], err == nil)
	}
	return report(out)
}

func seeded(label string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("deltacare interop " + label))
	return ed25519.NewKeyFromSeed(seed[:])
}

func makeDir(name string, size int64, dir string) error {
	var entries [][]byte
	for i := range size {
		entries = append(entries, []byte(fmt.Sprintf("go entry %d", i)))
	}
	hashes, err := storedHashes(entries)
	if err != nil {
		return err
	}
	// 1. Tiles and entries.
	for _, t := range tlog.NewTiles(height, 0, size) {
		data, err := tlog.ReadTileData(t, hashes)
		if err != nil {
			return err
		}
		if err := write(dir, tilePath(t), data); err != nil {
			return err
		}
		if t.L != 0 {
			continue
		}
		var bundle []byte
		for _, entry := range entries[t.N*width : t.N*width+int64(t.W)] {
			bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
			bundle = append(bundle, entry...)
		}
		t.L = -1
		if err := write(dir, tilePath(t), bundle); err != nil {
			return err
		}
	}
	// 2. The checkpoint, signed by note.Sign, with one cosignature.
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		return err
	}
	logKey, witnessKey := seeded(name), seeded("witness")
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name,
		keyHash(name, material(logType, logKey)),
		base64.StdEncoding.EncodeToString(append([]byte{logType}, logKey.Seed()...))))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", name, size, root)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return err
	}
	witness := "go.example/witness"
	stamp := binary.BigEndian.AppendUint64(nil, 1795334400)
	line := binary.BigEndian.AppendUint32(nil, keyHash(witness, material(cosigType, witnessKey)))
	line = append(line, stamp...)
	line = append(line, ed25519.Sign(witnessKey, cosigned([]byte(text), 1795334400))...)
	signed = append(signed, fmt.Sprintf("— %s %s\n", witness, base64.StdEncoding.EncodeToString(line))...)
	if err := write(dir, "checkpoint", signed); err != nil {
		return err
	}
	// 3. The policy.
	logVkey, err := note.NewEd25519VerifierKey(name, logKey.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	witnessVkey := fmt.Sprintf("%s+%08x+%s", witness, keyHash(witness, material(cosigType, witnessKey)),
		base64.StdEncoding.EncodeToString(material(cosigType, witnessKey)))
	policyText := fmt.Sprintf("log %s\nwitness W %s\nquorum W\n", logVkey, witnessVkey)
	if err := write(dir, "policy.txt", []byte(policyText)); err != nil {
		return err
	}
	// 4. Receipts and proofs.
	var all proofs
	for _, n := range sample(size) {
		record, err := tlog.ProveRecord(size, n-1, hashes)
		if err != nil {
			return err
		}
		receipt := fmt.Sprintf("%s\nindex %d\n", header, n-1)
		for _, h := range record {
			receipt += h.String() + "\n"
		}
		if err := write(dir, fmt.Sprintf("receipts/%d.tlog-proof", n-1), append([]byte(receipt+"\n"), signed...)); err != nil {
			return err
		}
		if err := write(dir, fmt.Sprintf("receipts/%d.entry", n-1), entries[n-1]); err != nil {
			return err
		}
		growth, err := tlog.ProveTree(size, n, hashes)
		if err != nil {
			return err
		}
		old, err := tlog.TreeHash(n, hashes)
		if err != nil {
			return err
		}
		all.Inclusion = append(all.Inclusion, inclusion{n - 1, size, root, tlog.RecordHash(entries[n-1]), record})
		all.Consistency = append(all.Consistency, consistency{n, old, size, root, growth})
	}
	data, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return write(dir, "proofs.json", data)
}

func material(kind byte, key ed25519.PrivateKey) []byte {
	return append([]byte{kind}, key.Public().(ed25519.PublicKey)...)
}

func write(dir, path string, data []byte) error {
	full := filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.WriteFile(full, data, 0o644)
}

func report(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
