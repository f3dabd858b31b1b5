package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/liangding/platform"
)

// An envelope is version(1) | suite(1) | key id(16) | nonce(12) | ciphertext and
// tag. The only suite is AES-256-GCM under a random nonce.
const (
	version  = 1
	suite    = 1
	headLen  = 2 + len(keyID{})
	overhead = headLen + 12 + 16
)

// keyID names a data key: twelve bytes for its subject, which are a digest shaped
// as a UUIDv7, and four that count the keys of that subject.
type keyID [16]byte

// keyOf is the first key of a subject.
func keyOf(subject platform.Ref) (k keyID) {
	sum := sha256.Sum256([]byte("vault.key\x00" + subject.String()))
	copy(k[:12], sum[:])
	k[6], k[8] = 7<<4|k[6]&15, 2<<6|k[8]&63
	return k
}

// nth is the subject's key of that number.
func (k keyID) nth(n uint32) keyID {
	binary.BigEndian.PutUint32(k[12:], n)
	return k
}

func (k keyID) number() uint32 { return binary.BigEndian.Uint32(k[12:]) }

// record is where the keys of the subject are kept.
func (k keyID) record() platform.ID { return platform.IDFromUUID(keyPrefix, k.nth(0)) }

// parse reads the head of an envelope. Whether the rest is whole only the tag
// tells.
func parse(sealed platform.Sealed) (k keyID, err error) {
	if len(sealed) < overhead || sealed[0] != version || sealed[1] != suite {
		return k, ErrEnvelope
	}
	copy(k[:], sealed[2:])
	if _, err := platform.ParseID(string(k.record())); err != nil {
		return k, ErrEnvelope
	}
	return k, nil
}

// newCipher is the suite under a data key, which is cleared. What the cipher
// itself made of the key is the garbage collector's.
func newCipher(dek []byte) (cipher.AEAD, error) {
	defer clear(dek)
	block, err := aes.NewCipher(dek)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", ErrKEK)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func seal(aead cipher.AEAD, k keyID, plain, bound []byte) platform.Sealed {
	out := make([]byte, headLen, overhead+len(plain))
	out[0], out[1] = version, suite
	copy(out[2:], k[:])
	return aead.Seal(out, nil, plain, bound) //nolint:gosec // G407: this cipher draws the nonce itself
}

func unseal(aead cipher.AEAD, sealed platform.Sealed, bound []byte) ([]byte, error) {
	plain, err := aead.Open(nil, nil, sealed[headLen:], bound)
	if err != nil {
		return nil, ErrEnvelope
	}
	return plain, nil
}

// bound is what an envelope is bound to, each part behind its length.
func bound(parts ...string) []byte {
	n := 0
	for _, p := range parts {
		n += 4 + len(p)
	}
	out := make([]byte, 0, n)
	for _, p := range parts {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(p))), p...)
	}
	return out
}
