package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// Last is where the signer keeps the head that it signed last, outside the
// database: a database that was set back is then found out. It serves one
// signer; Keep returns when the head is durable, and before it is signed.
type Last interface {
	Load() (Head, error) // the zero Head when nothing was signed yet
	Keep(Head) error

	// Leave takes another head in place of the last one, for which somebody has
	// answered, and keeps the old one on record.
	Leave(old, now Head) error
}

// File keeps the last head in a file, which is replaced as a whole. Heads that
// were left are lines of a second file, by the same name with ".left".
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
	if err := replace(string(f), fmt.Appendf(nil, "%d %s\n", h.Size, h.Root)); err != nil {
		return fmt.Errorf("keep last head: %w", err)
	}
	return nil
}

// Leave implements [Last].
func (f File) Leave(old, now Head) error {
	record, err := os.OpenFile(string(f)+".left", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep the head that is left: %w", err)
	}
	_, err = fmt.Fprintf(record, "%d %s\n", old.Size, old.Root)
	if err = errors.Join(err, record.Sync(), record.Close()); err != nil {
		return fmt.Errorf("keep the head that is left: %w", err)
	}
	return f.Keep(now)
}

// replace writes a file that is whole or as it was.
func replace(path string, content []byte) error {
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = next.Write(content)
	err = errors.Join(err, next.Sync(), next.Close()) // on disk before it takes the former's place
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return nil
}

// inMemory is the Last of a log that lives as long as its process.
type inMemory struct {
	head Head
	left []Head
}

func (m *inMemory) Load() (Head, error) { return m.head, nil }

func (m *inMemory) Keep(h Head) error {
	m.head = h
	return nil
}

func (m *inMemory) Leave(old, now Head) error {
	m.head, m.left = now, append(m.left, old)
	return nil
}
