package market_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
	"github.com/liangding/platform/store/storetest"
)

// TestAnErasureReachesBackups: of a thousand customers with a note one is erased
// after the backup. Restored and joined with the keys of today, it opens for all
// the others; the drill asserts both, and the audit log goes on from a checkpoint
// that was signed before.
func TestAnErasureReachesBackups(t *testing.T) {
	t.Parallel()
	s := staged(t)
	const n, erased = 1000, 613
	note := func(i int) string { return fmt.Sprintf("door code %05d", i) }
	placed := make([]order.Order, n)
	for i := range placed {
		who := platform.Actor{ID: s.Writer.NewRoot(t.Context(), "cus"), Kind: platform.Customer}
		o, err := s.Orders.Place(s.as(who), order.Place{
			Lines: []order.PlaceLine{{Listing: s.cast.Listing, Quantity: 1}}, Total: s.cast.Price, Note: note(i),
		})
		require.NoError(t, err)
		placed[i] = o
	}
	s.tick(0)
	signed, err := s.Audit.Checkpoint(t.Context())
	require.NoError(t, err)
	file, _ := saved(t, s.engine)

	_, err = s.Vault.Shred(s.as(s.cast.Operator), vault.Shred{Of: platform.Ref{Kind: "customer", ID: placed[erased].Customer}, Basis: "consent_withdrawn"})
	require.NoError(t, err)

	restored := memory.New(market.Kinds(), nil)
	var found []store.Finding
	d, err := s.Drill(t.Context(), bytes.NewReader(file), restored, func(f store.Finding) { found = append(found, f) })
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Equal(t, []int{n - 1 + 4, 1}, []int{d.Opened, d.Erased}, "four are the demo's own")
	r := on(t, restored, nil)
	for i, o := range placed {
		plain, receipt, err := r.Reveal(s.as(s.cast.Operator), market.Reveal{Record: o.Ref(), Field: "note", Purpose: "dispute", Reason: "complaint"})
		if i == erased {
			require.ErrorIs(t, err, vault.ErrShredded)
			require.Empty(t, plain.Reveal())
			continue
		}
		require.NoError(t, err)
		require.Equal(t, note(i), plain.Reveal())
		require.NotEmpty(t, receipt)
	}
	_, err = s.Orders.Place(s.as(platform.Actor{ID: placed[erased].Customer, Kind: platform.Customer}), order.Place{
		Lines: []order.PlaceLine{{Listing: s.cast.Listing, Quantity: 1}}, Total: s.cast.Price, Note: "again",
	})
	require.ErrorIs(t, err, vault.ErrShredded)

	s.tick(0)
	assert.Regexp(t, "^[0-9]+ events", s.proof(), "records, books and log are sound after the erasure")
	old, err := signed.Open(s.Verifier)
	require.NoError(t, err)
	proof, now, err := s.Audit.Consistency(t.Context(), old.Size)
	require.NoError(t, err)
	head, err := now.Open(s.Verifier)
	require.NoError(t, err)
	require.NoError(t, head.Extends(old, proof))
	moment, err := s.DB.Moment(t.Context())
	require.NoError(t, err)
	defer func() { _ = moment.Close() }()
	_, err = audit.Verify(s.Audit.Events(t.Context(), moment), now, s.Verifier)
	require.NoError(t, err)
}

// TestADrillMissesLostKeys: a store whose keys are gone is no backup.
func TestADrillMissesLostKeys(t *testing.T) {
	t.Parallel()
	s := lively(t, memory.New(market.Kinds(), nil))
	file, _ := saved(t, s.engine)
	lost, err := market.Open(s.engine, &market.Options{Now: s.clock.Now, Secret: bytes.Repeat([]byte("market"), 6)})
	require.NoError(t, err)
	var found []store.Finding

	d, err := lost.Drill(t.Context(), bytes.NewReader(file), memory.New(market.Kinds(), nil), func(f store.Finding) { found = append(found, f) })

	require.NoError(t, err)
	assert.Zero(t, d.Opened)
	require.Len(t, found, 4)
	assert.Equal(t, "vault", found[0].Code)
}

func TestARevealNeedsARecordAFieldAndARight(t *testing.T) {
	t.Parallel()
	s := lively(t, memory.New(market.Kinds(), nil))
	apps, err := platform.List[platform.Head](t.Context(), s.DB, platform.Query{Kind: "merchant.application"})
	require.NoError(t, err)
	application := platform.Ref{Kind: "merchant.application", ID: apps.Items[0].ID}
	ask := func(who platform.Actor, on platform.Ref, field string) (string, error) {
		plain, _, err := s.Reveal(s.as(who), market.Reveal{Record: on, Field: field, Purpose: "agreement", Reason: "verification"})
		return plain.Reveal(), err
	}

	got, err := ask(s.cast.Operator, application, "profile.legal_name")
	require.NoError(t, err)
	assert.Equal(t, "Bright Windows Ltd", got)
	for name, c := range map[string]struct {
		who   platform.Actor
		on    platform.Ref
		field string
		want  error
	}{
		"public field":   {s.cast.Operator, application, "profile.name", platform.ErrNotFound},
		"no such field":  {s.cast.Operator, application, "profile", platform.ErrNotFound},
		"nothing sealed": {s.cast.Operator, platform.Ref{Kind: "staff.zone", ID: s.cast.Zone}, "name", platform.ErrNotFound},
		"no record":      {s.cast.Operator, platform.Ref{Kind: "order", ID: application.ID.As("ord")}, "note", platform.ErrNotFound},
		"no kind":        {s.cast.Operator, platform.Ref{Kind: "nothing", ID: application.ID}, "note", platform.ErrNotFound},
		"a customer":     {s.cast.Customer, application, "profile.contact", platform.ErrDenied},
		"nobody":         {platform.Actor{}, application, "profile.contact", platform.ErrDenied},
		"no field":       {s.cast.Operator, application, "", platform.ErrInvalid},
	} {
		got, err := ask(c.who, c.on, c.field)
		require.ErrorIs(t, err, c.want, name)
		assert.Empty(t, got, name)
	}
}

// TestADeniedLookIsOnRecord: nobody tries doors unseen.
func TestADeniedLookIsOnRecord(t *testing.T) {
	t.Parallel()
	s := lively(t, memory.New(market.Kinds(), nil))
	apps, err := platform.List[platform.Head](t.Context(), s.DB, platform.Query{Kind: "merchant.application"})
	require.NoError(t, err)
	curious := platform.Actor{ID: s.Writer.NewRoot(t.Context(), "opr"), Kind: platform.Operator}

	_, _, err = s.Reveal(s.as(curious), market.Reveal{
		Record: platform.Ref{Kind: "merchant.application", ID: apps.Items[0].ID}, Field: "profile.contact", Purpose: "agreement", Reason: "verification",
	})

	require.ErrorIs(t, err, access.ErrDenied)
	about := platform.Ref{Kind: "access.account", ID: curious.ID}
	told, err := platform.List[platform.Event](t.Context(), s.DB, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{about}})
	require.NoError(t, err)
	require.Len(t, told.Items, 1)
	assert.Equal(t, "access.refused", told.Items[0].Type)
}

// TestTheLogOfTheKeysWaitsForNobody: nothing follows it, so nothing piles up.
func TestTheLogOfTheKeysWaitsForNobody(t *testing.T) {
	t.Parallel()
	own := memory.New(vault.KeyKinds(), nil)
	m, err := market.Open(memory.New(market.Kinds(), nil), &market.Options{Keys: own})
	require.NoError(t, err)
	_, err = m.Demo(t.Context())
	require.NoError(t, err)
	waiting, err := own.Backlog(t.Context())
	require.NoError(t, err)
	require.Positive(t, waiting.Fresh)

	_, err = m.Sweep(t.Context())

	require.NoError(t, err)
	waiting, err = own.Backlog(t.Context())
	require.NoError(t, err)
	assert.Zero(t, waiting)
	require.NoError(t, m.Close())
}

// TestKeysLieInEveryEngine: they are made, rewrapped and destroyed in each, also
// when the process starts again.
func TestKeysLieInEveryEngine(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) store.Engine{
		"sqlite": func(t *testing.T) store.Engine {
			t.Helper()
			db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "keys.db"), vault.KeyKinds(), nil)
			require.NoError(t, err)
			return db
		},
		"postgres": func(t *testing.T) store.Engine {
			t.Helper()
			db, err := postgres.Open(t.Context(), server.Database(t), vault.KeyKinds(), &postgres.Options{AllowUnsafe: true})
			require.NoError(t, err)
			return db
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, kek := open(t), vault.InMemory()
			t.Cleanup(func() { _ = own.Close() })
			clock := storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))
			o := market.Options{Now: clock.Now, Keys: own, KEK: kek}
			m, err := market.Open(memory.New(market.Kinds(), nil), &o)
			require.NoError(t, err)
			at := func(i int) platform.Place {
				id := platform.NewID("ord", clock.Now(), platform.Slot(i), uint64(i))
				return platform.Place{Subject: platform.Ref{Kind: "customer", ID: id.As("cus")}, Record: platform.Ref{Kind: "order", ID: id}, Field: "note"}
			}
			places, sealed := make([]platform.Place, 20), make([]platform.Sealed, 20)
			for i := range places {
				places[i] = at(i)
				sealed[i], err = m.Vault.Seal(t.Context(), places[i], "x")
				require.NoError(t, err)
			}
			_, err = m.Access.Bootstrap(platform.As(t.Context(), platform.SystemActor("setup")), access.Bootstrap{Accounts: []platform.ID{"opr_1"}, Roles: market.DemoRoles})
			require.NoError(t, err)
			operator := platform.As(t.Context(), platform.Actor{ID: "opr_1", Kind: platform.Operator, Roles: market.DemoRoles})
			_, err = m.Vault.Shred(operator, vault.Shred{Of: places[7].Subject, Basis: "closed"})
			require.NoError(t, err)

			n, err := m.Vault.Rotate(t.Context(), clock.Advance(31*24*time.Hour), 0)
			require.NoError(t, err)
			assert.Equal(t, 20, n, "nineteen customers, and the house")
			again, err := market.Open(m.DB, &o)
			require.NoError(t, err)

			for i := range places {
				_, err := again.Vault.Opens(t.Context(), places[i], sealed[i])
				if i == 7 {
					require.ErrorIs(t, err, vault.ErrShredded)
					continue
				}
				require.NoError(t, err)
			}
		})
	}
}
