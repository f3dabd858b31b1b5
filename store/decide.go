package store

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// Refusals of a set that was sound, found in the state.
var (
	ErrStale     = platform.Err(platform.ErrConflict, "stale", "changed by somebody else meanwhile", "已被他人更改")
	ErrExists    = platform.Err(platform.ErrConflict, "exists", "exists already", "已存在")
	ErrTaken     = platform.Err(platform.ErrConflict, "taken", "the name is taken", "名称已被占用")
	ErrFloor     = platform.Err(platform.ErrState, "floor", "not enough left", "余额不足")
	ErrOverflow  = platform.Err(platform.ErrInvalid, "counter.overflow", "a counter over its range", "计数器超出范围")
	ErrKeyReused = platform.Err(platform.ErrInvalid, "key.reused", "the key was used for another command", "此键已用于另一命令")
)

// State is what a flush read: everything that its sets name. What is missing
// does not exist. Make it with [NewState]; Decide brings it up to date as sets
// pass.
type State struct {
	Answers map[platform.Key]*platform.Answer // nil: there is one that cannot be read
	Owners  map[platform.Claim]platform.Ref   // of claims that the sets want, or their records hold
	rows    map[platform.Ref]*Found
	spare   []Found
}

// Found is a record or counter as a flush found it.
type Found struct {
	Version int64            // 0 when there is none; of a counter the number of its movements
	Claims  []platform.Claim // that the record holds
	Value   int64            // of a counter
	Fault   error            // why what is stored cannot be read: what every set that names it fails with

	row              *Row // to be written
	deleted, counted bool
	trial            int // the set that next is for
	next             struct{ value, seq int64 }
}

// NewState is an empty state with room for the given sets.
func NewState(sets ...Prepared) *State {
	size := 0
	for _, set := range sets {
		size += len(set.Steps)
	}
	return &State{
		Answers: map[platform.Key]*platform.Answer{}, Owners: map[platform.Claim]platform.Ref{},
		rows: make(map[platform.Ref]*Found, size), spare: make([]Found, size),
	}
}

// At is where the state keeps what was found under ref.
func (s *State) At(ref platform.Ref) *Found {
	f := s.rows[ref]
	if f == nil {
		if len(s.spare) == 0 {
			s.spare = make([]Found, 16)
		}
		f, s.spare = &s.spare[0], s.spare[1:]
		s.rows[ref] = f
	}
	return f
}

// Outcome is what one set of a flush came to: its receipt, or why it was
// refused.
type Outcome struct {
	Receipt platform.Receipt
	Err     error
}

// Writes is what a flush has to write, each row once with its final value, in
// lock order.
type Writes struct {
	Rows      []*Row
	Deleted   []platform.Ref
	Taken     map[platform.Claim]platform.Ref
	Freed     map[platform.Claim]bool
	Counters  []platform.Count
	Movements []platform.Movement
	Events    []*Row
	Answers   []Answered
}

// Answered is an answer to be stored under its key.
type Answered struct {
	Key    platform.Key
	Answer platform.Answer
}

// Decide says what each set does, in order of arrival and each on its own: a
// later set sees what an earlier one did, and a refused one changes nothing and
// fails no neighbour. It is pure but for state, which it brings up to date.
func Decide(state *State, sets []Prepared) (Writes, []Outcome) {
	d := decision{state: state}
	outcomes := make([]Outcome, len(sets))
	for i, set := range sets {
		d.trial = i + 1
		outcomes[i] = d.decide(set)
	}
	return d.finish(), outcomes
}

type decision struct {
	state  *State
	writes Writes
	trial  int // number of the set
}

func (d *decision) decide(set Prepared) Outcome {
	if set.Key != (platform.Key{}) {
		if stored, known := d.state.Answers[set.Key]; known {
			if stored == nil {
				return Outcome{Err: fmt.Errorf("answer of key %s: %w", set.Key.Name, ErrSchema)}
			}
			if !bytes.Equal(stored.Digest, set.Answer.Digest) {
				return Outcome{Err: fmt.Errorf("key %s: %w", set.Key.Name, ErrKeyReused)}
			}
			return Outcome{Receipt: platform.Receipt{Answer: stored}}
		}
	}
	if err := d.unchanged(set.Steps); err != nil {
		return Outcome{Err: err}
	}
	if err := d.free(set.Steps); err != nil {
		return Outcome{Err: err}
	}
	counts, err := d.count(set.Steps)
	if err != nil {
		return Outcome{Err: err}
	}
	return Outcome{Receipt: d.apply(set, counts)}
}

// unchanged checks that every record is as the set expects it.
func (d *decision) unchanged(steps []Step) error {
	for _, s := range steps {
		f := d.state.At(s.Ref)
		if f.Fault != nil {
			return f.Fault
		}
		version := f.Version
		switch s.Op {
		case platform.Create, platform.Append:
			if version != 0 {
				return fmt.Errorf("create %s: %w", s.Ref, ErrExists)
			}
		case platform.Replace, platform.Check, platform.Delete:
			if version != s.Version {
				return fmt.Errorf("%s read at version %d, now %d: %w", s.Ref, s.Version, version, ErrStale)
			}
		}
	}
	return nil
}

// free checks that every claim is free, its own record's, or given up in the
// same set.
func (d *decision) free(steps []Step) error {
	if !slices.ContainsFunc(steps, func(s Step) bool { return s.Row != nil && len(s.Row.Claims) > 0 }) {
		return nil
	}
	leaving := map[platform.Claim]bool{}
	for _, s := range steps {
		if s.Op == platform.Replace || s.Op == platform.Delete {
			for _, c := range d.state.At(s.Ref).Claims {
				leaving[c] = true
			}
		}
	}
	wanted := map[platform.Claim]platform.Ref{}
	for _, s := range steps {
		if s.Row == nil {
			continue
		}
		for _, c := range s.Row.Claims {
			owner, held := d.state.Owners[c]
			if rival, again := wanted[c]; again && rival != s.Ref || held && owner != s.Ref && !leaving[c] {
				return platform.Detail(fmt.Errorf("claim %s: %w", c.Scope, ErrTaken), "claim", c.Scope)
			}
			wanted[c] = s.Ref
		}
	}
	return nil
}

// count adds up the counters in the order of the set, each addition against its
// own floor: a debit never passes on the strength of a later credit.
func (d *decision) count(steps []Step) ([]platform.Count, error) {
	counts := make([]platform.Count, 0, len(steps))
	for _, s := range steps {
		if s.Op != platform.Add {
			continue
		}
		f := d.state.At(s.Ref)
		c := platform.Count{Ref: s.Ref, Value: f.Value, Seq: f.Version}
		if f.trial == d.trial {
			c.Value, c.Seq = f.next.value, f.next.seq
		}
		if s.Delta > 0 && c.Value > math.MaxInt64-s.Delta || s.Delta < 0 && c.Value < -math.MaxInt64-s.Delta {
			return nil, fmt.Errorf("%s: %w", s.Ref, ErrOverflow)
		}
		c.Value += s.Delta
		c.Seq++
		if s.Delta < 0 && s.Floor != nil && c.Value < *s.Floor {
			err := platform.Detail(fmt.Errorf("%s would be %d: %w", s.Ref, c.Value, ErrFloor), "shortage", *s.Floor-c.Value)
			return nil, platform.Detail(err, "counter", s.Ref.String())
		}
		f.next.value, f.next.seq, f.trial = c.Value, c.Seq, d.trial
		counts = append(counts, c)
	}
	return counts, nil
}

func (d *decision) apply(set Prepared, counts []platform.Count) platform.Receipt {
	var cause platform.Event // the first event is what the movements belong to
	if i := slices.IndexFunc(set.Steps, func(s Step) bool { return s.Op == platform.Append }); i >= 0 {
		cause = *set.Steps[i].Event
	}
	receipt := platform.Receipt{Versions: make([]platform.Version, 0, len(set.Steps)-len(counts)), Counters: counts}
	d.writes.Movements = slices.Grow(d.writes.Movements, len(counts))
	for _, s := range set.Steps {
		f := d.state.At(s.Ref)
		switch s.Op {
		case platform.Create, platform.Replace:
			d.hold(s.Ref, f.Claims, s.Row.Claims)
			f.Version, f.Claims, f.row, f.deleted = s.Row.Version, s.Row.Claims, s.Row, false
			receipt.Versions = append(receipt.Versions, platform.Version{Ref: s.Ref, Version: s.Row.Version})
		case platform.Delete:
			d.hold(s.Ref, f.Claims, nil)
			f.Version, f.Claims, f.row, f.deleted = 0, nil, nil, true
		case platform.Append:
			d.writes.Events = append(d.writes.Events, s.Row)
			f.Version = 1
		case platform.Add:
			f.Value, f.Version, f.counted = counts[0].Value, counts[0].Seq, true
			counts = counts[1:]
			d.writes.Movements = append(d.writes.Movements, platform.Movement{
				Counter: s.Ref, Seq: f.Version, Delta: s.Delta, After: f.Value, Cause: s.Cause, Event: cause.ID, At: cause.At,
			})
		}
	}
	if set.Key != (platform.Key{}) {
		answer := set.Answer
		answer.Receipt = receipt
		d.state.Answers[set.Key] = &answer
		d.writes.Answers = append(d.writes.Answers, Answered{set.Key, answer})
	}
	return receipt
}

// hold gives a record its claims, and frees those that it held and does not
// keep, unless another record of the set has taken them over already.
func (d *decision) hold(ref platform.Ref, held, wanted []platform.Claim) {
	for _, c := range held {
		if slices.Contains(wanted, c) || d.state.Owners[c] != ref {
			continue
		}
		delete(d.state.Owners, c)
		delete(d.writes.Taken, c)
		note(&d.writes.Freed, c, true)
	}
	for _, c := range wanted {
		d.state.Owners[c] = ref
		note(&d.writes.Taken, c, ref)
		delete(d.writes.Freed, c)
	}
}

func note[K comparable, V any](in *map[K]V, key K, value V) {
	if *in == nil {
		*in = map[K]V{}
	}
	(*in)[key] = value
}

func (d *decision) finish() Writes {
	w := d.writes
	for ref, f := range d.state.rows {
		switch {
		case f.row != nil:
			w.Rows = append(w.Rows, f.row)
		case f.deleted:
			w.Deleted = append(w.Deleted, ref)
		case f.counted:
			w.Counters = append(w.Counters, platform.Count{Ref: ref, Value: f.Value, Seq: f.Version})
		}
	}
	slices.SortFunc(w.Rows, func(a, b *Row) int { return compare(a.Ref, b.Ref) })
	slices.SortFunc(w.Deleted, compare)
	slices.SortFunc(w.Counters, func(a, b platform.Count) int { return compare(a.Ref, b.Ref) })
	return w
}

func compare(a, b platform.Ref) int {
	if c := strings.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	return strings.Compare(string(a.ID), string(b.ID))
}
