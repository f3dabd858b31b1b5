package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// clashes are how often a flush is repeated that other writers were faster than,
// before its sets go one by one, and a set alone before it gives up.
const (
	clashes      = 3
	clashesAlone = 12
)

// serve implements [store.Flush]. Sets that cannot be written together are
// written one by one, so that no set fails for its neighbour's sake.
func (l *lane) serve(ctx context.Context, sets []store.Prepared) ([]store.Outcome, error) {
	limit := clashes
	if len(sets) == 1 {
		limit = clashesAlone
	}
	outcomes, err := l.flush(ctx, sets, limit)
	if err == nil {
		return outcomes, nil
	}
	if len(sets) == 1 || !clashed(err) && !unfit(err) {
		return nil, failed(err)
	}
	outcomes = make([]store.Outcome, len(sets))
	for i := range sets {
		if i > 0 && errors.Is(outcomes[i-1].Err, ErrConnection) {
			outcomes[i].Err = ErrConnection // nobody waits for a server that the last one waited for
			continue
		}
		one, err := l.flush(ctx, sets[i:i+1], clashesAlone)
		if err != nil {
			outcomes[i].Err = failed(err)
			continue
		}
		outcomes[i] = one[0]
	}
	return outcomes, nil
}

// failed is why a set was not written, for its caller.
func failed(err error) error {
	switch {
	case clashed(err):
		return fmt.Errorf("commit: %w", ErrClash)
	case unfit(err):
		return fmt.Errorf("commit: SQLSTATE %s: %w", refused(err).Code, store.ErrDocument)
	}
	return trouble("commit", err)
}

// seen is what the first trip found there, and the transaction holds.
type seen struct {
	rows     map[platform.Ref]bool
	claims   map[platform.Claim]platform.Ref
	counters map[platform.Ref]place // where those lie that the sets add to
}

// placed is where a counter lies.
func (s seen) placed(counter platform.Ref) place {
	if at, known := s.counters[counter]; known {
		return at
	}
	return placed(counter)
}

// look queues the first trip: in the one order of all processes it locks the
// records and counters that the sets name, then reads claims and keys. These two
// are not locked: whoever is faster with one makes the second trip fail, and the
// flush is repeated. They are read last, so that a twin's key is seen whenever its
// records are. Records and events that are to be new are looked for only if asked
// for: hardly ever is there one.
func (ts *tables) look(b *pgx.Batch, sets []store.Prepared, fresh bool) (*store.State, seen) {
	names := namedBy(sets, fresh)
	state, there := store.NewState(sets...), seen{map[platform.Ref]bool{}, map[platform.Claim]platform.Ref{}, names.counters}
	for _, t := range ts.order {
		if at := names.records[t.kind.Name]; len(at) > 0 {
			ts.lookRows(b, t, at, names.replaced[t.kind.Name], state, there)
		}
	}
	if at := names.records[store.Counter]; len(at) > 0 {
		ts.lookCounters(b, at, state, there)
	}
	if at := names.records[store.Event]; len(at) > 0 {
		ts.lookEvents(b, at, state)
	}
	if len(names.claims) > 0 {
		ts.lookClaims(b, names.claims, state, there)
	}
	if len(names.keys) > 0 {
		ts.lookKeys(b, names.keys, state)
	}
	return state, there
}

// refs are the places by the bytes of their ids.
func (p places) refs() map[[16]byte]platform.Ref {
	all := make(map[[16]byte]platform.Ref, len(p))
	for _, at := range p {
		all[at.id] = at.ref
	}
	return all
}

func (ts *tables) lookRows(b *pgx.Batch, t *table, at places, written bool, state *store.State, there seen) {
	mode := "for no key update"
	if t.kind.Pinned && !written {
		mode = "for share"
	}
	refs := at.refs()
	slots, ids := at.arrays()
	b.Queue(t.lock(mode), slots, ids).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var id pgtype.UUID
			var version int64
			var text *string
			if err := rows.Scan(&id, &version, &text); err != nil {
				return err
			}
			ref := refs[id.Bytes]
			found := state.At(ref)
			claims, err := heldClaims(text)
			if err != nil {
				found.Fault = fmt.Errorf("%s: %w", ref, err)
			}
			found.Version, found.Claims, there.rows[ref] = version, claims, true
			for _, c := range claims {
				state.Owners[c] = ref
			}
		}
		return nil
	})
}

func (ts *tables) lookCounters(b *pgx.Batch, at places, state *store.State, there seen) {
	refs := at.refs()
	slots, ids := at.arrays()
	b.Queue(ts.sql(`select t.id, t.value, t.seq from unnest($1::int2[], $2::uuid[]) x(slot, id),
 lateral (select id, value, seq from {schema}.counter t where t.slot = x.slot and t.id = x.id offset 0 for no key update) t`), slots, ids).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var id pgtype.UUID
			var value, seq int64
			if err := rows.Scan(&id, &value, &seq); err != nil {
				return err
			}
			ref := refs[id.Bytes]
			found := state.At(ref)
			found.Value, found.Version, there.rows[ref] = value, seq, true
		}
		return nil
	})
}

func (ts *tables) lookEvents(b *pgx.Batch, at places, state *store.State) {
	refs := at.refs()
	slots, ids := at.arrays()
	b.Queue(ts.sql(`select t.id from unnest($1::int2[], $2::uuid[]) x(slot, id),
 lateral (select id from {schema}.event t where t.slot = x.slot and t.id = x.id offset 0) t`), slots, ids).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var id pgtype.UUID
			if err := rows.Scan(&id); err != nil {
				return err
			}
			state.At(refs[id.Bytes]).Version = 1
		}
		return nil
	})
}

func (ts *tables) lookClaims(b *pgx.Batch, claims []platform.Claim, state *store.State, there seen) {
	slots, scopes, keys := claimArrays(claims)
	b.Queue(ts.sql(`select t.* from unnest($1::int2[], $2::text[], $3::text[]) x(slot, scope, key),
 lateral (select scope, key, kind, owner from {schema}.claim t where t.slot = x.slot and t.scope = x.scope and t.key = x.key offset 0) t`), slots, scopes, keys).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var c platform.Claim
			var kind string
			var owner pgtype.UUID
			if err := rows.Scan(&c.Scope, &c.Key, &kind, &owner); err != nil {
				return err
			}
			ref := platform.Ref{Kind: kind, ID: platform.IDFromUUID("???", owner.Bytes)}
			if t := ts.byKind[kind]; t != nil {
				ref.ID = ref.ID.As(t.kind.Prefix)
			}
			state.Owners[c], there.claims[c] = ref, ref
		}
		return nil
	})
}

func (ts *tables) lookKeys(b *pgx.Batch, keys []platform.Key, state *store.State) {
	slots, scopes, names := keyArrays(keys)
	b.Queue(ts.sql(`select t.* from unnest($1::int2[], $2::text[], $3::text[]) x(slot, scope, name),
 lateral (select scope, name, digest, body, receipt from {schema}.answer t where t.slot = x.slot and t.scope = x.scope and t.name = x.name offset 0) t`), slots, scopes, names).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var k platform.Key
			answer, err := answered(rows, &k.Scope, &k.Name)
			switch {
			case err == nil:
				state.Answers[k] = &answer
			case errors.Is(err, store.ErrSchema):
				state.Answers[k] = nil
			default:
				return err
			}
		}
		return nil
	})
}

func keyArrays(keys []platform.Key) (slots []int16, scopes, names []string) {
	for _, k := range keys {
		slots, scopes, names = append(slots, int16(k.Slot())), append(scopes, k.Scope), append(names, k.Name)
	}
	return slots, scopes, names
}

// errBlind is a refusal that may be another one, or none, when records that are to
// be new are looked for.
var errBlind = errors.New("decided without a look at what is to be new")

// refusedAny tells whether a set was refused.
func refusedAny(outcomes []store.Outcome) bool {
	return slices.ContainsFunc(outcomes, func(o store.Outcome) bool { return o.Err != nil })
}

// nothing tells whether no set writes anything.
func nothing(outcomes []store.Outcome) bool {
	for _, o := range outcomes {
		if o.Err == nil && o.Receipt.Answer == nil {
			return false
		}
	}
	return true
}
