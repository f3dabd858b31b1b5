package vault

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// Kinds of the key store.
const (
	kindKey   = "vault.key"
	kindRing  = "vault.ring"
	keyPrefix = "vky"
)

// A data key seals less than 2³² values, reserved by each process in steps.
const (
	step  = 1 << 20
	seals = 1 << 32
)

// key is the record of a subject's data keys, or what is left of it: a tombstone.
type key struct {
	platform.Head
	Subject  platform.Ref `json:"subject" class:"internal"`
	Keys     []wrapped    `json:"keys,omitempty"` // the last one seals
	Shredded time.Time    `json:"shredded,omitzero" class:"internal"`
	Basis    string       `json:"basis,omitempty" class:"internal"` // why the law has it shredded
	Beyond   time.Time    `json:"beyond,omitzero" class:"internal"` // from when no older copy of this store opens anything either
}

type wrapped struct {
	Epoch uint32          `json:"epoch" class:"internal"`
	Key   platform.Sealed `json:"key" class:"secret,sealing,erasure,duty"`
	Seals int64           `json:"seals" class:"internal"` // reserved so far
}

// Ref names the record.
func (k key) Ref() platform.Ref { return platform.Ref{Kind: kindKey, ID: k.ID} }

// epoch is the oldest by which a key is wrapped; 0 for a tombstone.
func (k key) epoch() (oldest uint32) {
	for _, w := range k.Keys {
		if oldest == 0 || w.Epoch < oldest {
			oldest = w.Epoch
		}
	}
	return oldest
}

// full tells whether the next reservation needs another data key.
func (k key) full() bool {
	return len(k.Keys) == 0 || k.Keys[len(k.Keys)-1].Seals+step >= seals
}

// KeyKinds are the kinds of the store of keys.
func KeyKinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[key]{
			Name: kindKey, Prefix: keyPrefix,
			Columns: func(k key) []platform.Column {
				epoch := ""
				if oldest := k.epoch(); oldest > 0 {
					epoch = column(oldest)
				}
				return []platform.Column{{Name: "epoch", Value: epoch}}
			},
			Indexes: []platform.Index{{By: []string{"epoch"}, Sparse: true}},
		}.Kind(),
		platform.Shape[ring]{Name: kindRing, Prefix: "vrg"}.Kind(),
	}
}

// look reads the record of a subject's keys as it is now.
func (v *Vault) look(ctx context.Context, id keyID) (platform.Record, error) {
	records, err := v.keys.Get(ctx, platform.Ref{Kind: kindKey, ID: id.record()})
	if err != nil {
		return platform.Record{}, err
	}
	return records[0], nil
}

// decoded is the record's document. It fails with ErrShredded for a tombstone.
func decoded(r platform.Record) (key, error) {
	all, err := platform.Found[key](map[platform.Ref]platform.Record{r.Ref: r}, r.Ref)
	if err != nil {
		return key{}, err
	}
	if !all[0].Shredded.IsZero() {
		return all[0], fmt.Errorf("keys of %s: %w", all[0].Subject, ErrShredded)
	}
	return all[0], nil
}

// open is the cipher of a key as of its record.
func (v *Vault) open(ctx context.Context, id keyID, r platform.Record) (cipher.AEAD, error) {
	now := v.w.Now()
	if aead := v.cache.get(id, r.Version, now); aead != nil {
		return aead, nil
	}
	k, err := decoded(r)
	if err != nil {
		v.cache.drop(id)
		return nil, err
	}
	dek, err := v.unwrap(ctx, k, id.number())
	if err != nil {
		return nil, err
	}
	aead, err := newCipher(dek)
	if err == nil {
		v.cache.put(id, r.Version, aead, now)
	}
	return aead, err
}

func (v *Vault) unwrap(ctx context.Context, k key, n uint32) ([]byte, error) {
	if int64(n) >= int64(len(k.Keys)) {
		return nil, ErrEnvelope
	}
	dek, err := v.kek.Unwrap(ctx, k.Keys[n].Epoch, k.Keys[n].Key, v.wrapping(k.ID, n))
	if err != nil {
		return nil, fmt.Errorf("unwrap key of %s: %w: %w", k.Subject, ErrKEK, err)
	}
	if len(dek) != 32 {
		return nil, fmt.Errorf("unwrap key of %s: %w", k.Subject, ErrKEK)
	}
	return dek, nil
}

func (v *Vault) wrap(ctx context.Context, epoch uint32, id platform.ID, n uint32, dek []byte) (wrapped, error) {
	text, err := v.kek.Wrap(ctx, epoch, dek, v.wrapping(id, n))
	if err != nil {
		return wrapped{}, fmt.Errorf("wrap a key: %w: %w", ErrKEK, err)
	}
	return wrapped{Epoch: epoch, Key: text}, nil
}

// wrapping is what a wrapped key is bound to: its own place.
func (v *Vault) wrapping(id platform.ID, n uint32) []byte {
	return bound(kindKey, v.w.Tenant, string(id), strconv.FormatUint(uint64(n), 10))
}

// take finds the key for sealing a value of the subject, with a seal of it to be
// used. Of several first seals at once one makes the key.
func (v *Vault) take(ctx context.Context, subject platform.Ref) (keyID, cipher.AEAD, error) {
	id := keyOf(subject)
	for ctx.Err() == nil {
		if mine, ok := v.cache.spend(id); ok {
			r, err := v.look(ctx, mine)
			if missing(err) { // what was reserved is gone
				v.cache.drop(mine)
				err = fmt.Errorf("keys of %s: %w", subject, ErrKEK)
			}
			if err != nil {
				return id, nil, err
			}
			aead, err := v.open(ctx, mine, r)
			return mine, aead, err
		}
		if err := v.reserve(ctx, subject, id); err != nil {
			return id, nil, err
		}
	}
	return id, nil, ctx.Err()
}

type reserve struct{ Subject platform.Ref }

// reserve reserves seals for this process, with a new key where there is none or
// the last one is used up.
func (v *Vault) reserve(ctx context.Context, subject platform.Ref, id keyID) error {
	turn := &v.turns[id[0]%byte(len(v.turns))] // one of a process is enough
	turn.Lock()
	defer turn.Unlock()
	if mine, ok := v.cache.spend(id); ok {
		v.cache.reserve(mine, 1)
		return nil
	}
	k, err := v.known(ctx, id)
	if err != nil {
		return err
	}
	if k.Subject == (platform.Ref{}) {
		k.ID, k.Subject = id.record(), subject
	}
	if k.Subject != subject {
		return fmt.Errorf("keys of %s: %w", subject, errPlace)
	}
	if k.full() {
		dek := make([]byte, 32)
		_, _ = rand.Read(dek) // never fails since Go 1.24
		w, err := v.wrap(ctx, epochOf(v.w.Now()), k.ID, uint32(len(k.Keys)), dek)
		clear(dek)
		if err != nil {
			return err
		}
		k.Keys = append(k.Keys, w)
	}
	last := len(k.Keys) - 1
	k.Keys[last].Seals += step
	err = v.write(ctx, reserve{subject}, platform.Put(k), platform.Happened("vault.key_reserved", k.Ref(), map[string]int64{"key": int64(last), "seals": k.Keys[last].Seals}))
	switch {
	case errors.Is(err, platform.ErrConflict):
		return nil // another process was faster: look again
	case err != nil:
		return err
	}
	v.cache.reserve(id.nth(uint32(last)), step)
	return nil
}

// known reads a subject's keys; none is no error.
func (v *Vault) known(ctx context.Context, id keyID) (key, error) {
	r, err := v.look(ctx, id)
	if errors.Is(err, platform.ErrNotFound) {
		return key{}, nil
	}
	if err != nil {
		return key{}, err
	}
	return decoded(r)
}

// write commits changes to the store of keys, once: what they rest on was read
// before, since a key cannot be wrapped inside a decision.
func (v *Vault) write(ctx context.Context, command any, changes ...platform.Change) error {
	_, err := platform.Update(v.system(ctx), v.kept, command, func(context.Context) (struct{}, []platform.Change, error) {
		return struct{}{}, changes, nil
	})
	return err
}

// system is ctx in which the vault itself acts, under no key of the caller's.
func (v *Vault) system(ctx context.Context) context.Context {
	return platform.As(platform.WithoutKey(ctx), platform.SystemActor("vault"))
}
