package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
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

// Open verifies the signatures and reads the head. It fails with ErrNote when
// the checkpoint is not signed by the key, once, and by each of the witnesses, or
// not of the log that the key names. Signatures of others are passed over.
func (c Checkpoint) Open(key note.Verifier, witnesses ...note.Verifier) (Head, error) {
	all := append([]note.Verifier{key}, witnesses...)
	n, err := note.Open(c, note.VerifierList(all...))
	if err != nil || len(n.Sigs) != len(all) || !exact(c, n) { // of one signer it takes the first only
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

// adds tells whether c is a checkpoint with more signatures under it, and nothing
// else.
func (c Checkpoint) adds(to Checkpoint) bool {
	if len(c) <= len(to) || !bytes.HasPrefix(c, to) {
		return false
	}
	_, err := note.Open(c, note.VerifierList())
	n, well := errors.AsType[*note.UnverifiedNoteError](err)
	return well && exact(c, n.Note)
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
