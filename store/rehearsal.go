package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/liangding/platform"
)

// ErrRehearsalClaim answers a set that wants a name of which a rehearsal cannot
// tell whether it is free.
var ErrRehearsalClaim = platform.Err(platform.ErrInvalid, "rehearsal.claim", "a name that only the store itself can give", "名称只能由存储本身分配")

// Rehearsal is a store over another in which commands run as they would there and
// leave nothing behind: what is committed is decided by the same rules, kept
// aside in memory, and seen by its own later reads and commits. Over a [Snapshot]
// its verdict is that of one moment. It may be used by several goroutines at once.
//
// Three things it cannot show: a Scan is of the other store alone; answers are
// recalled from there only if it is a [platform.Committer]; and claims that
// records there hold are not known, so a new claim fails with ErrRehearsalClaim.
type Rehearsal struct {
	from  platform.Getter
	kinds *Kinds

	mu      sync.Mutex
	rows    map[platform.Ref]*Row // nil: deleted
	owners  map[platform.Claim]platform.Ref
	answers map[platform.Key]platform.Answer
}

var _ platform.DB = (*Rehearsal)(nil)

// Rehearse is a rehearsal over a store that was opened with the kinds.
func Rehearse(from platform.Getter, kinds *Kinds) *Rehearsal {
	return &Rehearsal{
		from: from, kinds: kinds, rows: map[platform.Ref]*Row{},
		owners: map[platform.Claim]platform.Ref{}, answers: map[platform.Key]platform.Answer{},
	}
}

// Get implements [platform.DB].
func (r *Rehearsal) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.get(ctx, refs)
}

func (r *Rehearsal) get(ctx context.Context, refs []platform.Ref) ([]platform.Record, error) {
	var there []platform.Ref
	for _, ref := range refs {
		if _, known := r.rows[ref]; !known {
			there = append(there, ref)
		}
	}
	found := map[platform.Ref]platform.Record{}
	if len(there) > 0 {
		records, err := r.from.Get(ctx, there...)
		if err != nil && !errors.Is(err, platform.ErrNotFound) {
			return nil, err
		}
		for _, record := range records {
			found[record.Ref] = record
		}
	}
	records := make([]platform.Record, 0, len(refs))
	var missing error
	for _, ref := range refs {
		record, exists := found[ref]
		if row := r.rows[ref]; row != nil {
			record, exists = row.Record, true
			record.Doc = slices.Clone(record.Doc)
		}
		switch {
		case exists:
			records = append(records, record)
		case missing == nil:
			missing = platform.NotFound(ref)
		}
	}
	return records, missing
}

// Scan implements [platform.DB]: a page of the other store.
func (r *Rehearsal) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	return r.from.Scan(ctx, q)
}

// Recall implements [platform.Committer].
func (r *Rehearsal) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.recall(ctx, key)
}

func (r *Rehearsal) recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	if answer, known := r.answers[key]; known {
		return answer, nil
	}
	if below, ok := r.from.(platform.Committer); ok {
		return below.Recall(ctx, key)
	}
	return platform.Answer{}, fmt.Errorf("answer of key %s: %w", key.Name, platform.ErrNotFound)
}

// Commit implements [platform.Committer]; nothing of it reaches the other store.
func (r *Rehearsal) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	prepared, err := r.kinds.Prepare(set)
	if err != nil {
		return platform.Receipt{}, err
	}
	for _, s := range prepared.Steps {
		if s.Row == nil {
			continue
		}
		if _, err := r.kinds.Keys(s.Row); err != nil {
			return platform.Receipt{}, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	state, err := r.state(ctx, prepared)
	if err != nil {
		return platform.Receipt{}, err
	}
	writes, outcomes := Decide(state, []Prepared{prepared})
	if o := outcomes[0]; o.Err != nil || o.Receipt.Answer != nil {
		return o.Receipt, o.Err
	}
	return outcomes[0].Receipt, r.keep(writes)
}

// Close implements [platform.DB]; the other store stays open.
func (r *Rehearsal) Close() error { return nil }

// state is what the set names, as it would be found.
func (r *Rehearsal) state(ctx context.Context, p Prepared) (*State, error) {
	state := NewState(p)
	if p.Key != (platform.Key{}) {
		answer, err := r.recall(ctx, p.Key)
		if err == nil {
			state.Answers[p.Key] = &answer
		} else if !errors.Is(err, platform.ErrNotFound) {
			return nil, err
		}
	}
	var refs []platform.Ref
	for _, s := range p.Steps {
		if s.Op != platform.Append { // an event is always new
			refs = append(refs, s.Ref)
		}
	}
	records, err := r.get(ctx, refs)
	if err != nil && !errors.Is(err, platform.ErrNotFound) {
		return nil, err
	}
	for _, record := range records {
		if err := r.find(state, record); err != nil {
			return nil, err
		}
	}
	return state, r.claim(state, p)
}

// find enters a record into the state.
func (r *Rehearsal) find(state *State, record platform.Record) error {
	found := state.At(record.Ref)
	found.Version = record.Version
	if record.Ref.Kind == Counter {
		var c platform.Count
		err := json.Unmarshal(record.Doc, &c)
		found.Value = c.Value
		return err
	}
	row, err := r.kinds.Stored(record)
	if err != nil {
		return err
	}
	found.Claims = row.Claims
	for _, c := range row.Claims {
		state.Owners[c] = record.Ref
	}
	return nil
}

// claim enters who holds what the set wants.
func (r *Rehearsal) claim(state *State, p Prepared) error {
	for _, s := range p.Steps {
		if s.Row == nil {
			continue
		}
		for _, c := range s.Row.Claims {
			owner, known := r.owners[c]
			_, held := state.Owners[c]
			switch {
			case known && owner != (platform.Ref{}):
				state.Owners[c] = owner
			case !known && !held:
				return fmt.Errorf("%s claims in %s: %w", s.Ref, c.Scope, ErrRehearsalClaim)
			}
		}
	}
	return nil
}

// keep remembers what was decided.
func (r *Rehearsal) keep(w Writes) error {
	for _, row := range w.Rows {
		r.rows[row.Ref] = row
	}
	for _, ref := range w.Deleted {
		r.rows[ref] = nil
	}
	maps.Copy(r.owners, w.Taken)
	for claim := range w.Freed {
		r.owners[claim] = platform.Ref{}
	}
	for _, c := range w.Counters {
		doc, err := json.Marshal(c)
		if err != nil {
			return err
		}
		r.rows[c.Ref] = &Row{Record: platform.Record{Ref: c.Ref, Version: c.Seq, Schema: 1, Doc: doc}}
	}
	for _, event := range w.Events {
		r.rows[event.Ref] = event
	}
	for _, a := range w.Answers {
		r.answers[a.Key] = a.Answer
	}
	return nil
}
