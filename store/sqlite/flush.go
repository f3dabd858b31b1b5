package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// pen reads what sets name and writes what was decided, in a transaction of
// whatever runs its statements.
type pen struct {
	kinds  *store.Kinds
	tables map[string]*table
	now    func() time.Time
	by     runner
}

type runner interface {
	exec(text string, args ...any) (sql.Result, error)
	query(text string, args ...any) (*sql.Rows, error)
}

// flush writes sets in one transaction. One whose commit was undone runs once
// more.
func (db *DB) flush(ctx context.Context, sets []store.Prepared) (outcomes []store.Outcome, err error) {
	for try := range 2 {
		db.again.Add(int64(try))
		err = db.writer.transact(ctx, func() error {
			outcomes, err = db.decide(sets)
			return err
		})
		if !errors.Is(err, errUndone) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	for i, o := range outcomes {
		if o.Receipt.Answer != nil { // a twin in this flush has the same one
			answer := own(*o.Receipt.Answer)
			outcomes[i].Receipt.Answer = &answer
		}
	}
	return outcomes, nil
}

// decide reads what sets name, decides them, and writes. A set that names what
// cannot be read fails alone.
func (p pen) decide(sets []store.Prepared) ([]store.Outcome, error) {
	state, faults, err := p.gather(sets)
	if err != nil {
		return nil, err
	}
	outcomes := make([]store.Outcome, len(sets))
	sound, at := make([]store.Prepared, 0, len(sets)), make([]int, 0, len(sets))
	for i, set := range sets {
		if outcomes[i].Err = faults.of(set); outcomes[i].Err == nil {
			sound, at = append(sound, set), append(at, i)
		}
	}
	writes, decided := store.Decide(state, sound)
	for i, o := range decided {
		outcomes[at[i]] = o
	}
	return outcomes, p.apply(writes)
}

// faults are why what is stored under a key or ref cannot be used.
type faults map[any]error

func (f faults) of(set store.Prepared) error {
	if len(f) == 0 {
		return nil
	}
	if err := f[set.Key]; err != nil {
		return err
	}
	for _, s := range set.Steps {
		if err := f[s.Ref]; err != nil {
			return err
		}
	}
	return nil
}

// list is a JSON array of texts or bytes in hex, or of arrays of them: what a
// statement joins with a table to read many rows at once.
type list struct{ json []byte }

func (l *list) add(parts ...[]byte) {
	if len(l.json) == 0 {
		l.json = append(l.json, '[')
	} else {
		l.json = append(l.json, ',')
	}
	if len(parts) == 1 {
		l.quote(parts[0])
		return
	}
	for i, p := range parts {
		l.json = append(l.json, "[,"[min(i, 1)])
		l.quote(p)
	}
	l.json = append(l.json, ']')
}

func (l *list) quote(part []byte) {
	l.json = append(hex.AppendEncode(append(l.json, '"'), part), '"')
}

func (l *list) String() string {
	if len(l.json) == 0 {
		return "[]"
	}
	return string(l.json) + "]"
}

// names are what sets name, each once.
type names struct {
	keys   []platform.Key
	claims []platform.Claim
	refs   map[string][]platform.Ref // by kind
}

func named(sets []store.Prepared) names {
	n := names{refs: map[string][]platform.Ref{}}
	keys, claims, refs := map[platform.Key]bool{}, map[platform.Claim]bool{}, map[platform.Ref]bool{}
	for _, set := range sets {
		if set.Key != (platform.Key{}) && !keys[set.Key] {
			keys[set.Key] = true
			n.keys = append(n.keys, set.Key)
		}
		for _, s := range set.Steps {
			if !refs[s.Ref] {
				refs[s.Ref] = true
				n.refs[s.Ref.Kind] = append(n.refs[s.Ref.Kind], s.Ref)
			}
			if s.Row == nil {
				continue
			}
			for _, c := range s.Row.Claims {
				if !claims[c] {
					claims[c] = true
					n.claims = append(n.claims, c)
				}
			}
		}
	}
	return n
}

// gather reads what sets name.
func (p pen) gather(sets []store.Prepared) (*store.State, faults, error) {
	state, faults := store.NewState(sets...), faults{}
	n := named(sets)
	err := p.answers(state, n.keys, faults)
	for kind, refs := range n.refs {
		switch {
		case err != nil:
		case kind == store.Counter:
			err = p.counters(state, refs)
		default:
			err = p.records(state, p.tables[kind], refs, faults)
		}
	}
	if err == nil {
		err = p.owners(state, n.claims)
	}
	return state, faults, err
}

func (p pen) counters(state *store.State, refs []platform.Ref) error {
	var places list
	for _, ref := range refs {
		places.add([]byte(ref.ID))
	}
	return p.each(len(refs), manyCounters, &places, func(rows *sql.Rows) error {
		var at int
		var value, seq int64
		if err := rows.Scan(&at, &value, &seq); err != nil {
			return err
		}
		found := state.At(refs[at])
		found.Value, found.Version = value, seq
		return nil
	})
}

func (p pen) records(state *store.State, t *table, refs []platform.Ref, faults faults) error {
	var places list
	for _, ref := range refs {
		id := ref.ID.UUID()
		places.add(id[:])
	}
	return p.each(len(refs), t.exists, &places, func(rows *sql.Rows) error {
		var at int
		var claims []byte
		var version int64
		if err := rows.Scan(&at, &version, &claims); err != nil {
			return err
		}
		found := state.At(refs[at])
		found.Version = version
		if claims != nil && json.Unmarshal(claims, &found.Claims) != nil {
			faults[refs[at]] = fmt.Errorf("claims of %s: %w", refs[at], ErrDamaged)
			found.Claims = nil
		}
		for _, c := range found.Claims {
			state.Owners[c] = refs[at]
		}
		return nil
	})
}

func (p pen) owners(state *store.State, claims []platform.Claim) error {
	var places list
	for _, c := range claims {
		places.add([]byte(c.Scope), []byte(c.Key))
	}
	return p.each(len(claims), `select x.key, c.kind, c.owner from json_each(?) x cross join claim c
		on c.scope = cast(unhex(x.value ->> 0) as text) and c.key = cast(unhex(x.value ->> 1) as text)`, &places,
		func(rows *sql.Rows) error {
			var at int
			var kind string
			var owner []byte
			if err := rows.Scan(&at, &kind, &owner); err != nil {
				return err
			}
			t := p.tables[kind]
			if t == nil || len(owner) != 16 { // of a kind that this program lacks, but held all the same
				state.Owners[claims[at]] = platform.Ref{Kind: kind}
				return nil
			}
			state.Owners[claims[at]] = platform.Ref{Kind: kind, ID: platform.IDFromUUID(t.kind.Prefix, [16]byte(owner))}
			return nil
		})
}

// each reads n places by one statement, row by row.
func (p pen) each(n int, statement string, places *list, read func(*sql.Rows) error) error {
	if n == 0 {
		return nil
	}
	rows, err := p.by.query(statement, places.String())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
