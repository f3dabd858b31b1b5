package merchant

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

var (
	noon      = time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC)
	applicant = platform.Actor{ID: "usr-1", Kind: platform.Merchant}
	stranger  = platform.Actor{ID: "usr-2", Kind: platform.Merchant}
	reviewer  = platform.Actor{ID: "opr-1", Kind: platform.Operator}
	colleague = platform.Actor{ID: "opr-2", Kind: platform.Operator}
	customer  = platform.Actor{ID: "cus-1", Kind: platform.Customer}
	auditor   = platform.Actor{ID: "aud-1", Kind: platform.Auditor}
	system    = platform.SystemActor("test")
	zone      = platform.NewID("zon", noon, 7, 7)
)

// house is a service over an empty memory store, with a clock that stands at
// noon until it is moved.
type house struct {
	*Service
	db    *memory.DB
	gate  *gate
	mu    sync.Mutex
	clock time.Time
}

func opened(opts *Options) *house {
	h := &house{db: memory.New(Kinds(), nil), clock: noon, gate: &gate{}}
	h.Service = New(platform.Writer{Store: h.db, Now: h.now}, StoreOn(h.db), Ports{Requirements: h.gate, Sealer: newBox()}, opts)
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func as(by platform.Actor) context.Context { return platform.As(context.Background(), by) }

// owner acts as a merchant itself.
func owner(merchant platform.ID) platform.Actor {
	return platform.Actor{ID: merchant, Kind: platform.Merchant}
}

func party() Party {
	return Party{Name: "Bright Windows", LegalName: "Bright Windows Ltd", Licence: "91350100-M000100Y43", Contact: "+86 591 000 0000"}
}

// applied, inReview, admitted, active: an application and its merchant on the
// way in.
func (h *house) applied(t require.TestingT) Application {
	a, err := h.Apply(as(applicant), Apply{Party: party(), Channel: "paid_search", Introducer: "opr-9"})
	require.NoError(t, err)
	return a
}

func (h *house) inReview(t require.TestingT) Application {
	a, err := h.Submit(as(applicant), Submit{Application: h.applied(t).ID})
	require.NoError(t, err)
	return a
}

func (h *house) admitted(t require.TestingT) (Merchant, Agreement) {
	a, err := h.Approve(as(reviewer), Approve{Application: h.inReview(t).ID})
	require.NoError(t, err)
	m, err := h.Merchant(as(reviewer), a.Merchant)
	require.NoError(t, err)
	g, _, err := h.Agreement(as(owner(m.ID)), m.Agreement)
	require.NoError(t, err)
	return m, g
}

func (h *house) active(t require.TestingT) Merchant {
	m, g := h.admitted(t)
	_, err := h.Sign(as(owner(m.ID)), Sign{Agreement: g.ID, Hash: g.Hash})
	require.NoError(t, err)
	m, err = h.Merchant(as(reviewer), m.ID)
	require.NoError(t, err)
	require.Equal(t, Active, m.State)
	return m
}

// content is complete and breaks no rule; change makes it what a test is about.
func content(change ...func(*Content)) Content {
	c := Content{
		Title: "Window cleaning", Text: "Both sides of up to ten windows, frames included.", Unit: "visit",
		Price:    platform.MustMoney("180.00", "CNY"),
		Standard: Standard{Scope: "ten windows", Result: "free of streaks", Warranty: "cleaned again within a week"},
		Minutes:  120, Zone: zone, Seats: 1, Need: []string{"windows"},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func priceOf(amount string) func(*Content) {
	return func(c *Content) { c.Price = platform.MustMoney(amount, "CNY") }
}

// drafted, queued, live: a listing of m on its way to the shelf.
func (h *house) drafted(t require.TestingT, m Merchant, change ...func(*Content)) Revision {
	c := content(change...)
	r, err := h.NewDraft(as(owner(m.ID)), NewDraft{Content: &c})
	require.NoError(t, err)
	return r
}

func (h *house) queued(t require.TestingT, m Merchant, change ...func(*Content)) Revision {
	r, err := h.SubmitDraft(as(owner(m.ID)), SubmitDraft{Revision: h.drafted(t, m, change...).ID})
	require.NoError(t, err)
	return r
}

func (h *house) live(t require.TestingT, m Merchant, change ...func(*Content)) Listing {
	r, err := h.ApproveRevision(as(reviewer), ApproveRevision{Revision: h.queued(t, m, change...).ID})
	require.NoError(t, err)
	require.Equal(t, Live, r.State)
	l, err := h.Listing(as(reviewer), r.Listing)
	require.NoError(t, err)
	return l
}

// revised hands in another revision of l.
func (h *house) revised(t require.TestingT, l Listing, change ...func(*Content)) Revision {
	c := content(change...)
	r, err := h.NewDraft(as(owner(l.Merchant)), NewDraft{Listing: l.ID, Content: &c})
	require.NoError(t, err)
	r, err = h.SubmitDraft(as(owner(l.Merchant)), SubmitDraft{Revision: r.ID})
	require.NoError(t, err)
	return r
}

// events are the types of what happened to a record, in no order.
func (h *house) events(t require.TestingT, subject platform.Ref) []string {
	page, err := platform.List[platform.Event](context.Background(), h.db, platform.Query{
		Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}, Limit: 500,
	})
	require.NoError(t, err)
	var types []string
	for _, e := range page.Items {
		types = append(types, e.Type)
	}
	return types
}

// atOnce calls f n times in parallel and returns the errors.
func atOnce(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// gate blocks merchants as long as it is shut, and knows nothing while it is down.
type gate struct {
	mu         sync.Mutex
	shut, down bool
	unlisted   bool // keeps merchants from listing, too
}

var errUntrained = platform.Err(platform.ErrState, "verification.currently_due", "training is missing", "缺少培训")

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
}

func (g *gate) unlist(unlisted bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unlisted = unlisted
}

func (g *gate) Met(_ context.Context, _ platform.ID, capability string, _ time.Time) ([]platform.Change, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return nil, platform.ErrUnavailable
	}
	if capability == "sell" && g.shut || capability == "list" && g.unlisted || capability != "sell" && capability != "list" {
		return nil, errUntrained
	}
	return nil, nil
}

// box seals with a key that lives as long as the test.
type box struct {
	aead cipher.AEAD
	key  []byte
}

var _ platform.Sealer = box{}

func newBox() box {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return box{aead: aead, key: key}
}

func label(at platform.Place) []byte {
	return []byte(at.Subject.String() + "\x00" + at.Record.String() + "\x00" + at.Field)
}

func (b box) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	return b.aead.Seal(nil, nil, []byte(plain), label(at)), nil
}

func (b box) open(at platform.Place, s platform.Sealed) (string, error) {
	plain, err := b.aead.Open(nil, nil, s, label(at))
	return string(plain), err
}

func (b box) Blind(_ context.Context, field, plain string) (string, error) {
	mac := hmac.New(sha256.New, b.key)
	mac.Write([]byte(field + "\x00" + plain))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// succeeded counts the calls that were not refused.
func succeeded(errs []error) (n int) {
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}

// refused returns the errors among errs.
func refused(errs []error) (out []error) {
	for _, err := range errs {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}
