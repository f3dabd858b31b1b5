package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// TestKnownAnswers: the suite is AES-256-GCM, to the bit.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/aes256gcm.json")
	require.NoError(t, err)
	var file struct {
		Vectors []struct {
			Case                                int
			Key, Nonce, Plain, AAD, Cipher, Tag string
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	require.Len(t, file.Vectors, 4)
	bytesOf := func(text string) []byte { b, err := hex.DecodeString(text); require.NoError(t, err); return b }
	for _, v := range file.Vectors {
		dek := bytesOf(v.Key)
		aead, err := newCipher(dek)
		require.NoError(t, err)
		assert.Equal(t, make([]byte, 32), dek, "the key is cleared")
		sealed := slices.Concat(make([]byte, headLen), bytesOf(v.Nonce), bytesOf(v.Cipher), bytesOf(v.Tag))

		plain, err := unseal(aead, sealed, bytesOf(v.AAD))

		require.NoError(t, err, "case %d", v.Case)
		assert.Equal(t, v.Plain, hex.EncodeToString(plain))
		sealed[len(sealed)-1] ^= 1
		_, err = unseal(aead, sealed, bytesOf(v.AAD))
		require.ErrorIs(t, err, ErrEnvelope)
	}
}

func TestTheEnvelopeIsAsDocumented(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := keyOf(who(1))
	s := w.sealed(at(1), "12345")
	assert.Equal(t, []byte{1, 1}, []byte(s[:2]))
	assert.Equal(t, id[:], []byte(s[2:18]))
	assert.Len(t, s, 2+16+12+5+16)
	assert.NotEqual(t, s, w.sealed(at(1), "12345"), "sealing is random")
	assert.Nil(t, w.sealed(at(1), ""))
	assert.Equal(t, []byte("\x00\x00\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x02bc"), bound("a", "", "bc"))

	for name, bad := range map[string]platform.Sealed{
		"nothing": nil, "short": s[:overhead-1], "version": edited(s, 0, 2), "suite": edited(s, 1, 2), "no id": edited(s, 2+6, 0x41),
		"unknown key": edited(s, 2, s[2]^1), "unknown number": edited(s, 17, 9), "nonce": edited(s, 20, s[20]^1), "tag": edited(s, len(s)-1, s[len(s)-1]^1),
		"longer": append(slices.Clone(s), 0),
	} {
		_, err := w.reveal(at(1), bad)
		require.ErrorIs(t, err, ErrEnvelope, name)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		_, err = w.Opens(t.Context(), at(1), bad)
		require.ErrorIs(t, err, ErrEnvelope, name)
	}
}

func edited(s platform.Sealed, at int, to byte) platform.Sealed {
	s = slices.Clone(s)
	s[at] = to
	return s
}

// FuzzEnvelope: bytes that were not sealed do not open, and harm nothing.
func FuzzEnvelope(f *testing.F) {
	block, err := aes.NewCipher(bytes.Repeat([]byte{1}, 32))
	require.NoError(f, err)
	plain, err := cipher.NewGCM(block)
	require.NoError(f, err)
	id, nonce := keyOf(who(1)), make([]byte, 12) // fixed, so that each process of the fuzzer has the same envelope
	good := slices.Concat([]byte{version, suite}, id[:], nonce, plain.Seal(nil, nonce, []byte("plain"), bound("here")))
	aead, err := newCipher(bytes.Repeat([]byte{1}, 32))
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte{})
	f.Add(good[:overhead])
	f.Add(make([]byte, overhead))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := parse(text)
		if err != nil {
			require.ErrorIs(t, err, ErrEnvelope)
			return
		}
		require.Equal(t, k, k.nth(k.number()), "the number of a key is part of its name")
		out, err := unseal(aead, text, bound("here"))
		require.Equal(t, bytes.Equal(text[headLen:], good[headLen:]), err == nil, "%x opens as %q", text, out)
	})
}

func TestASecretShowsItselfToNobody(t *testing.T) {
	t.Parallel()
	type holder struct {
		Open   Plain
		hidden Plain
		Nested *Secret[[]string]
	}
	words := Conceal([]string{"canary"})
	h := holder{Conceal("canary"), Conceal("canary"), &words}
	var log bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		logger.Info("x", "secret", h.Open, "all", h, "in", slog.GroupValue(slog.Any("deep", words)))
	}
	texts := []string{log.String(), h.Open.String(), h.Open.GoString(), fmt.Errorf("look at %v: %w", h.Open, errNo).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		texts = append(texts, fmt.Sprintf(verb, h.Open), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h), fmt.Sprintf(verb, words))
	}
	for _, text := range texts {
		assert.NotContains(t, text, "canary")
		assert.NotContains(t, text, "63616e617279")
	}
	assert.Contains(t, texts[0], masked)

	for _, v := range []any{h.Open, h, map[string]any{"a": words}} {
		_, err := json.Marshal(v)
		require.ErrorIs(t, err, platform.ErrInvalid, "it is refused, not kept as a mask")
	}
	require.ErrorIs(t, json.Unmarshal([]byte(`{"Open":"x"}`), &h), platform.ErrInvalid)
	assert.Equal(t, "canary", h.Open.Reveal())
	assert.Equal(t, []string{"canary"}, h.Nested.Reveal())
	assert.Empty(t, Plain{}.Reveal())
	_ = h.hidden
}
