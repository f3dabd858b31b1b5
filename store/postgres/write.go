package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// values are rows as the arrays of [table.columns].
func (t *table) values(rows []*store.Row) []any {
	at := make(places, len(rows))
	versions, schemas := make([]int64, len(rows)), make([]int16, len(rows))
	docs, claims := make([]string, len(rows)), make([]*string, len(rows))
	keys := make([][][]byte, len(t.keys))
	for i := range keys {
		keys[i] = make([][]byte, len(rows))
	}
	for n, row := range rows {
		at[n] = placed(row.Ref)
		versions[n], schemas[n], docs[n], claims[n] = row.Version, int16(row.Schema), string(row.Doc), claimsText(row.Claims)
		for i := range keys {
			if row.Keys[i] != "" {
				keys[i][n] = []byte(row.Keys[i])
			}
		}
	}
	slots, ids := at.arrays()
	args := []any{slots, ids, versions, schemas, docs, claims}
	for _, k := range keys {
		args = append(args, k)
	}
	return args
}

// write is a statement of the table's over rows, sent at once.
func (t *table) write(ctx context.Context, tx pgx.Tx, statement string, rows []*store.Row) error {
	_, err := tx.Exec(ctx, statement, t.values(rows)...)
	return err
}

// claimsText is what a record holds in the registry, as it stands in its row.
func claimsText(claims []platform.Claim) *string {
	if len(claims) == 0 {
		return nil
	}
	pairs := make([][2]string, len(claims))
	for i, c := range claims {
		pairs[i] = [2]string{c.Scope, c.Key}
	}
	text, _ := json.Marshal(pairs) // plain texts
	s := string(text)
	return &s
}

func heldClaims(text *string) ([]platform.Claim, error) {
	if text == nil {
		return nil, nil
	}
	var pairs [][2]string
	if err := json.Unmarshal([]byte(*text), &pairs); err != nil {
		return nil, fmt.Errorf("decode claims: %w", store.ErrSchema)
	}
	claims := make([]platform.Claim, len(pairs))
	for i, p := range pairs {
		claims[i] = platform.Claim{Scope: p[0], Key: p[1]}
	}
	return claims, nil
}

// queue adds what was decided to the second trip. What the first one did not
// find is inserted, so that a rival who was faster makes the flush fail; what it
// found is locked by this transaction and written over.
func (ts *tables) queue(b *pgx.Batch, w store.Writes, seen seen) {
	if len(w.Events) > 0 {
		ts.queueEvents(b, w.Events)
	}
	if len(w.Answers) > 0 {
		ts.queueAnswers(b, w.Answers)
	}
	ts.queueClaims(b, w, seen)
	for _, t := range ts.order {
		ts.queueRows(b, t, w, seen)
	}
	ts.queueCounters(b, w.Counters, seen)
	if len(w.Movements) > 0 {
		ts.queueMovements(b, w.Movements, seen)
	}
}

func (ts *tables) queueEvents(b *pgx.Batch, events []*store.Row) {
	t := ts.byKind[store.Event]
	args := t.values(events)
	b.Queue(t.insert(), args...)
	b.Queue(ts.sql("insert into {schema}.undelivered (slot, id) select unnest($1::int2[]), unnest($2::uuid[])"), args[0], args[1])
}

func (ts *tables) queueRows(b *pgx.Batch, t *table, w store.Writes, seen seen) {
	var fresh, known []*store.Row
	for _, row := range w.Rows {
		switch {
		case row.Ref.Kind != t.kind.Name:
		case seen.rows[row.Ref]:
			known = append(known, row)
		default:
			fresh = append(fresh, row)
		}
	}
	where := func(row *store.Row) place { return placed(row.Ref) }
	if len(fresh) > 0 {
		b.Queue(t.insert(), t.values(inOrder(fresh, where, place.compare))...)
	}
	if len(known) > 0 {
		b.Queue(t.replace(), t.values(inOrder(known, where, place.compare))...)
	}
	var gone places
	for _, ref := range w.Deleted {
		if ref.Kind == t.kind.Name && seen.rows[ref] {
			gone = append(gone, placed(ref))
		}
	}
	if len(gone) > 0 {
		slots, ids := gone.sorted().arrays()
		b.Queue(t.remove(), slots, ids)
	}
}

func (ts *tables) queueAnswers(b *pgx.Batch, answers []store.Answered) {
	answers = inOrder(slices.Clone(answers), func(a store.Answered) namePlace { return keyPlace(a.Key) }, namePlace.compare)
	n := len(answers)
	slots, scopes, names := make([]int16, n), make([]string, n), make([]string, n)
	digests, bodies, receipts := make([][]byte, n), make([][]byte, n), make([]string, n)
	for i, a := range answers {
		receipt, _ := json.Marshal(a.Answer.Receipt) // plain data
		slots[i], scopes[i], names[i] = int16(a.Key.Slot()), a.Key.Scope, a.Key.Name
		digests[i], bodies[i], receipts[i] = filled(a.Answer.Digest), filled(a.Answer.Body), string(receipt)
	}
	b.Queue(ts.sql(`insert into {schema}.answer (slot, scope, name, digest, body, receipt, at)
 select unnest($1::int2[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bytea[]), unnest($5::bytea[]), unnest($6::text[])::json, now()`),
		slots, scopes, names, digests, bodies, receipts)
}

// filled is b, and no null where there are no bytes.
func filled(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// queueClaims takes out what was freed or has another holder, then puts in what
// is held anew.
func (ts *tables) queueClaims(b *pgx.Batch, w store.Writes, seen seen) {
	var gone, fresh []platform.Claim
	for c := range w.Freed {
		gone = append(gone, c)
	}
	for c, owner := range w.Taken {
		held, was := seen.claims[c]
		if was && held == owner {
			continue
		}
		if fresh = append(fresh, c); was {
			gone = append(gone, c)
		}
	}
	if len(gone) > 0 {
		slots, scopes, keys := claimArrays(inOrder(gone, claimPlace, namePlace.compare))
		b.Queue(ts.sql(`delete from {schema}.claim where ctid = any(array(select t.ctid from unnest($1::int2[], $2::text[], $3::text[]) x(slot, scope, key),
 lateral (select t.ctid from {schema}.claim t where t.slot = x.slot and t.scope = x.scope and t.key = x.key offset 0) t))`), slots, scopes, keys)
	}
	if len(fresh) == 0 {
		return
	}
	fresh = inOrder(fresh, claimPlace, namePlace.compare)
	slots, scopes, keys := claimArrays(fresh)
	kinds, owners := make([]string, len(fresh)), make([]pgtype.UUID, len(fresh))
	for i, c := range fresh {
		owner := w.Taken[c]
		kinds[i], owners[i] = owner.Kind, uuid(owner.ID.UUID())
	}
	b.Queue(ts.sql(`insert into {schema}.claim (slot, scope, key, kind, owner)
 select unnest($1::int2[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::uuid[])`), slots, scopes, keys, kinds, owners)
}

func claimArrays(claims []platform.Claim) (slots []int16, scopes, keys []string) {
	for _, c := range claims {
		slots, scopes, keys = append(slots, int16(claimPlace(c).slot)), append(scopes, c.Scope), append(keys, c.Key)
	}
	return slots, scopes, keys
}

func (ts *tables) queueCounters(b *pgx.Batch, counters []platform.Count, seen seen) {
	var fresh, known []platform.Count
	for _, c := range counters {
		if seen.rows[c.Ref] {
			known = append(known, c)
		} else {
			fresh = append(fresh, c)
		}
	}
	const insert = `insert into {schema}.counter (slot, id, name, value, seq)
 select unnest($1::int2[]), unnest($2::uuid[]), unnest($3::text[]), unnest($4::int8[]), unnest($5::int8[])`
	if len(fresh) > 0 {
		b.Queue(ts.sql(insert), counterArrays(fresh, seen)...)
	}
	if len(known) > 0 {
		b.Queue(ts.sql(insert+" on conflict (slot, id) do update set value = excluded.value, seq = excluded.seq"), counterArrays(known, seen)...)
	}
}

func counterArrays(counters []platform.Count, seen seen) []any {
	counters = inOrder(counters, func(c platform.Count) place { return seen.placed(c.Ref) }, place.compare)
	at := make(places, len(counters))
	names, values, seqs := make([]string, len(at)), make([]int64, len(at)), make([]int64, len(at))
	for i, c := range counters {
		at[i], names[i], values[i], seqs[i] = seen.placed(c.Ref), string(c.Ref.ID), c.Value, c.Seq
	}
	slots, ids := at.arrays()
	return []any{slots, ids, names, values, seqs}
}

func (ts *tables) queueMovements(b *pgx.Batch, movements []platform.Movement, seen seen) {
	at := make(places, len(movements))
	n := len(movements)
	seqs, deltas, afters := make([]int64, n), make([]int64, n), make([]int64, n)
	causes, events, times := make([]string, n), make([]pgtype.UUID, n), make([]time.Time, n)
	for i, m := range movements {
		at[i] = seen.placed(m.Counter)
		seqs[i], deltas[i], afters[i] = m.Seq, m.Delta, m.After
		causes[i], events[i], times[i] = m.Cause.String(), uuid(m.Event.UUID()), m.At
	}
	slots, ids := at.arrays()
	b.Queue(ts.sql(`insert into {schema}.movement (slot, counter, seq, delta, after, cause, event, at)
 select unnest($1::int2[]), unnest($2::uuid[]), unnest($3::int8[]), unnest($4::int8[]), unnest($5::int8[]), unnest($6::text[]), unnest($7::uuid[]), unnest($8::timestamptz[])`),
		slots, ids, seqs, deltas, afters, causes, events, times)
}
