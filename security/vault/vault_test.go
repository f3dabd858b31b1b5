package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

// TestVA1AMovedEnvelopeDoesNotOpen: to another record, field, class, subject or
// tenant.
func TestVA1AMovedEnvelopeDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := w.sealed(at(1), "the key is under the mat")
	w.sealed(at(2), "another's")
	w.opens(at(1), sealed, "the key is under the mat")
	w.opens(platform.Place{Record: at(1).Record, Field: "note"}, sealed, "the key is under the mat")

	for name, place := range map[string]platform.Place{
		"record":  {Subject: who(1), Record: at(2).Record, Field: "note"},
		"field":   {Subject: who(1), Record: at(1).Record, Field: "phone"},
		"class":   {Subject: who(1), Record: at(1).Record, Field: "bank"},
		"subject": {Subject: who(2), Record: at(1).Record, Field: "note"},
	} {
		plain, err := w.reveal(place, sealed)
		assert.ErrorIs(t, err, ErrEnvelope, name)
		assert.Empty(t, plain, name)
	}
	for name, place := range map[string]platform.Place{
		"public field": {Subject: who(1), Record: at(1).Record, Field: "id"},
		"other kind":   {Subject: who(1), Record: platform.Ref{Kind: "pass", ID: "x"}, Field: "note"},
	} {
		_, err := w.reveal(place, sealed)
		assert.Equal(t, "vault.place", platform.Code(err), name)
		_, err = w.Seal(t.Context(), place, "x")
		assert.Equal(t, "vault.place", platform.Code(err), name)
	}
	_, err := w.Seal(t.Context(), platform.Place{Subject: house, Record: at(1).Record, Field: "note"}, "x")
	assert.Equal(t, "vault.place", platform.Code(err), "the vault's own key seals nothing")

	w.w.Tenant = "another"
	_, err = w.try()
	require.ErrorIs(t, err, ErrKEK, "a key of one tenant is none of another's")
}

// TestVA2NoReceiptNoPlaintext: whatever becomes of the commit.
func TestVA2NoReceiptNoPlaintext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := w.sealed(at(1), "secret plan")

	plain, receipt, err := w.Reveal(platform.WithKey(w.operator(), "again"), Request{Place: at(1), Sealed: sealed, Purpose: "support", Reason: "ticket"})
	require.NoError(t, err)
	assert.Equal(t, "secret plan", plain.Reveal())
	e, err := platform.Read[platform.Event](t.Context(), w.main, "event", receipt)
	require.NoError(t, err)
	assert.Equal(t, []any{"vault.revealed", at(1).Record, "ticket", platform.ID("opr_1")}, []any{e.Type, e.Subject, e.Reason, e.Actor.ID})
	assert.JSONEq(t, `{"subject":"`+who(1).String()+`","field":"note","purpose":"support","view":"full"}`, string(e.Data))
	_, second, err := w.Reveal(platform.WithKey(w.operator(), "again"), Request{Place: at(1), Sealed: sealed, Purpose: "support", Reason: "ticket"})
	require.NoError(t, err)
	assert.NotEqual(t, receipt, second, "a repeat is shown again, and so has a receipt again")

	for name, faults := range map[string]storetest.Faults{
		"refused": {Refuse: 1},
		"lost":    {Lose: 1}, // it happens, and nobody knows
		"stopped": {Stop: func(at storetest.Point, _ platform.Set) bool { return at == storetest.BeforeSend }},
	} {
		w.w.Store = storetest.NewFaulty(w.main, faults)
		w.open()
		plain, receipt, err := w.Reveal(w.operator(), Request{Place: at(1), Sealed: sealed, Purpose: "support", Reason: "ticket"})
		require.ErrorIs(t, err, platform.ErrUnavailable, name)
		assert.Empty(t, plain.Reveal(), name)
		assert.Empty(t, receipt, name)
	}
}

func TestARevealAsksGuardLawAndViewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := w.sealed(at(1), "13812345678")
	var asked platform.Act
	w.w.Guard = guard(func(_ context.Context, act platform.Act) ([]platform.Change, error) {
		asked = act
		return nil, nil
	})
	lawful, view := error(nil), security.Tail4
	w.o.Lawful, w.o.Viewer = law(func() error { return lawful }), views(func() string { return view })
	w.open()

	w.opens(at(1), sealed, "*******5678")
	assert.Equal(t, platform.Act{Actor: platform.Actor{ID: "opr_1", Kind: platform.Operator}, Action: "vault.reveal", On: at(1).Record, Field: "note", Purpose: "support", Reason: "ticket"}, asked)
	view = security.None
	_, err := w.reveal(at(1), sealed)
	require.ErrorIs(t, err, platform.ErrDenied)
	view, lawful = security.Full, errNo
	_, err = w.reveal(at(1), sealed)
	require.ErrorIs(t, err, errNo)
	lawful = nil
	w.w.Guard = guard(func(context.Context, platform.Act) ([]platform.Change, error) {
		return []platform.Change{platform.Happened("access.refused", at(1).Record, nil)}, errNo
	})
	w.open()
	_, err = w.reveal(at(1), sealed)
	require.ErrorIs(t, err, errNo)
	assert.Equal(t, 1, count(told(t, w.main), "access.refused"), "what the guard wants on record")
	assert.Equal(t, 1, count(told(t, w.main), "vault.revealed"))
	w.w.Guard = nil
	w.open()
	_, err = w.reveal(at(1), sealed)
	require.Equal(t, "vault.unguarded", platform.Code(err))
	_, _, err = w.Reveal(t.Context(), Request{Place: at(1), Sealed: sealed, Purpose: "support", Reason: "ticket"})
	require.ErrorIs(t, err, platform.ErrDenied, "nobody acts")
	for _, in := range []Request{
		{Place: at(1), Sealed: sealed, Purpose: "support", Reason: "he asked me to"},
		{Place: at(1), Sealed: sealed, Purpose: "Support", Reason: "ticket"},
		{Place: at(1), Sealed: sealed, Reason: "ticket"},
		{Sealed: sealed, Purpose: "support", Reason: "ticket"},
	} {
		_, _, err = w.Reveal(w.operator(), in)
		require.ErrorIs(t, err, platform.ErrInvalid, "%+v", in)
	}
}

// TestAViewIsNoWiderThanTheGuardPermits: what showed the whole ends while the guard
// is asked.
func TestAViewIsNoWiderThanTheGuardPermits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed, view := w.sealed(at(1), "13812345678"), security.Full
	w.w.Guard = guard(func(context.Context, platform.Act) ([]platform.Change, error) {
		view = security.Tail4
		return nil, nil
	})
	w.o.Viewer = views(func() string { return view })
	w.open()

	w.opens(at(1), sealed, "*******5678")
	page, err := platform.List[platform.Event](t.Context(), w.main, platform.Query{Kind: "event"})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Contains(t, string(page.Items[0].Data), `"view":"tail4"`)
}

type law func() error

func (l law) Lawful(context.Context, platform.Ref, string) ([]platform.Change, error) {
	return nil, l()
}

type views func() string

func (v views) View(context.Context, platform.Act) (string, error) { return v(), nil }

// TestOneUseLeftIsUsedOnce: 32 at once, one of them sees the value.
func TestOneUseLeftIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := w.sealed(at(1), "once")
	left := pass{Head: platform.Head{ID: id("pas", 1)}, Left: 1}
	_, err := w.main.Commit(t.Context(), platform.Set{Changes: []platform.Change{platform.Put(left), {
		Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: id("evt", 1)},
		Value: platform.Event{ID: id("evt", 1), Type: "pass.granted", Subject: left.Ref(), Actor: platform.SystemActor("test"), At: noon},
	}}})
	require.NoError(t, err)
	w.w.Guard = guard(func(ctx context.Context, _ platform.Act) ([]platform.Change, error) {
		p, err := platform.Read[pass](ctx, w.main, "pass", left.ID)
		if err != nil {
			return nil, err
		}
		if p.Left == 0 {
			return nil, errNo
		}
		p.Left--
		return []platform.Change{platform.Put(p)}, nil
	})
	w.open()

	var seen, refused atomic.Int32
	together(32, func(int) {
		switch plain, err := w.reveal(at(1), sealed); {
		case err == nil && plain == "once":
			seen.Add(1)
		case errors.Is(err, errNo) && plain == "":
			refused.Add(1)
		}
	})

	assert.EqualValues(t, 1, seen.Load())
	assert.EqualValues(t, 31, refused.Load())
	assert.Equal(t, 1, count(told(t, w.main), "vault.revealed"))
}

// TestVA5AKeySealsLessThanItMay: then the subject has another, and both open.
func TestVA5AKeySealsLessThanItMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.sealed(at(1), "first")
	k := w.record(who(1))
	require.EqualValues(t, step, k.Keys[0].Seals)
	w.open()
	w.sealed(at(1), "in another process")
	k = w.record(who(1))
	require.EqualValues(t, 2*step, k.Keys[0].Seals, "each process reserves its own")
	require.Len(t, k.Keys, 1)

	k.Keys[0].Seals = seals - 2*step // as it is near the end
	require.NoError(t, w.write(t.Context(), reserve{}, platform.Put(k), platform.Happened("test", k.Ref(), nil)))
	last := w.open()
	w.sealed(at(1), "the last reservation")
	require.EqualValues(t, seals-step, w.record(who(1)).Keys[0].Seals)
	w.open()
	second := w.sealed(at(1), "second")

	k = w.record(who(1))
	require.Len(t, k.Keys, 2)
	assert.EqualValues(t, seals-step, k.Keys[0].Seals, "never more")
	assert.EqualValues(t, step, k.Keys[1].Seals)
	w.opens(at(1), first, "first")
	w.opens(at(1), second, "second")
	assert.NotEqual(t, first[2:headLen], second[2:headLen])
	third, err := last.Seal(t.Context(), at(1), "third")
	require.NoError(t, err)
	assert.Equal(t, first[2:headLen], third[2:headLen], "who has seals left uses them")
}

// TestVA6NothingSaysThePlaintext: no error does, whatever goes wrong.
func TestVA6NothingSaysThePlaintext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const canary = "canary-13812345678"
	sealed := w.sealed(at(1), canary)
	var errs []error
	note := func(_ any, err error) { errs = append(errs, err) }
	note(w.reveal(at(2), sealed))
	note(w.Seal(t.Context(), platform.Place{}, canary))
	_, err := w.Shred(w.operator(), Shred{Of: who(1), Basis: "consent_withdrawn"})
	require.NoError(t, err)
	note(w.Seal(t.Context(), at(1), canary))
	note(w.reveal(at(1), sealed))
	w.o.Index = map[string]Index{"phone": {Form: Phone}}
	w.open()
	note(w.Blind(t.Context(), "phone", canary))
	w.kek, w.Vault.kek = broken{}, broken{}
	note(w.Seal(t.Context(), at(3), canary))
	for _, err := range errs {
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "canary")
	}
	var all []byte
	for _, db := range []*memory.DB{w.main.(*memory.DB), w.keys.(*memory.DB)} {
		for line, err := range db.Lines(t.Context()) {
			require.NoError(t, err)
			all = append(all, fmt.Sprintf("%+v %s\n", line, line.Doc)...)
		}
	}
	assert.Empty(t, security.Canaries{canary}.In(all))
}

// TestVA7WithoutKeysNothingIsSealedOrRevealed.
func TestVA7WithoutKeysNothingIsSealedOrRevealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := w.sealed(at(1), "x")
	kept := w.kek
	v := w.open() // which remembers no key
	v.kek = broken{}

	_, err := v.Seal(t.Context(), at(2), "y")
	require.ErrorIs(t, err, platform.ErrUnavailable)
	require.ErrorIs(t, err, ErrKEK)
	_, err = w.reveal(at(1), sealed)
	require.ErrorIs(t, err, platform.ErrUnavailable)
	assert.NotContains(t, told(t, w.main), "vault.revealed", "no receipt for what cannot be had")
	w.kek = broken{}
	_, err = w.try()
	require.ErrorIs(t, err, platform.ErrUnavailable)

	v.kek = kept
	w.opens(at(1), sealed, "x")
	w.keys = storetest.NewFaulty(w.keys, storetest.Faults{Refuse: 1})
	v.keys = w.keys
	_, err = v.Seal(t.Context(), at(1), "y")
	require.ErrorIs(t, err, platform.ErrUnavailable)
	_, err = w.reveal(at(1), sealed)
	require.ErrorIs(t, err, platform.ErrUnavailable, "what is remembered does not count without its record")
}

// TestVA8TwoFirstSealsMakeOneKey: in one process and in several.
func TestVA8TwoFirstSealsMakeOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := make([]*Vault, 4)
	for i := range all {
		all[i] = w.open()
	}
	var mu sync.Mutex
	var ids [][]byte

	together(32, func(i int) {
		s, err := all[i%len(all)].Seal(t.Context(), at(1), "x")
		if assert.NoError(t, err) {
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, s[2:headLen])
		}
	})

	require.Len(t, ids, 32)
	for _, k := range ids {
		assert.Equal(t, ids[0], k)
	}
	k := w.record(who(1))
	assert.Len(t, k.Keys, 1)
	assert.EqualValues(t, 4*step, k.Keys[0].Seals, "one reservation a process")
}

// TestAKeyThatIsShreddedElsewhereIsDeadAtOnce: a process that remembers it asks
// each time.
func TestAKeyThatIsShreddedElsewhereIsDeadAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := w.sealed(at(1), "x")
	w.opens(at(1), sealed, "x")
	here, there := w.Vault, w.open()

	_, err := there.Shred(w.operator(), Shred{Of: who(1), Basis: "consent_withdrawn"})
	require.NoError(t, err)

	w.Vault = here
	_, err = w.reveal(at(1), sealed)
	require.ErrorIs(t, err, ErrShredded)
	_, err = here.Seal(t.Context(), at(1), "y")
	require.ErrorIs(t, err, ErrShredded)
}

func TestTheCacheIsBoundedAndForgets(t *testing.T) {
	t.Parallel()
	c, now := newCache(), noon
	aead, err := newCipher(bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	for i := range cacheSize + 10 {
		c.put(keyOf(who(i)), 1, aead, now)
	}
	assert.Len(t, c.of, cacheSize)
	assert.Nil(t, c.get(keyOf(who(0)), 1, now), "the first went")
	last := keyOf(who(cacheSize + 9))
	assert.NotNil(t, c.get(last, 1, now))
	assert.NotNil(t, c.get(last, 1, now.Add(cacheFor-1)))
	assert.Nil(t, c.get(last.nth(1), 1, now), "another key of the subject")
	assert.Nil(t, c.get(last, 1, now.Add(cacheFor)), "its time is over")
	assert.Nil(t, c.get(last, 1, now), "and it is gone")
	other := keyOf(who(20))
	assert.Nil(t, c.get(other, 2, now), "the record has changed")
	assert.Nil(t, c.get(other, 1, now))
	c.purge(now.Add(cacheFor))
	for _, at := range c.of {
		assert.Empty(t, at.Value.(*entry).keys)
	}
}

func TestBlindIndexes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.o.Index = map[string]Index{
		"email": {Form: Email}, "phone": {Form: Phone, Country: "86"}, "abroad": {Form: Phone}, "find": {Form: Phone, Country: "86", Short: true},
	}
	w.open()
	blind := func(field, plain string) string {
		b, err := w.Blind(t.Context(), field, plain)
		require.NoError(t, err, "%s %s", field, plain)
		return b
	}
	for field, same := range map[string][]string{
		"email": {"Ann@Example.org", " ann@example.org", "ａｎｎ@example.org"},
		"phone": {"13812345678", "+86 138 1234 5678", "0086-138-1234-5678", "(138) 1234.5678", "＋８６13812345678"},
		"name":  {"ﬁne", "fine "},
	} {
		for _, plain := range same[1:] {
			assert.Equal(t, blind(field, same[0]), blind(field, plain), plain)
		}
		assert.Len(t, blind(field, same[0]), 64)
	}
	assert.NotEqual(t, blind("email", "a"), blind("name", "a"), "a key of each field")
	assert.NotEqual(t, blind("name", "a"), blind("name", "A"))
	assert.Len(t, blind("find", "13812345678"), 8)
	for _, wrong := range []string{"", "ann", "12", "1+3812345678", "138123456781381234"} {
		_, err := w.Blind(t.Context(), "phone", wrong)
		assert.Equal(t, "vault.phone", platform.Code(err), wrong)
	}
	_, err := w.Blind(t.Context(), "abroad", "13812345678")
	assert.Equal(t, "vault.phone", platform.Code(err), "no country is guessed")

	before, digest := blind("name", "x"), w.Digest([]byte("command"))
	w.clock.Advance(40 * 24 * time.Hour)
	_, err = w.Tick(t.Context(), w.clock.Now(), 0)
	require.NoError(t, err)
	w.open()
	assert.Equal(t, before, blind("name", "x"), "an index outlives restart and rotation")
	assert.Equal(t, digest, w.Digest([]byte("command")))
	assert.False(t, slices.Equal(digest, newWorld(t).Digest([]byte("command"))), "and is another's nowhere")
}
