package market

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// unlock opens the vault, in which the keys of everybody's data are.
func (m *Market) unlock() (err error) {
	if m.options.Keys == nil {
		m.options.Keys = memory.New(vault.KeyKinds(), nil)
	}
	if m.options.KEK == nil {
		m.options.KEK = vault.InMemory()
	}
	m.keyLog = &store.Relay{Outbox: m.options.Keys, Sinks: map[string]store.Sink{"nobody": nobody{}}}
	keys := vault.Keys{Store: m.options.Keys, KEK: m.options.KEK}
	m.Vault, err = vault.Open(context.Background(), m.Writer, m.DB, keys, &vault.Options{Kinds: Kinds(), Viewer: m.Access})
	return err
}

// nobody follows the log of the keys, which is there to be looked into.
type nobody struct{}

// Publish implements [store.Sink].
func (nobody) Publish(context.Context, []platform.Event) error { return nil }

// key is a key of its own for each use of the secret.
func key(secret []byte, use string) []byte {
	k, err := hkdf.Key(sha256.New, secret, nil, "platform market "+use, 32)
	if err != nil {
		panic(err) // the length is in range
	}
	return k
}

// randomSecret serves a market that lives as long as its process.
func randomSecret() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}
