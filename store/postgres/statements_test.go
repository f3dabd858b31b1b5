package postgres_test

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// heard are the statements that went to the server.
type heard struct {
	mu  sync.Mutex
	all map[string]bool
}

func (h *heard) add(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[string]bool{}
	}
	text = regexp.MustCompile(`--.*`).ReplaceAllString(text, "")
	for statement := range strings.SplitSeq(text, ";") {
		statement = strings.ReplaceAll(strings.ToLower(statement), `"`, "")
		if words := strings.Join(strings.Fields(statement), " "); words != "" {
			h.all[words] = true
		}
	}
}

func (h *heard) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	h.add(data.SQL)
	return ctx
}
func (h *heard) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (h *heard) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		h.add(q.SQL)
	}
	return ctx
}
func (h *heard) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (h *heard) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// slotless are the tables without a slot, which an engine that spreads rows by
// slot keeps in one place.
var slotless = map[string]string{
	"lease":     "who relays which slots, and who migrates",
	"migration": "what the schema is",
	"layout":    "what the kinds' tables are",
	"leaf":      "the audit log is one sequence",
	"hash":      "likewise",
	"witness":   "of a flush, whose sets may be of any slot",
}

// Parts of a statement.
var (
	forbidden = regexp.MustCompile(`\b(nextval|create sequence|(small|big)?serial|generated (always|by default)|references|foreign key|create (or replace )?(constraint )?trigger|` +
		`create (or replace )?function|pg_(try_)?advisory\w*|listen|unlisten|notify|pg_notify)\b`)
	create  = regexp.MustCompile(`^create table (?:if not exists )?(?:\w+\.)?(\w+) (.*)`)
	insert  = regexp.MustCompile(`^insert into (?:\w+\.)?(\w+) ?(.*)`)
	change  = regexp.MustCompile(`^(?:delete from|update) (?:only )?(?:\w+\.)?(\w+) ?(.*)`)
	locking = regexp.MustCompile(`.* from (?:\w+\.)?(\w+) ?(.*) for (?:no key update|update|key share|share)\b`)
	bySlot  = regexp.MustCompile(`\bslot = |\(slot, id\) > `)
	unique  = regexp.MustCompile(`\bunique\b`)
	nested  = regexp.MustCompile(`^with .*\b(insert into|delete from|update) `)
)

// of is the table that the pattern finds, if it has a slot, and the rest.
func of(pattern *regexp.Regexp, statement string) (table, rest string) {
	m := pattern.FindStringSubmatch(statement)
	if m == nil || slotless[m[1]] != "" {
		return "", ""
	}
	return m[1], m[2]
}

// breach is the rule of engines that spread rows by slot which a statement
// breaks; "" for none. Load, which fills an empty store, alone locks tables.
func breach(statement string) string {
	if found := forbidden.FindString(statement); found != "" {
		return "not known everywhere: " + found
	}
	if table, rest := of(create, statement); table != "" && !strings.Contains(rest, "primary key (slot, ") {
		return "a primary key that does not begin with the slot: " + table
	}
	if m := create.FindStringSubmatch(statement); unique.MatchString(statement) && (m == nil || slotless[m[1]] == "") {
		return "unique beside the primary key"
	}
	if nested.MatchString(statement) {
		return "writes in a common table expression"
	}
	if table, rest := of(insert, statement); table != "" && !strings.HasPrefix(rest, "(slot, ") && !strings.HasPrefix(rest, "select slot, ") {
		return "writes without a slot: " + table
	}
	if table, rest := of(change, statement); table != "" && !bySlot.MatchString(rest) {
		return "writes without a slot: " + table
	}
	if table, rest := of(locking, statement); table != "" && !bySlot.MatchString(rest) {
		return "locks without a slot: " + table
	}
	return ""
}

// check fails on every statement that breaks a rule.
func (h *heard) check(t *testing.T) {
	t.Helper()
	for _, s := range slices.Sorted(maps.Keys(h.all)) {
		if rule := breach(s); rule != "" {
			t.Errorf("%s\n%s", rule, s)
		}
	}
}

// TestTheRulesAreSharp: each of these would pass a rule that does not hold.
func TestTheRulesAreSharp(t *testing.T) {
	t.Parallel()
	for statement, rule := range map[string]string{
		"create sequence s": "not known", "create table platform.x (slot int, id bigserial, primary key (slot, id))": "not known",
		"create table platform.x (slot int, of uuid references platform.y, primary key (slot, of))": "not known",
		"create trigger x after insert on platform.page execute function y()":                       "not known",
		"select pg_advisory_xact_lock($1)":                                                          "not known", "listen x": "not known", "select nextval('s')": "not known",
		"create table platform.x (id uuid, slot int, primary key (id, slot))":                                                       "a primary key",
		"create table platform.x (slot int, id uuid)":                                                                               "a primary key",
		"create table platform.x (slot int, id uuid unique, primary key (slot, id))":                                                "unique",
		"create unique index on platform.page (id)":                                                                                 "unique",
		"with x as (delete from platform.page where slot = 1 returning *) insert into platform.claim select * from x":               "writes in",
		"insert into platform.page (id, slot) select $1, $2":                                                                        "writes without",
		"delete from platform.page where id = $1":                                                                                   "writes without",
		"update platform.counter set value = 1 where id = $1":                                                                       "writes without",
		"select id from platform.page where id = $1 for update":                                                                     "locks without",
		"select t.* from unnest($1::uuid[]) x(id), lateral (select id from platform.page t where t.id = x.id offset 0 for share) t": "locks without",
	} {
		assert.True(t, strings.HasPrefix(breach(statement), rule), "%q: %q", statement, breach(statement))
	}
	for _, statement := range []string{
		"insert into platform.witness values ($1, now())", "delete from platform.witness where flush < $1",
		"select name from platform.lease where name = 'migrate' for update", "create table platform.leaf (n bigint primary key, event uuid not null unique)",
	} {
		assert.Empty(t, breach(statement))
	}
}

// TestStatementsKeepToTheRules: all that the package sends, heard from it.
func TestStatementsKeepToTheRules(t *testing.T) {
	t.Parallel()
	h := &heard{}
	w := way{edit: func(config *pgxpool.Config) { config.ConnConfig.Tracer = h }}
	db, err := w.reach(t, w.database(t), kinds())
	require.NoError(t, err)
	everyStatement(t, db.DB)
	ids, by := say(t, db, 3), leased(t, db, "a", noon)
	late := func(i int, due time.Time) store.Delivery {
		return store.Delivery{Sink: "a", Event: platform.Event{ID: ids[i]}, Since: noon, Due: due}
	}
	d, e, f := late(0, noon), late(1, time.Time{}), late(2, time.Time{})
	require.NoError(t, db.Settle(t.Context(), noon, []store.Lease{by}, store.Settlement{Handed: ids, Late: []store.Delivery{d, e, f}}))
	require.NoError(t, db.Settle(t.Context(), noon, []store.Lease{by}, store.Settlement{Done: []store.Delivery{d}}))
	require.Len(t, parked(t, db), 2)
	for _, count := range []func() (int, error){
		func() (int, error) { return db.Resend(t.Context(), noon, e) },
		func() (int, error) { return db.Discard(t.Context(), f) },
		func() (int, error) { return db.Sweep(t.Context(), time.Now().Add(time.Hour), 10) },
	} {
		n, err := count()
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	_, err = db.Backlog(t.Context())
	require.NoError(t, err)
	other, err := w.reach(t, w.database(t), kinds())
	require.NoError(t, err)
	require.NoError(t, other.Load(t.Context(), giving(lines(t, db), nil)))
	_, err = w.reach(t, db.line.dsn, grownKinds())
	require.NoError(t, err)

	h.check(t)
	for _, part := range []string{"create table platform.page (", "create index concurrently page_k3", "insert into platform.page (", "update set version", "delete from platform.claim",
		"insert into platform.movement", "insert into platform.witness", "delete from platform.answer", "delete from platform.delivery", "lock table platform.answer", "alter table platform.page"} {
		assert.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(h.all)), func(s string) bool { return strings.Contains(s, part) }), "nobody heard %q", part)
	}
}
