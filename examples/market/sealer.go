package market

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/liangding/platform"
)

var errSealed = platform.Err(platform.ErrInvalid, "seal.broken", "a sealed value that does not open here", "密封值无法在此处打开")

// sealer keeps personal values under keys cut from one secret (HKDF,
// AES-256-GCM, HMAC): enough for one operator and one key. Keys of each person
// of their own, which can be destroyed, are the vault's.
type sealer struct {
	aead  cipher.AEAD
	blind []byte
}

var _ platform.Sealer = (*sealer)(nil)

// key is a key of its own for each use of the secret.
func key(secret []byte, use string) []byte {
	k, err := hkdf.Key(sha256.New, secret, nil, "platform market "+use, 32)
	if err != nil {
		panic(err) // the length is in range
	}
	return k
}

func newSealer(secret []byte) *sealer {
	block, err := aes.NewCipher(key(secret, "seal"))
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return &sealer{aead: aead, blind: key(secret, "blind")}
}

// Seal implements [platform.Sealer].
func (s *sealer) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	if plain == "" {
		return nil, nil
	}
	return s.aead.Seal(nil, nil, []byte(plain), bound(at)), nil
}

// Open is the plain value, for the place that it was sealed for.
func (s *sealer) Open(at platform.Place, sealed platform.Sealed) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := s.aead.Open(nil, nil, sealed, bound(at))
	if err != nil {
		return "", fmt.Errorf("open %s of %s: %w", at.Field, at.Record, errSealed)
	}
	return string(plain), nil
}

// Blind implements [platform.Sealer].
func (s *sealer) Blind(_ context.Context, field, plain string) (string, error) {
	return hex.EncodeToString(mac(s.blind, []byte(field+"\x00"+plain))), nil
}

func mac(key, text []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(text)
	return m.Sum(nil)
}

func bound(at platform.Place) []byte {
	return fmt.Appendf(nil, "%s\x00%s\x00%s", at.Subject, at.Record, at.Field)
}

// randomSecret serves a market that lives as long as its process.
func randomSecret() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}
