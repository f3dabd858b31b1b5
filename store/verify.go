package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strconv"

	"github.com/liangding/platform"
)

// Finding is something that is wrong in a store: a code, the record, and what
// the matter is with it.
type Finding struct {
	Code string       `json:"code"`
	Ref  platform.Ref `json:"ref"`
	What string       `json:"what,omitempty"`
}

// String is the finding as a line.
func (f Finding) String() string { return f.Code + " " + f.Ref.String() + " " + f.What }

// Verify reads everything in one moment of a store and yields what contradicts
// itself as it is met, nothing if the store is sound:
//
//	document  a record does not decode, or is not the one that it says it is
//	index     a record stands in an index elsewhere than its document says
//	claim     a record and the registry disagree about who holds a name
//	orphan    a child's root is not in its slot, or a movement's counter not there
//	counter   numbers of movements are not 1, 2, 3 …, a running value is not
//	          their sum, or the counter not what the last one says
//	event     the event of a movement, of a leaf of the audit tree or of what
//	          is undelivered is missing
//	answer    a stored answer cannot be read, or is ahead of its counters
//	tree      a hash of the audit tree is not that of what is below it
//	slot      something lies where nobody looks for it
//	kind      there are records of a kind that this program does not know
//
// The domains prove more of their own: finance.Verify, order.Verify, and
// audit.Log.Faults for what an event says. Memory is bounded: a million ids are
// remembered, beyond which references are looked up, many in a call; and what is
// wrong is yielded, not gathered. An error ends it.
func (k *Kinds) Verify(ctx context.Context, from Snapshot) iter.Seq2[Finding, error] {
	return k.verify(ctx, from, 1<<20)
}

func (k *Kinds) verify(ctx context.Context, from Snapshot, memory int) iter.Seq2[Finding, error] {
	return func(yield func(Finding, error) bool) {
		v := &verifier{
			kinds: k, from: from, memory: memory, seed: maphash.MakeSeed(), seen: map[uint64]int64{},
			claims: newLedger[platform.Claim, platform.Ref](), counts: newLedger[platform.Ref, standing](),
			tell: func(f Finding) bool { return yield(f, nil) },
		}
		if err := v.verify(ctx); err != nil && !v.enough {
			yield(Finding{}, err)
		}
	}
}

// errEnough ends a verification of which nobody wants to hear more.
var errEnough = errors.New("enough")

type verifier struct {
	kinds  *Kinds
	from   Snapshot
	memory int
	tell   func(Finding) bool
	enough bool

	seed  maphash.Seed
	seen  map[uint64]int64 // what was met, by its fingerprint, with its version
	full  bool             // more was met than seen has
	asked []reference      // to be looked up

	at     platform.Count // how far the movements of a counter have come
	again  bool           // the second reading, for what differs in the ledgers
	counts *ledger[platform.Ref, standing]
	claims *ledger[platform.Claim, platform.Ref]
	tree   heading
	lost   bool // its hashes
}

func (v *verifier) notef(code string, ref platform.Ref, format string, args ...any) {
	if !v.enough {
		v.enough = !v.tell(Finding{Code: code, Ref: ref, What: fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) verify(ctx context.Context) error {
	if err := v.read(ctx, v.entry); err != nil {
		return err
	}
	if err := v.lookUp(ctx); err != nil {
		return err
	}
	if !v.lost && (v.tree.leaves != v.tree.hashed || v.tree.inner > 0) {
		v.notef("tree", treeRef("leaf", v.tree.leaves), "%d leaves have the hashes of %d, %d of which are missing", v.tree.leaves, v.tree.hashed, v.tree.inner)
	}
	v.again = true
	for {
		names, counts := v.claims.reread(v.memory), v.counts.reread(v.memory)
		if !names && !counts {
			return v.over()
		}
		if err := v.read(ctx, v.account); err != nil {
			return err
		}
		v.disputes()
	}
}

func (v *verifier) over() error {
	if v.enough {
		return errEnough
	}
	return nil
}

// read goes through everything once.
func (v *verifier) read(ctx context.Context, each func(context.Context, Entry) error) error {
	for e, err := range v.from.Entries(ctx) {
		if err == nil {
			err = each(ctx, e)
		}
		if err = cmp.Or(err, v.over()); err != nil {
			return err
		}
	}
	v.end()
	return v.over()
}

// entry checks what is stored by itself and against what was met before: roots
// come before their children, records before events, and these before all that
// names them.
func (v *verifier) entry(ctx context.Context, e Entry) error {
	if e.Fault != nil {
		v.notef(e.Fault.Code, e.Fault.Ref, "%s", e.Fault.What)
	}
	switch {
	case e.Row != nil:
		return v.record(ctx, e.Row)
	case e.Count != nil:
		v.meet(e.Count.Ref, e.Count.Seq)
	case e.Movement != nil:
		m := e.Movement
		if err := v.refer(ctx, reference{code: "event", by: platform.Ref{Kind: Movement, ID: MovementID(*m)}, to: platform.Ref{Kind: Event, ID: m.Event}}); err != nil {
			return err
		}
	case e.Answer != nil:
		return v.answer(ctx, e.Answer)
	case e.Leaf != "":
		return v.leaf(ctx, e)
	case e.Hash != nil:
		v.hash(e)
	case e.Pending != "":
		return v.refer(ctx, reference{code: "event", by: platform.Ref{Kind: "undelivered", ID: e.Pending}, to: platform.Ref{Kind: Event, ID: e.Pending}})
	}
	return v.account(ctx, e)
}

// leaf and hash follow the audit tree. Behind a hash that is missing, none can be
// told from another.
func (v *verifier) leaf(ctx context.Context, e Entry) error {
	if e.Place != v.tree.leaves {
		v.notef("tree", treeRef("leaf", v.tree.leaves), "is missing; %d is the next", e.Place)
	}
	v.tree.leaves = e.Place + 1
	return v.refer(ctx, reference{code: "event", by: treeRef("leaf", e.Place), to: platform.Ref{Kind: Event, ID: e.Leaf}})
}

func (v *verifier) hash(e Entry) {
	switch n := v.tree.number; {
	case v.lost:
	case e.Place != n:
		v.notef("tree", treeRef("hash", n), "is missing; %d is the next", e.Place)
		v.lost = true
	case !v.tree.add(e.Hash):
		v.notef("tree", treeRef("hash", n), "is not that of what is below it")
	}
}

func treeRef(what string, n int64) platform.Ref {
	return platform.Ref{Kind: what, ID: platform.ID(strconv.FormatInt(n, 10))}
}

// record compares what is kept of a record with what follows from its document.
func (v *verifier) record(ctx context.Context, stored *Row) error {
	ref := stored.Ref
	v.meet(ref, stored.Version)
	kind := v.kinds.byName[ref.Kind]
	row, value, decodes := v.derived(stored)
	if !decodes {
		v.notef("document", ref, "schema %d does not decode", stored.Schema)
		return nil
	}
	if _, err := platform.ParseID(string(ref.ID)); err != nil || !itself(ref, value) {
		v.notef("document", ref, "says that it is another")
	}
	if stored.Version < 1 || ref.Kind == Event && stored.Version > 1 {
		v.notef("document", ref, "is at version %d", stored.Version)
	}
	for i, key := range row.Keys {
		if stored.Keys[i] != key {
			v.notef("index", ref, "by %v is not what its document says", kind.Indexes[i].By)
		}
	}
	if !same(stored.Claims, row.Claims) {
		v.notef("claim", ref, "holds other names than its document says")
	}
	v.claimed(ref, row.Claims)
	if v.kinds.byName[kind.Root] == nil { // it is one itself, or its root is kept elsewhere
		return nil
	}
	root, _ := kind.RootOf(value) // of a value that this kind decoded
	if root.Slot() != ref.ID.Slot() {
		v.notef("orphan", ref, "lies in another slot than its %s", kind.Root)
		return nil
	}
	return v.refer(ctx, reference{code: "orphan", by: ref, to: platform.Ref{Kind: v.kinds.over(kind, root), ID: root}})
}

// over is the kind of what a record lies under: its root, or another record of the
// same root that it belongs to.
func (k *Kinds) over(kind *platform.Kind, id platform.ID) string {
	if k.byName[kind.Root].Prefix != id.Prefix() {
		for _, other := range k.byName {
			if other.Prefix == id.Prefix() && (other.Root == kind.Root || other.Root == "") {
				return other.Name
			}
		}
	}
	return kind.Root
}

// derived is what follows from a record's document, which may be none.
func (v *verifier) derived(stored *Row) (row *Row, value any, decodes bool) {
	row, value, err := v.kinds.decoded(stored.Record)
	if err == nil {
		row.Keys, err = v.kinds.Keys(row)
	}
	return row, value, err == nil
}

// itself tells whether a document is the record's; one that does not say is.
func itself(ref platform.Ref, value any) bool {
	switch value := value.(type) {
	case platform.Event:
		return value.ID == ref.ID && value.Subject.ID.Slot() == ref.ID.Slot()
	case platform.Stored:
		return value.Ref() == ref
	}
	return true
}

// same tells whether both are the same names, in whatever order.
func same(a, b []platform.Claim) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(c platform.Claim) bool { return !slices.Contains(b, c) })
}

func (v *verifier) answer(ctx context.Context, a *Answered) error {
	ref := AnswerRef(a.Key)
	if len(a.Answer.Body) > 0 && !json.Valid(a.Answer.Body) {
		v.notef("answer", ref, "is not JSON")
	}
	for _, c := range a.Answer.Receipt.Counters {
		if err := v.refer(ctx, reference{code: "answer", by: ref, to: c.Ref, least: c.Seq}); err != nil {
			return err
		}
	}
	return nil
}

// Stranger is the fault of a store that has records of a kind which this program
// does not know, and so can neither prove nor back up.
func Stranger(kind string) *Finding {
	return &Finding{Code: "kind", Ref: platform.Ref{Kind: kind, ID: "all"}, What: "are of a kind that this program does not know"}
}

// AnswerRef names the answer of a key in a finding.
func AnswerRef(k platform.Key) platform.Ref {
	return platform.Ref{Kind: "answer", ID: platform.ID(k.Scope + "/" + k.Name)}
}
