// Command evidence checks receipts, verdict files and statement files with Go's own note and tlog
// packages, and alters them byte by byte to see that none is taken. It is a test's other half and
// part of no product.
//
//	evidence POLICIES < cases
//
// POLICIES is a directory of tlog-policy files. Each line on standard input is a JSON object: file,
// entry (of a bare tlog-proof; else empty) and stride (alter every so many bytes; 0 for none). Each
// answer is a JSON object: ok, error, altered, accepted.
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	cosigType  = 0x04
	proofHead  = "c2sp.org/tlog-proof@v1"
	formatName = "deltacare/evidence/v1"
	verdictTag = "deltacare/verdict/v1"
)

// strict refuses stray bits after the last character, which note.Open does not.
var strict = base64.StdEncoding.Strict()

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "evidence:", err)
		os.Exit(1)
	}
}

type testCase struct {
	File   string `json:"file"`
	Entry  string `json:"entry"`
	Stride int    `json:"stride"`
}

type answer struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Altered  int    `json:"altered"`
	Accepted int    `json:"accepted"`
}

func run() error {
	v, err := readPolicies(os.Args[1])
	if err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c testCase
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return err
		}
		a, err := v.try(c)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
			return err
		}
	}
	return in.Err()
}

func (v *verifier) try(c testCase) (answer, error) {
	var a answer
	data, err := os.ReadFile(c.File)
	if err != nil {
		return a, err
	}
	var entry []byte
	check := v.checkFile
	if c.Entry != "" {
		if entry, err = os.ReadFile(c.Entry); err != nil {
			return a, err
		}
		check = func(data []byte) error { _, err := v.checkReceipt(data, entry); return err }
	}
	if err := check(data); err != nil {
		a.Error = err.Error()
	} else {
		a.OK = true
	}
	if c.Stride == 0 {
		return a, nil
	}
	alter(data, c.Stride, func(changed []byte) {
		a.Altered++
		if check(changed) == nil {
			a.Accepted++
		}
	})
	if c.Entry != "" {
		alter(entry, 1, func(changed []byte) {
			a.Altered++
			if _, err := v.checkReceipt(data, changed); err == nil {
				a.Accepted++
			}
		})
	}
	return a, nil
}

// alter gives each byte in turn other values, and puts it back.
func alter(data []byte, stride int, seen func([]byte)) {
	changed := bytes.Clone(data)
	for i := 0; i < len(data); i += stride {
		for _, mask := range []byte{0x01, 0x02, 0x20, 0x80} {
			changed[i] = data[i] ^ mask
			seen(changed)
		}
		changed[i] = data[i]
	}
}

// Policies.

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
	header := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(header), msg...), sig[8:])
}

func newCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("malformed vkey %q", vkey)
	}
	material, err := strict.DecodeString(parts[2])
	if err != nil || len(material) != 1+ed25519.PublicKeySize || material[0] != cosigType {
		return nil, fmt.Errorf("not a cosignature key: %q", vkey)
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), material...))
	hash := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, fmt.Errorf("wrong key id: %q", vkey)
	}
	return &cosigner{name: parts[0], hash: hash, key: material[1:]}, nil
}

// A policy with a quorum of witnesses and groups of them.
type policy struct {
	witnesses map[string]*cosigner
	groups    map[string][]string
	quorum    string
}

func (p *policy) met(name string, signed map[uint32]bool) bool {
	if name == "none" {
		return true
	}
	if w, ok := p.witnesses[name]; ok {
		return signed[w.hash]
	}
	group := p.groups[name]
	if len(group) < 2 {
		return false
	}
	count := 0
	for _, member := range group[1:] {
		if p.met(member, signed) {
			count++
		}
	}
	switch group[0] {
	case "any":
		return count >= 1
	case "all":
		return count == len(group)-1
	}
	n, err := strconv.Atoi(group[0])
	return err == nil && count >= n
}

type verifier struct {
	logs     map[string][]note.Verifier
	policies map[string]*policy
	known    []note.Verifier
}

func readPolicies(dir string) (*verifier, error) {
	v := &verifier{logs: map[string][]note.Verifier{}, policies: map[string]*policy{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".txt" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return v.readPolicy(string(data))
	})
	return v, err
}

func (v *verifier) readPolicy(text string) error {
	p := &policy{witnesses: map[string]*cosigner{}, groups: map[string][]string{}}
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "#"):
		case f[0] == "log" && len(f) == 2:
			key, err := note.NewVerifier(f[1])
			if err != nil {
				return err
			}
			v.logs[key.Name()] = append(v.logs[key.Name()], key)
			v.policies[key.Name()] = p
			v.known = append(v.known, key)
		case f[0] == "witness" && len(f) == 3:
			key, err := newCosigner(f[2])
			if err != nil {
				return err
			}
			p.witnesses[f[1]] = key
			v.addWitness(key)
		case f[0] == "group" && len(f) >= 4:
			p.groups[f[1]] = f[2:]
		case f[0] == "quorum" && len(f) == 2:
			p.quorum = f[1]
		default:
			return fmt.Errorf("not a line of a policy: %q", line)
		}
	}
	return nil
}

// addWitness keeps a witness once: note.VerifierList calls a key that stands twice ambiguous.
func (v *verifier) addWitness(key *cosigner) {
	for _, k := range v.known {
		if k.Name() == key.name && k.KeyHash() == key.hash {
			return
		}
	}
	v.known = append(v.known, key)
}

// Notes.

// open returns the text of a note whose every line is by a known key, one of them the first line's.
func (v *verifier) open(data []byte) (string, map[uint32]bool, error) {
	n, err := note.Open(data, note.VerifierList(v.known...))
	if err != nil {
		return "", nil, err
	}
	if len(n.UnverifiedSigs) != 0 {
		return "", nil, errors.New("a line by a key that is not known")
	}
	name, _, _ := strings.Cut(n.Text, "\n")
	signed, own := map[uint32]bool{}, false
	for _, s := range n.Sigs {
		if _, err := strict.DecodeString(s.Base64); err != nil {
			return "", nil, err
		}
		signed[s.Hash] = true
		own = own || s.Name == name
	}
	if !own || len(v.logs[name]) == 0 {
		return "", nil, fmt.Errorf("not signed by %q", name)
	}
	return n.Text, signed, nil
}

type head struct {
	origin string
	tree   tlog.Tree
}

func (v *verifier) checkpoint(data []byte) (h head, err error) {
	text, signed, err := v.open(data)
	if err != nil {
		return h, err
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return h, errors.New("a checkpoint has three lines")
	}
	h.origin = lines[0]
	if h.tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return h, err
	}
	if h.tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return h, err
	}
	if p := v.policies[h.origin]; !p.met(p.quorum, signed) {
		return h, fmt.Errorf("too few cosignatures on %s", h.origin)
	}
	return h, nil
}

// Receipts.

type proved struct {
	head  head
	index int64
	leaf  tlog.Hash
}

func (v *verifier) checkReceipt(data, entry []byte) (p proved, err error) {
	text, checkpoint, ok := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(text), "\n")
	if !ok || len(lines) < 2 || lines[0] != proofHead || !strings.HasPrefix(lines[1], "index ") {
		return p, errors.New("not a tlog-proof")
	}
	decimal := strings.TrimPrefix(lines[1], "index ")
	if p.index, err = strconv.ParseInt(decimal, 10, 64); err != nil {
		return p, err
	}
	if strconv.FormatInt(p.index, 10) != decimal {
		return p, errors.New("index is spelled in another way")
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := strict.DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return p, errors.New("not a hash")
		}
		proof = append(proof, tlog.Hash(hash))
	}
	if p.head, err = v.checkpoint(checkpoint); err != nil {
		return p, err
	}
	p.leaf = tlog.RecordHash(entry)
	return p, tlog.CheckRecord(proof, p.head.tree.N, p.head.tree.Hash, p.index, p.leaf)
}

// Evidence files. The fields stand in the order in which a file spells them.

type receipt struct {
	Entry string `json:"entry"`
	Proof string `json:"proof"`
}

type verdictFile struct {
	Checkpoints []string  `json:"checkpoints"`
	Format      string    `json:"format"`
	Kind        string    `json:"kind"`
	Note        string    `json:"note"`
	Receipts    []receipt `json:"receipts"`
}

type plainFile struct {
	Format   string    `json:"format"`
	Kind     string    `json:"kind"`
	Receipts []receipt `json:"receipts"`
}

// What is read of a verdict: the entries and checkpoints that it names.
type verdict struct {
	Logs []struct {
		Log        string `json:"log"`
		Checkpoint *struct {
			Root string `json:"root"`
			Size int64  `json:"size"`
		} `json:"checkpoint"`
	} `json:"logs"`
	Said []struct {
		Index int64  `json:"index"`
		Leaf  string `json:"leaf"`
		Log   string `json:"log"`
	} `json:"said"`
}

// exactly reads a file that is spelled in the one way.
func exactly(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(into); err != nil {
		return err
	}
	if !bytes.Equal(out.Bytes(), data) {
		return errors.New("the file is spelled in another way")
	}
	return nil
}

func (v *verifier) checkFile(data []byte) error {
	var kind struct{ Format, Kind string }
	if err := json.Unmarshal(data, &kind); err != nil {
		return err
	}
	if kind.Format != formatName {
		return errors.New("not an evidence file")
	}
	switch kind.Kind {
	case "verdict":
		return v.checkVerdict(data)
	case "receipt", "statement":
		var file plainFile
		if err := exactly(data, &file); err != nil {
			return err
		}
		_, err := v.checkReceipts(file.Receipts)
		return err
	}
	return fmt.Errorf("kind %q", kind.Kind)
}

func (v *verifier) checkReceipts(rows []receipt) ([]proved, error) {
	var all []proved
	for _, row := range rows {
		entry, err := strict.DecodeString(row.Entry)
		if err != nil {
			return nil, err
		}
		p, err := v.checkReceipt([]byte(row.Proof), entry)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (v *verifier) checkVerdict(data []byte) error {
	var file verdictFile
	if err := exactly(data, &file); err != nil {
		return err
	}
	// 1. The node signed it.
	text, _, err := v.open([]byte(file.Note))
	if err != nil {
		return err
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[1] != verdictTag {
		return errors.New("not a verdict")
	}
	var said verdict
	if err := json.Unmarshal([]byte(lines[2]), &said); err != nil {
		return err
	}
	// 2. The checkpoints are those it names.
	var next int
	for _, l := range said.Logs {
		if l.Checkpoint == nil {
			continue
		}
		if next == len(file.Checkpoints) {
			return errors.New("a checkpoint is missing")
		}
		h, err := v.checkpoint([]byte(file.Checkpoints[next]))
		if err != nil {
			return err
		}
		if h.origin != l.Log || h.tree.N != l.Checkpoint.Size || hex.EncodeToString(h.tree.Hash[:]) != l.Checkpoint.Root {
			return errors.New("another checkpoint than the verdict names")
		}
		next++
	}
	// 3. The receipts are those of the entries it names.
	all, err := v.checkReceipts(file.Receipts)
	if err != nil {
		return err
	}
	if next != len(file.Checkpoints) || len(all) != len(said.Said) {
		return errors.New("more or less than the verdict names")
	}
	for i, s := range said.Said {
		if p := all[i]; p.head.origin != s.Log || p.index != s.Index || hex.EncodeToString(p.leaf[:]) != s.Leaf {
			return fmt.Errorf("another entry than %s #%d", s.Log, s.Index)
		}
	}
	return nil
}
