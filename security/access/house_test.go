package access_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sqlite"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

func opr(n uint64) platform.ID { return platform.NewID("opr", noon, 1, n) }

var (
	boss, deputy, clerk, keeper = opr(1), opr(2), opr(3), opr(4)
	guest                       = platform.Ref{Kind: "guest", ID: platform.NewID("gst", noon, 1, 9)}
)

// visitor is a record of a domain with fields of each class.
type visitor struct {
	platform.Head
	Phone platform.Sealed `json:"phone,omitempty" class:"personal,visit,1y,contract"`
	Name  platform.Sealed `json:"name,omitempty" class:"personal,visit,1y,contract"`
	Card  platform.Sealed `json:"card,omitempty" class:"sensitive,visit,1y,contract"`
	Room  string          `json:"room" class:"internal"`
}

func (v visitor) Ref() platform.Ref { return platform.Ref{Kind: "guest", ID: v.ID} }

var guests = platform.Shape[visitor]{Name: "guest", Prefix: "gst"}.Kind()

// rules of an inn: a clerk may ring, a porter not by night, nobody sees a card
// but the keeper, and who counts the money does not rent the rooms.
func rules() access.Rules {
	p := func(action string) access.Permission { return access.Permission{Action: action} }
	look := func(field, purpose, view string) access.Permission {
		return access.Permission{Action: "vault.reveal", Kind: "guest", Field: field, Purpose: purpose, View: view}
	}
	return access.Rules{
		Roles: []access.Role{
			{Name: "system", May: []access.Permission{p("*")}},
			{Name: "admin", May: []access.Permission{p("*")}},
			{Name: "clerk", May: []access.Permission{p("access_test.*"), p("access.request"), look("phone", "calling", "tail4")}},
			{Name: "keeper", May: []access.Permission{look("*", "", ""), look("card", "police", "hash"), p("access.*")}},
			{Name: "porter", May: []access.Permission{p("access_test.ring")}, Never: []access.Permission{look("*", "", ""), p("access_test.bill")}},
			{Name: "cook"}, {Name: "cashier"}, {Name: "landlord"},
		},
		Exclusive: [][]string{{"landlord", "cashier"}},
		Guarded:   []string{"vault.reveal", "access.*", "access_test.bill"},
	}
}

// house is an inn with its guests' book, on a clock of its own.
type house struct {
	*access.Service
	t   testing.TB
	db  platform.DB
	w   platform.Writer
	now atomic.Int64
}

func engines(t *testing.T, run func(t *testing.T, db platform.DB)) {
	t.Helper()
	all := append(access.Kinds(), guests)
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		run(t, memory.New(all, nil))
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db, err := sqlite.Open(t.Context(), t.TempDir()+"/inn.db", all, nil)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		run(t, db)
	})
}

func open(t testing.TB, o *access.Options) *house {
	t.Helper()
	return openOn(t, memory.New(append(access.Kinds(), guests), nil), o)
}

// openOn is a house over an engine, in which boss, deputy and keeper have their
// roles.
func openOn(t testing.TB, db platform.DB, o *access.Options) *house {
	t.Helper()
	h := &house{t: t, db: db}
	h.now.Store(noon.UnixMicro())
	h.w = platform.Writer{Store: db, Now: h.clock}.Ready()
	if o == nil {
		o = &access.Options{}
	}
	inn := rules()
	o.Rules, o.Known.Kinds = &inn, []platform.Kind{guests}
	var err error
	h.Service, err = access.New(h.w, db, o)
	require.NoError(t, err)
	h.w.Guard = h.Service
	_, err = h.Bootstrap(h.system(), access.Bootstrap{Accounts: []platform.ID{boss, deputy}, Roles: []string{"admin"}})
	require.NoError(t, err)
	h.grant(keeper, "keeper")
	return h
}

func (h *house) clock() time.Time     { return time.UnixMicro(h.now.Add(1000)).UTC() }
func (h *house) pass(d time.Duration) { h.now.Add(d.Microseconds()) }
func (h *house) system() context.Context {
	return platform.As(h.t.Context(), platform.SystemActor("setup"))
}

// tick fires all that is due.
func (h *house) tick() int {
	h.t.Helper()
	n, err := h.Tick(h.t.Context(), h.clock(), 0)
	require.NoError(h.t, err)
	return n
}

// actor is the account as its grants make it.
func (h *house) actor(account platform.ID) platform.Actor {
	h.t.Helper()
	a, err := h.Actor(h.t.Context(), account, platform.Operator)
	require.NoError(h.t, err)
	return a
}

func (h *house) as(account platform.ID) context.Context {
	h.t.Helper()
	return platform.As(h.t.Context(), h.actor(account))
}

// grant gives a role by two persons.
func (h *house) grant(account platform.ID, role string) access.Grant {
	h.t.Helper()
	g, err := h.Propose(h.as(boss), access.Propose{Account: account, Role: role, Reason: "hired"})
	require.NoError(h.t, err)
	g, err = h.Activate(h.as(deputy), access.Activate{Grant: g.ID})
	require.NoError(h.t, err)
	return g
}

// look is an act of looking at a field of the guest.
func look(actor platform.Actor, field, purpose string) platform.Act {
	return platform.Act{Actor: actor, Action: "vault.reveal", On: guest, Field: field, Purpose: purpose, Reason: "asked"}
}

// ring is a command of the inn.
type ring struct{ Bell string }

func happened() []platform.Change {
	return []platform.Change{platform.Happened("inn.happened", guest, nil)}
}

func give[C any](ctx context.Context, w platform.Writer, in C) error {
	_, err := platform.Update(ctx, w, in, func(context.Context) (string, []platform.Change, error) { return "done", happened(), nil })
	return err
}

// see is a look: permitted and committed, or not at all.
func (h *house) see(act platform.Act) error {
	guard := looking{h.Service, act}
	w := h.w
	w.Guard = guard
	return give(platform.As(h.t.Context(), act.Actor), w, ring{})
}

// looking asks about a look, whatever the command is.
type looking struct {
	guard platform.Guard
	act   platform.Act
}

func (l looking) Permit(ctx context.Context, _ platform.Act) ([]platform.Change, error) {
	return l.guard.Permit(ctx, l.act)
}

// events are the types of all events about a record, in order.
func (h *house) events(about platform.Ref) (all []platform.Event) {
	h.t.Helper()
	page, err := platform.List[platform.Event](h.t.Context(), h.db, platform.Query{Kind: "event", Limit: 500})
	require.NoError(h.t, err)
	for _, e := range page.Items {
		if e.Subject == about || about == (platform.Ref{}) {
			all = append(all, e)
		}
	}
	return all
}

func types(events []platform.Event) (all []string) {
	for _, e := range events {
		all = append(all, e.Type)
	}
	return all
}
