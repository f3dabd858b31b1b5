package audit

import (
	"encoding/base64"
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

// Head is a tree of the log: how many events, and their root.
type Head struct {
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"`
}

// Checkpoint is a head signed as a note: the log's name, size and root, each on
// a line of its own (C2SP tlog-checkpoint).
type Checkpoint []byte

// text is the signed part of a checkpoint.
func (h Head) text(log string) string {
	return fmt.Sprintf("%s\n%d\n%s\n", log, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]))
}

// Open verifies the signature and reads the head. It fails with ErrNote when
// the checkpoint is not signed by the key, or not of the log that the key names.
func (c Checkpoint) Open(key note.Verifier) (Head, error) {
	n, err := note.Open(c, note.VerifierList(key))
	if err != nil || !exact(c, n) {
		return Head{}, fmt.Errorf("open checkpoint: %w", ErrNote)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != key.Name() {
		return Head{}, fmt.Errorf("read checkpoint: %w", ErrNote)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Head{}, fmt.Errorf("read size: %w", ErrNote)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Head{}, fmt.Errorf("read root: %w", ErrNote)
	}
	return Head{Size: size, Root: tlog.Hash(root)}, nil
}

// exact tells whether every signature is written as an encoder writes it: the
// last character of base64 has bits that a reader ignores.
func exact(c Checkpoint, n *note.Note) bool {
	var text strings.Builder
	text.WriteString(n.Text + "\n")
	for _, sig := range append(n.Sigs, n.UnverifiedSigs...) {
		raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
		if err != nil {
			return false
		}
		text.WriteString("— " + sig.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	return text.Len() == len(c)
}

// Last is where the signer keeps the head that it signed last, outside the
// database: a database that was set back is then found out. It serves one
// signer; Keep returns when the head is durable, and before it is signed.
type Last interface {
	Load() (Head, error) // the zero Head when nothing was signed yet
	Keep(Head) error
}

// File keeps the last head in a file, which is replaced as a whole.
type File string

// Load implements [Last].
func (f File) Load() (Head, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("read last head: %w", err)
	}
	var h Head
	var root string
	if _, err := fmt.Sscanf(string(text), "%d %s", &h.Size, &root); err != nil || h.Size < 0 {
		return Head{}, fmt.Errorf("last head in %s: %w", f, ErrNote)
	}
	h.Root, err = tlog.ParseHash(root)
	if err != nil {
		return Head{}, fmt.Errorf("last head in %s: %w", f, ErrNote)
	}
	return h, nil
}

// Keep implements [Last].
func (f File) Keep(h Head) error {
	next, err := os.CreateTemp(filepath.Dir(string(f)), filepath.Base(string(f))+".*")
	if err != nil {
		return fmt.Errorf("keep last head: %w", err)
	}
	_, err = fmt.Fprintf(next, "%d %s\n", h.Size, h.Root)
	err = errors.Join(err, next.Sync(), next.Close()) // on disk before it takes the former's place
	if err == nil {
		err = os.Rename(next.Name(), string(f))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep last head: %w", err), os.Remove(next.Name()))
	}
	return nil
}

// inMemory is the Last of a log that lives as long as its process.
type inMemory struct{ head Head }

func (m *inMemory) Load() (Head, error) { return m.head, nil }

func (m *inMemory) Keep(h Head) error {
	m.head = h
	return nil
}
