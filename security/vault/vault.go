package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// Vault seals and reveals. It may be used by several goroutines at once, and by
// several processes on the same stores.
type Vault struct {
	w     platform.Writer // of the main store
	db    platform.Getter
	keys  platform.DB
	kept  platform.Writer // of the store of keys
	kek   KEK
	o     Options
	class map[string]platform.Class // by kind and field; nil: all are personal
	cache *cache
	turns [64]sync.Mutex

	house, digests, blinds []byte // its own key, and what is cut from it
}

var (
	_ platform.Sealer = (*Vault)(nil)
	_ platform.Ticker = (*Vault)(nil)
)

// Keys is where the keys are: a store of their own, opened with [KeyKinds] and
// never part of the main store's backups, and what wraps the data keys in it.
type Keys struct {
	Store platform.DB
	KEK   KEK
}

// Options of a vault; nil means defaults.
type Options struct {
	Kinds  []platform.Kind  // whose personal fields alone are sealed; if nil, any field is
	Index  map[string]Index // of blind indexes, by field; others are whole and of plain text
	Lawful Lawful           // if nil, every purpose that the guard allows
	Viewer Viewer           // if nil, who may see a field sees all of it
	Keep   time.Duration    // of an epoch's key after the last use, as long as old copies of the key store are kept; 0 is 35 days
}

// Lawful knows for what purposes the personal data of a subject may be used now.
// Its changes are part of the reveal's commit, such as a consent that must still
// be there.
type Lawful interface {
	Lawful(ctx context.Context, subject platform.Ref, purpose string) ([]platform.Change, error)
}

// Viewer tells how much of a field the policy shows to whom, as a view of package
// security.
type Viewer interface {
	View(ctx context.Context, act platform.Act) (string, error)
}

// Open makes a vault over the main store, of which w is the writer and db the
// reading half, and the store of keys. The vault's own key, from which blind
// indexes and digests come, is made when there is none; it never changes. Without
// the keys it fails.
func Open(ctx context.Context, w platform.Writer, db platform.Getter, keys Keys, o *Options) (*Vault, error) {
	if o == nil {
		o = &Options{}
	}
	w = w.Ready()
	v := &Vault{
		w: w, db: db, keys: keys.Store, kek: keys.KEK, o: *o, cache: newCache(),
		kept: platform.Writer{Store: keys.Store, Now: w.Now, Tenant: w.Tenant, Tries: 1}.Ready(),
	}
	if v.o.Keep <= 0 {
		v.o.Keep = 35 * 24 * time.Hour
	}
	if o.Kinds != nil {
		v.class = map[string]platform.Class{}
	}
	for _, k := range o.Kinds {
		for _, f := range k.Fields {
			if f.Class != platform.Public && f.Class != platform.Internal {
				v.class[k.Name+"\x00"+f.Path] = f.Class
			}
		}
	}
	if err := v.begin(ctx); err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	v.w.Digest = v.Digest
	return v, nil
}

// Kinds are the kinds that the vault keeps in the main store.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Erasure]{
			Name: "vault.erasure", Prefix: "ers",
			Columns: func(e Erasure) []platform.Column { return []platform.Column{{Name: "due", Value: e.Due}} },
			Indexes: []platform.Index{{By: []string{"due"}, Sparse: true}},
		}.Kind(),
	}
}

// Seal implements [platform.Sealer]. It fails with ErrShredded for a subject that
// was erased, with ErrKEK while the keys cannot be had, and with ErrInvalid, code
// vault.place, for a field that is not declared personal.
//
// It asks no guard, since it comes before the command: one that is refused then
// leaves a key that seals nothing, and no more.
func (v *Vault) Seal(ctx context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	if plain == "" {
		return nil, nil
	}
	about, err := v.bound(at)
	if err != nil {
		return nil, err
	}
	id, aead, err := v.take(ctx, at.Subject)
	if err != nil {
		return nil, fmt.Errorf("seal %s of %s: %w", at.Field, at.Record, err)
	}
	return seal(aead, id, []byte(plain), about), nil
}

// bound is what a value at a place is bound to.
func (v *Vault) bound(at platform.Place) ([]byte, error) {
	class := platform.Personal
	if v.class != nil {
		class = v.class[at.Record.Kind+"\x00"+at.Field]
	}
	if class == "" || slices.Contains([]string{at.Subject.Kind, string(at.Subject.ID), at.Record.Kind, string(at.Record.ID), at.Field}, "") || own(at.Subject) {
		return nil, fmt.Errorf("%s of %s: %w", at.Field, at.Record, errPlace)
	}
	return bound(v.w.Tenant, at.Record.Kind, string(at.Record.ID), at.Field, at.Subject.String(), string(class)), nil
}

// own tells whether a key is the vault's own.
func own(subject platform.Ref) bool { return strings.HasPrefix(subject.Kind, "vault") }

// Tick ends erasures that a crash cut short, rewraps keys of past epochs, and
// destroys the keys of epochs that nothing needs any more. It is a
// [platform.Ticker].
func (v *Vault) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	v.cache.purge(now)
	n, err := v.finish(ctx, now, limit)
	if err != nil {
		return n, err
	}
	more, err := v.Rotate(ctx, now, limit)
	return n + more, err
}
