package market_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
	"github.com/liangding/platform/store/storetest"
	"github.com/liangding/platform/store/storetest/pgserver"
)

var server pgserver.Server

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// engines open an empty store of each kind.
var engines = map[string]func(t *testing.T) store.Engine{
	"memory": func(*testing.T) store.Engine { return memory.New(market.Kinds(), nil) },
	"sqlite": func(t *testing.T) store.Engine {
		t.Helper()
		db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "market.db"), market.Kinds(), nil)
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return db
	},
	"postgres": func(t *testing.T) store.Engine {
		t.Helper()
		db, err := postgres.Open(t.Context(), server.Database(t), market.Kinds(), &postgres.Options{AllowUnsafe: true})
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return db
	},
}

// emptied opens an empty store as often as it is called: of PostgreSQL one that
// is emptied, since to make all the tables takes longer than to fill them.
func emptied(t *testing.T, engine string) func() store.Engine {
	t.Helper()
	if engine != "postgres" {
		return func() store.Engine { return engines[engine](t) }
	}
	dsn := server.Database(t)
	db, err := postgres.Open(t.Context(), dsn, market.Kinds(), &postgres.Options{AllowUnsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	var tables string
	require.NoError(t, conn.QueryRow(t.Context(), `select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables
 where schemaname = 'platform' and tablename not in ('layout', 'migration')`).Scan(&tables))
	return func() store.Engine {
		_, err := conn.Exec(t.Context(), "truncate "+tables)
		require.NoError(t, err)
		return db
	}
}

// stall is a market over an engine, with its clock.
type stall struct {
	*market.Market
	t      *testing.T
	engine store.Engine
	clock  *storetest.Clock
	cast   market.Cast
}

// keys are those of all markets here, as they outlive a store that is lost.
var keys = struct {
	store store.Engine
	kek   vault.KEK
}{memory.New(vault.KeyKinds(), nil), vault.InMemory()}

// on is a market over a store, which may be filled already.
func on(t *testing.T, db store.Engine, last audit.Last) *stall {
	t.Helper()
	s := &stall{t: t, engine: db, clock: storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))}
	var err error
	s.Market, err = market.Open(db, &market.Options{Now: s.clock.Now, Secret: bytes.Repeat([]byte("market"), 6), Last: last, Keys: keys.store, KEK: keys.kek})
	require.NoError(t, err)
	return s
}

// lively is a market with orders at every stage: waiting, paid, closed, and
// cancelled with its money under way; the last event is not logged yet.
func lively(t *testing.T, db store.Engine) *stall {
	t.Helper()
	s := on(t, db, nil)
	var err error
	s.cast, err = s.Demo(t.Context())
	require.NoError(t, err)
	closed := s.place("closed")
	s.pay(closed)
	s.deliver(closed)
	s.tick(8 * 24 * time.Hour)
	s.pay(s.place("paid"))
	cancelled := s.place("cancelled")
	s.pay(cancelled)
	_, err = s.Orders.Cancel(platform.WithKey(s.as(s.cast.Customer), "cancel"), order.Cancel{Order: cancelled, Reason: "changed_mind", MaxFee: s.cast.Price})
	require.NoError(t, err)
	s.tick(time.Hour)
	s.place("waiting")
	return s
}

func (s *stall) as(who platform.Actor) context.Context { return platform.As(s.t.Context(), who) }

// staged is a stall with the demo's people in it, in memory.
func staged(t *testing.T) *stall {
	t.Helper()
	s := on(t, memory.New(market.Kinds(), nil), nil)
	var err error
	s.cast, err = s.Demo(t.Context())
	require.NoError(t, err)
	return s
}

// sell has somebody new place an order and pay it: one customer's many orders
// would be looked at twice.
func (s *stall) sell(key string) error {
	somebody := s.as(platform.Actor{ID: s.Writer.NewRoot(s.t.Context(), "cus"), Kind: platform.Customer})
	o, err := s.Orders.Place(platform.WithKey(somebody, "place-"+key), order.Place{Lines: []order.PlaceLine{{Listing: s.cast.Listing, Quantity: 1}}, Total: s.cast.Price})
	if err != nil {
		return err
	}
	_, err = s.Payments.Pay(platform.WithKey(somebody, "pay-"+key), payment.Pay{Intent: payment.IntentID(o.Ref(), "full"), Method: "pm_ok"})
	return err
}

func (s *stall) place(key string) platform.ID {
	s.t.Helper()
	o, err := s.Orders.Place(platform.WithKey(s.as(s.cast.Customer), "place-"+key), order.Place{Lines: []order.PlaceLine{{Listing: s.cast.Listing, Quantity: 1}}, Total: s.cast.Price})
	require.NoError(s.t, err)
	return o.ID
}

func (s *stall) pay(o platform.ID) {
	s.t.Helper()
	intent := payment.IntentID(platform.Ref{Kind: "order", ID: o}, "full")
	_, err := s.Payments.Pay(platform.WithKey(s.as(s.cast.Customer), "pay-"+string(o)), payment.Pay{Intent: intent, Method: "pm_ok"})
	require.NoError(s.t, err)
}

func (s *stall) deliver(o platform.ID) {
	s.t.Helper()
	d, err := s.Dispatch.DispatchOrder(s.as(s.cast.Operator), dispatch.DispatchOrder{Order: o})
	require.NoError(s.t, err)
	member := s.as(s.cast.Staff)
	_, err = s.Dispatch.Accept(member, dispatch.Accept{Assignment: d.Offers[0].ID})
	require.NoError(s.t, err)
	_, err = s.Orders.Start(member, order.Start{Order: o})
	require.NoError(s.t, err)
	_, err = s.Orders.Deliver(member, order.Deliver{Order: o, Proofs: s.Photo()})
	require.NoError(s.t, err)
	_, err = s.Orders.Accept(s.as(s.cast.Customer), order.Accept{Order: o})
	require.NoError(s.t, err)
}

func (s *stall) tick(after time.Duration) {
	s.t.Helper()
	_, err := s.Tick(s.t.Context(), s.clock.Advance(after), 0)
	require.NoError(s.t, err)
}

// proof is what a verification tells, line by line, with the audit log's root.
func (s *stall) proof() string {
	s.t.Helper()
	var lines []string
	seen, err := s.Verify(s.t.Context(), func(f store.Finding) { lines = append(lines, f.String()) })
	require.NoError(s.t, err)
	slices.Sort(lines)
	return strings.Join(append(lines, fmt.Sprintf("%d events, root %s", seen.Events, seen.Root)), "\n")
}

// headed is the proof of a sound market whose audit log is that of a backup.
func headed(m store.Manifest) string {
	return fmt.Sprintf("%d events, root %s", m.Tree.Size, base64.StdEncoding.EncodeToString(m.Tree.Root))
}

func saved(t *testing.T, from store.Archive) ([]byte, store.Manifest) {
	t.Helper()
	var file bytes.Buffer
	m, err := store.Backup(t.Context(), from, &file)
	require.NoError(t, err)
	return file.Bytes(), m
}

// content is all lines, each as it means the same in every engine: one keeps
// documents to the byte, and another the order of what is undelivered.
func content(t *testing.T, db store.Archive) []string {
	t.Helper()
	var all []string
	for line, err := range db.Lines(t.Context()) {
		require.NoError(t, err)
		if line.Doc != nil {
			var doc any
			require.NoError(t, json.Unmarshal(line.Doc, &doc))
			line.Doc, err = json.Marshal(doc)
			require.NoError(t, err)
		}
		text, err := json.Marshal(line)
		require.NoError(t, err)
		all = append(all, string(text))
	}
	pending := slices.IndexFunc(all, func(l string) bool { return strings.HasPrefix(l, `{"pending"`) })
	slices.Sort(all[pending:])
	return all
}

// TestABackupOfEachEngineRestoresIntoEach is law 37 between engines: the same
// content, the same verification, the same root.
func TestABackupOfEachEngineRestoresIntoEach(t *testing.T) {
	t.Parallel()
	for from, source := range engines {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			s := lively(t, source(t))
			file, m := saved(t, s.engine)
			want := headed(m)
			require.Equal(t, want, s.proof(), "a sound market")
			for to := range engines {
				t.Run("into "+to, func(t *testing.T) {
					target := emptied(t, to)
					db := target()

					restored, err := store.Restore(t.Context(), db, bytes.NewReader(file))

					require.NoError(t, err)
					assert.Equal(t, m, restored)
					assert.Equal(t, want, on(t, db, nil).proof())
					assert.Equal(t, content(t, s.engine), content(t, db))
					back, again := saved(t, db)
					assert.Equal(t, m.Counts, again.Counts)
					assert.Equal(t, m.Tree, again.Tree)
					db = target()
					_, err = store.Restore(t.Context(), db, bytes.NewReader(back))
					require.NoError(t, err)
					assert.Equal(t, want, on(t, db, nil).proof())
				})
			}
		})
	}
}

// TestALifeGoesOnInARestoredMarket: what was under way is carried out.
func TestALifeGoesOnInARestoredMarket(t *testing.T) {
	t.Parallel()
	s := lively(t, engines["memory"](t))
	file, _ := saved(t, s.engine)
	db := engines["sqlite"](t)
	_, err := store.Restore(t.Context(), db, bytes.NewReader(file))
	require.NoError(t, err)
	r := on(t, db, nil)
	r.cast = s.cast
	r.clock.Advance(s.clock.Now().Sub(r.clock.Now()))

	waiting := r.place("waiting")
	r.tick(time.Minute)

	found, err := r.Orders.Orders(r.as(r.cast.Customer), order.Query{})
	require.NoError(t, err)
	assert.Len(t, found.Items, 4, "a repeat by key places nothing again")
	assert.True(t, slices.ContainsFunc(found.Items, func(o order.Order) bool { return o.ID == waiting }))
	assert.Regexp(t, "^[0-9]+ events", r.proof())
}

// TestABackupUnderLoadIsOneMoment: orders are placed and paid, and events
// logged, while backups are taken.
func TestABackupUnderLoadIsOneMoment(t *testing.T) {
	t.Parallel()
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := lively(t, open(t))
			ctx, stop := context.WithCancel(t.Context())
			var busy sync.WaitGroup
			for i := range 3 {
				busy.Go(func() {
					for n := 0; ctx.Err() == nil; n++ {
						if err := s.sell(fmt.Sprint(i, "-", n)); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			busy.Go(func() {
				for ctx.Err() == nil {
					if err := s.Relay(t.Context()); err != nil {
						t.Error(err)
						return
					}
				}
			})
			var files [][]byte
			for range 4 {
				file, _ := saved(t, s.engine)
				files = append(files, file)
			}
			stop()
			busy.Wait()
			for _, file := range files {
				db := memory.New(market.Kinds(), nil)
				m, err := store.Restore(t.Context(), db, bytes.NewReader(file))
				require.NoError(t, err)
				assert.Equal(t, headed(m), on(t, db, nil).proof())
			}
		})
	}
}

// TestAMarketSetBackIsFoundOut: by the head that was signed last.
func TestAMarketSetBackIsFoundOut(t *testing.T) {
	t.Parallel()
	last := audit.File(filepath.Join(t.TempDir(), "head"))
	s := lively(t, engines["memory"](t))
	before, _ := saved(t, s.engine)
	_, err := s.Tick(t.Context(), s.clock.Advance(time.Minute), 0)
	require.NoError(t, err)
	after, _ := saved(t, s.engine)
	for _, step := range []struct {
		file []byte
		want string
	}{
		{before, `^[0-9]+ events, root`},
		{after, `^[0-9]+ events, root`},
		{before, `^audit log/market\.example .*not the one that was signed before`},
	} {
		db := memory.New(market.Kinds(), nil)
		_, err := store.Restore(t.Context(), db, bytes.NewReader(step.file))
		require.NoError(t, err)
		assert.Regexp(t, step.want, on(t, db, last).proof())
	}
}

// TestADrillTellsWhatALossWouldCost and leaves a record of it.
func TestADrillTellsWhatALossWouldCost(t *testing.T) {
	t.Parallel()
	s := lively(t, engines["memory"](t))
	file, m := saved(t, s.engine)
	s.tick(6 * time.Hour)
	drill := func(file []byte, into store.Engine) (market.Drill, []store.Finding, error) {
		var found []store.Finding
		d, err := s.Drill(t.Context(), bytes.NewReader(file), into, func(f store.Finding) { found = append(found, f) })
		return d, found, err
	}

	d, found, err := drill(file, engines["sqlite"](t))

	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Positive(t, d.Restore)
	assert.Positive(t, d.Verify)
	d.Restore, d.Verify = 0, 0
	assert.Equal(t, market.Drill{Backup: m.SHA256, Lines: m.Lines(), Until: m.Until, Age: (6 * time.Hour).Seconds(), Opened: 4}, d)

	_, _, err = drill(file[:len(file)-20], engines["memory"](t))
	require.ErrorIs(t, err, store.ErrDamaged)

	other, _ := saved(t, lively(t, engines["memory"](t)).engine)
	_, found, err = drill(other, engines["memory"](t))
	assert.Equal(t, "drill.other_log", platform.Code(err))
	assert.Empty(t, found, "sound, and another's")

	wreck := memory.New(market.Kinds(), nil)
	var lines []store.Line
	for line, err := range s.engine.Lines(t.Context()) {
		require.NoError(t, err)
		lines = append(lines, line)
	}
	require.NoError(t, wreck.Load(t.Context(), all(counted(1)(t, lines))))
	unsound, _ := saved(t, wreck)
	_, found, err = drill(unsound, engines["memory"](t))
	require.NoError(t, err)
	assert.NotEmpty(t, found)

	told, err := platform.List[platform.Event](t.Context(), s.engine, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{market.Drilled}})
	require.NoError(t, err)
	var failures []string
	for _, e := range told.Items {
		var d market.Drill
		require.NoError(t, json.Unmarshal(e.Data, &d))
		failures = append(failures, fmt.Sprint(e.Type, " ", d.Findings > 0, " ", d.Failure))
	}
	assert.ElementsMatch(t, []string{"backup.drilled false ", "backup.drilled false backup.damaged", "backup.drilled false drill.other_log", "backup.drilled true "}, failures)
	s.tick(time.Minute)
	assert.Regexp(t, "^[0-9]+ events", s.proof(), "the market itself is as it was")
}
