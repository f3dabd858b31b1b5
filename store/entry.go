package store

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/liangding/platform"
)

// Entry is one thing in a store with all that is kept beside it: what
// [Kinds.Verify] reads, and what an engine loads. One of its members is set, with
// those that tell of it.
type Entry struct {
	Row      *Row // a record with its keys and claims; columns are left out
	Count    *platform.Count
	Movement *platform.Movement
	Answer   *Answered
	Leaf     platform.ID
	Hash     []byte
	Place    int64 // of Leaf or Hash, from 0
	Pending  platform.ID
	Claim    *platform.Claim
	Owner    platform.Ref // of Claim, as the registry has it
	Fault    *Finding     // that the engine has found; alone where the thing cannot be read
}

// Lines are entries as an archive has them: without claims, which follow from
// the records. They end with [ErrUnreadable] where an entry cannot be read.
func Lines(entries iter.Seq2[Entry, error]) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for e, err := range entries {
			var l Line
			if err == nil {
				l, err = e.line()
			}
			if e.Claim == nil && (!yield(l, err) || err != nil) {
				return
			}
		}
	}
}

func (e Entry) line() (l Line, err error) {
	switch {
	case e.Row != nil:
		r := e.Row.Record
		return Line{Kind: r.Ref.Kind, ID: r.Ref.ID, Version: r.Version, Schema: r.Schema, Doc: r.Doc}, nil
	case e.Count != nil:
		l = Line{Kind: Counter, ID: e.Count.Ref.ID, Version: e.Count.Seq, Schema: 1}
		l.Doc, err = json.Marshal(e.Count)
		return l, err
	case e.Movement != nil:
		l = Line{Kind: Movement, ID: MovementID(*e.Movement), Version: 1, Schema: 1}
		l.Doc, err = json.Marshal(e.Movement)
		return l, err
	case e.Answer != nil:
		return Line{Key: &e.Answer.Key, Answer: &e.Answer.Answer}, nil
	case e.Leaf != "" || e.Hash != nil || e.Pending != "" || e.Fault == nil:
		return Line{Leaf: e.Leaf, Hash: e.Hash, Pending: e.Pending}, nil
	}
	return l, fmt.Errorf("%s: %w", e.Fault, ErrUnreadable)
}

// MovementID is the id of a counter's movement: the counter's, and the number in
// a form that sorts.
func MovementID(m platform.Movement) platform.ID {
	digits := strconv.FormatInt(m.Seq, 10)
	return m.Counter.ID + "#" + platform.ID(strings.Repeat("0", max(0, 19-len(digits)))+digits)
}

// Entry is what an engine has to store for a line of an archive: documents of
// an older schema are brought to the newest, claims and keys derived. It fails
// with an ErrInvalid that names the record for what no store could hold, with
// [ErrKind] for a kind that is not known, and with [ErrSchema].
func (k *Kinds) Entry(l Line) (e Entry, err error) {
	switch {
	case l.Key != nil:
		if l.Answer == nil || *l.Key == (platform.Key{}) || !keySound(*l.Key) {
			return e, fmt.Errorf("an answer: %w", ErrDamaged)
		}
		e.Answer = &Answered{*l.Key, *l.Answer}
	case l.Hash != nil:
		e.Hash = l.Hash
	case l.Leaf != "":
		e.Leaf, err = eventID(l.Leaf)
	case l.Pending != "":
		e.Pending, err = eventID(l.Pending)
	case l.Kind == Counter:
		e.Count, err = l.count()
	case l.Kind == Movement:
		e.Movement, err = l.movement()
	case l.Kind == "":
		err = ErrDamaged
	default:
		e.Row, err = k.restored(l)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", l.sort(), err)
	}
	return e, nil
}

func eventID(id platform.ID) (platform.ID, error) {
	if _, err := platform.ParseID(string(id)); err != nil || id.Prefix() != "evt" {
		return "", ErrDamaged
	}
	return id, nil
}

func (l Line) count() (*platform.Count, error) {
	var c platform.Count
	if json.Unmarshal(l.Doc, &c) != nil || c.Ref != (platform.Ref{Kind: Counter, ID: l.ID}) || !isName(string(l.ID)) || c.Seq < 1 || c.Seq != l.Version {
		return nil, fmt.Errorf("%.64q: %w", l.ID, ErrDamaged)
	}
	return &c, nil
}

func (l Line) movement() (*platform.Movement, error) {
	var m platform.Movement
	if json.Unmarshal(l.Doc, &m) != nil || m.Counter.Kind != Counter || !isName(string(m.Counter.ID)) || m.Seq < 1 || MovementID(m) != l.ID || !inTime(m.At) {
		return nil, fmt.Errorf("%.96q: %w", l.ID, ErrDamaged)
	}
	if _, err := eventID(m.Event); err != nil {
		return nil, fmt.Errorf("%s: %w", l.ID, err)
	}
	return &m, nil
}

// restored is the row of a record, as it would be if it were written now.
func (k *Kinds) restored(l Line) (*Row, error) {
	kind, err := k.Kind(l.Kind)
	if err != nil {
		return nil, err
	}
	r := platform.Record{Ref: platform.Ref{Kind: l.Kind, ID: l.ID}, Version: l.Version, Schema: l.Schema, Doc: l.Doc}
	if _, err := platform.ParseID(string(l.ID)); err != nil || l.ID.Prefix() != kind.Prefix || l.Version < 1 {
		return nil, fmt.Errorf("%.64q: %w", l.ID, ErrDamaged)
	}
	row, err := k.Stored(r)
	if err != nil {
		return nil, err
	}
	if row.fits() != nil || sound(row.Doc) != nil {
		return nil, fmt.Errorf("%s: %w", r.Ref, ErrDamaged)
	}
	row.Keys, err = k.Keys(row)
	row.Columns = nil
	return row, err
}

// Archived are the names of all kinds in the order of an archive: counters
// first, then records in lock order, then events and movements.
func (k *Kinds) Archived() []string {
	records := slices.DeleteFunc(slices.Clone(k.names), func(name string) bool { return name == Counter || name == Event || name == Movement })
	return slices.Concat([]string{Counter}, records, []string{Event, Movement})
}
