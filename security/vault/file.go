package vault

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// File is a [KEK] of random secrets in a text file, a line for each epoch: its
// number and 64 hex digits. Lines are only appended, and of two for one epoch the
// first counts, so several processes may share the file. The secret of an epoch
// that is destroyed is overwritten by zeros where it stands.
type File struct {
	path string // empty: in memory

	mu      sync.Mutex
	ciphers map[uint32]cipher.AEAD // nil: destroyed
}

var _ KEK = (*File)(nil)

const (
	digits   = 64
	lineSize = 6 + 1 + digits + 1
)

// OpenFile reads the secrets in a file, which is made when it is missing. It
// fails when others than its owner may read it, code vault.file_mode, and when it
// is damaged.
func OpenFile(path string) (*File, error) {
	f := &File{path: path, ciphers: map[uint32]cipher.AEAD{}}
	file, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o600) //nolint:gosec // G304: the host names the file
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return f, f.read()
}

// InMemory is a File without a file: its secrets end with the process.
func InMemory() *File { return &File{ciphers: map[uint32]cipher.AEAD{}} }

// Wrap implements [KEK].
func (f *File) Wrap(_ context.Context, epoch uint32, dek, aad []byte) ([]byte, error) {
	aead, err := f.cipher(epoch, true)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, dek, aad), nil //nolint:gosec // G407: this cipher draws the nonce itself
}

// Unwrap implements [KEK].
func (f *File) Unwrap(_ context.Context, epoch uint32, wrapped, aad []byte) ([]byte, error) {
	aead, err := f.cipher(epoch, false)
	if err != nil {
		return nil, err
	}
	dek, err := aead.Open(nil, nil, wrapped, aad)
	if err != nil {
		return nil, fmt.Errorf("unwrap under epoch %d: %w", epoch, ErrKEK)
	}
	return dek, nil
}

// cipher is that of an epoch, made if it is missing and that is wanted. Another process may have made or destroyed it.
func (f *File) cipher(epoch uint32, missing bool) (cipher.AEAD, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	aead, known := f.ciphers[epoch]
	if !known && f.path != "" {
		if err := f.read(); err != nil {
			return nil, err
		}
		aead, known = f.ciphers[epoch]
	}
	if !known && missing {
		if err := f.add(epoch); err != nil {
			return nil, err
		}
		aead, known = f.ciphers[epoch]
	}
	switch {
	case !known:
		return nil, fmt.Errorf("epoch %d has no key: %w", epoch, ErrKEK)
	case aead == nil:
		return nil, fmt.Errorf("epoch %d: %w", epoch, ErrDestroyed)
	}
	return aead, nil
}

// add makes the secret of an epoch, unless another process was faster.
func (f *File) add(epoch uint32) error {
	secret := make([]byte, digits/2)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	if f.path != "" {
		if err := f.write(epoch, secret); err != nil {
			return err
		}
		return f.read()
	}
	var err error
	f.ciphers[epoch], err = newCipher(secret)
	return err
}

// write appends a line. What a crash left of another is closed first.
func (f *File) write(epoch uint32, secret []byte) error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	line := fmt.Sprintf("%06d %s\n", epoch, hex.EncodeToString(secret))
	last := make([]byte, 1)
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		if _, err := file.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	_, err = file.WriteString(line)
	return errors.Join(err, file.Sync(), file.Close())
}

// read takes over what stands in the file.
func (f *File) read() error {
	if err := f.private(); err != nil {
		return err
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	defer clear(text)
	seen := map[uint32]bool{}
	for line := range bytes.Lines(text) {
		if len(line) < lineSize { // a crash ended it; nothing was sealed under it
			continue
		}
		epoch, err := strconv.ParseUint(string(line[:6]), 10, 32)
		secret, malformed := hex.DecodeString(strings.TrimSpace(string(line[7:])))
		if err != nil || malformed != nil || len(line) != lineSize || len(secret) != digits/2 {
			return fmt.Errorf("key file: %w", errFile)
		}
		at := uint32(epoch)
		if seen[at] {
			continue
		}
		seen[at] = true
		if !slices.ContainsFunc(secret, func(b byte) bool { return b != 0 }) {
			f.ciphers[at] = nil
		} else if f.ciphers[at], err = newCipher(secret); err != nil {
			return err
		}
	}
	return nil
}

// private demands that nobody else can read the file.
func (f *File) private() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("key file %s has mode %#o: %w", f.path, info.Mode().Perm(), errMode)
	}
	return nil
}

// Destroy implements [KEK]. Copies of the file that somebody made are not
// reached.
func (f *File) Destroy(_ context.Context, epoch uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if aead, known := f.ciphers[epoch]; known && aead == nil {
		return nil
	}
	f.ciphers[epoch] = nil
	if f.path == "" {
		return nil
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	defer clear(text)
	file, err := os.OpenFile(f.path, os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	found := false
	for at, name := 0, fmt.Sprintf("%06d ", epoch); at < len(text); {
		end := len(text)
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n
		}
		if bytes.HasPrefix(text[at:end], []byte(name)) {
			_, failed := file.WriteAt(bytes.Repeat([]byte("0"), end-at-len(name)), int64(at+len(name)))
			found, err = true, errors.Join(err, failed)
		}
		at = end + 1
	}
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil && !found { // nobody makes it any more
		err = f.write(epoch, make([]byte, digits/2))
	}
	if err != nil {
		delete(f.ciphers, epoch)
		return fmt.Errorf("destroy the key of epoch %d: %w", epoch, err)
	}
	return nil
}
