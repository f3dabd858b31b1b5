package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/liangding/platform"
)

// effect is what a caller knows about its own step.
type effect uint8

const (
	reading effect = iota
	done           // the step took effect
	refused        // it did not, since its condition did not hold
	maybe          // nobody told: it takes effect once, some time later, or never
)

// touch is one step of a call on one record.
type touch struct {
	ref     platform.Ref
	op      platform.Op // 0: a reading
	version int64       // read (0: absent), or demanded
	after   int64       // done: the version that the receipt names
	doc     []byte      // the document read or written
	effect  effect
}

func readings(refs []platform.Ref, records []platform.Record, err error) []touch {
	if err != nil && !errors.Is(err, platform.ErrNotFound) {
		return nil
	}
	var touched []touch
	for _, ref := range refs {
		t := touch{ref: ref}
		if i := slices.IndexFunc(records, func(r platform.Record) bool { return r.Ref == ref }); i >= 0 {
			t.version, t.doc = records[i].Version, bytes.Clone(records[i].Doc)
		}
		touched = append(touched, t)
	}
	return touched
}

// writings are the record steps of a set, as yet without their effect.
func writings(set platform.Set) []touch {
	var touched []touch
	for _, c := range set.Changes {
		if c.Op == platform.Append || c.Op == platform.Add {
			continue
		}
		t := touch{ref: c.Ref, op: c.Op, version: c.Version}
		if c.Op == platform.Create || c.Op == platform.Replace {
			t.doc = encoded(c.Value)
		}
		touched = append(touched, t)
	}
	return touched
}

// settled gives the steps of a set the effect that its caller was told. A
// refused set of several steps says nothing about any one of them, and a
// repeated key did nothing now.
func settled(touched []touch, receipt platform.Receipt, err error) []touch {
	code := platform.Code(err)
	switch {
	case err == nil && receipt.Answer != nil:
		return nil
	case err == nil:
		for i := range touched {
			touched[i].effect = done
			for _, v := range receipt.Versions {
				if v.Ref == touched[i].ref {
					touched[i].after = v.Version
				}
			}
		}
		return touched
	case isLost(err):
		return unheard(touched)
	case len(touched) == 1 && (code == "stale" || code == "exists"):
		touched[0].effect = refused
		return touched
	}
	return nil
}

// unheard is the steps of a set whose caller has no answer, so far or for good.
func unheard(touched []touch) []touch {
	steps := slices.Clone(touched)
	for i := range steps {
		steps[i].effect = maybe
	}
	return steps
}

// Linearizable says whether the calls on each record can be put into one order
// that keeps who was before whom and in which every caller was told the truth
// (Herlihy and Wing, TOPLAS 1990). It must have watched the store since that
// was empty. The error names the first record for which there is no such order,
// with all its calls; counters and events are left out.
//
// The search is that of Wing and Gong (JPDC 1993), never visiting a state twice
// (Lowe, 2017), with one saving: a step that changes nothing is taken as soon
// as it fits, since taking it can only help.
func (h *History) Linearizable() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var order []platform.Ref
	keys := map[platform.Ref][]span{}
	for _, c := range h.calls {
		for _, t := range c.touched {
			if builtin(t.ref.Kind) {
				continue
			}
			if keys[t.ref] == nil {
				order = append(order, t.ref)
			}
			keys[t.ref] = append(keys[t.ref], spanOf(c, t))
		}
	}
	for _, ref := range order {
		s := &search{spans: keys[ref], taken: make([]bool, len(keys[ref])), visited: map[string]bool{}}
		if !s.from(register{}) {
			return fmt.Errorf("no order of the calls on %s explains what they were told:\n%s", ref, s)
		}
	}
	return nil
}

func builtin(kind string) bool { return kind == "event" || kind == "counter" || kind == "movement" }

// span is a step with its time; the end of one that nobody heard of is open.
type span struct {
	touch
	digest       string // of the document
	began, ended int64
}

func spanOf(c *call, t touch) span {
	s := span{touch: t, digest: digest(t.doc), began: c.began, ended: c.ended}
	if t.effect == maybe {
		s.ended = math.MaxInt64
	}
	return s
}

// register is the model of one record: absent at version 0.
type register struct {
	version int64
	digest  string
}

// take is the register after the step; ok is false where the step's caller
// would have been told something else.
func (r register) take(t span) (next register, ok bool) {
	if t.op == 0 {
		return r, t.version == r.version && (t.version == 0 || t.digest == r.digest)
	}
	holds := r.version == t.version
	if t.op != platform.Create {
		holds = holds && r.version > 0
	}
	if t.effect == refused || !holds {
		return r, t.effect == refused && !holds
	}
	switch t.op {
	case platform.Create, platform.Replace:
		return register{version: r.version + 1, digest: t.digest}, t.effect == maybe || t.after == r.version+1
	case platform.Delete:
		return register{}, true
	}
	return r, true
}

type search struct {
	spans   []span
	taken   []bool
	visited map[string]bool
}

// from tells whether the steps not yet taken can follow on r. It leaves taken
// as it found it when they cannot.
func (s *search) from(r register) bool {
	var quiet []int
	defer func() {
		for _, i := range quiet {
			s.taken[i] = false
		}
	}()
	for i := s.quiet(r); i >= 0; i = s.quiet(r) {
		s.taken[i] = true
		quiet = append(quiet, i)
	}
	if s.finished() {
		return true
	}
	state := s.state(r)
	if s.visited[state] {
		return false
	}
	s.visited[state] = true
	horizon := s.horizon()
	for i, span := range s.spans {
		if s.taken[i] || span.began > horizon {
			continue
		}
		next, ok := r.take(span)
		if !ok || next == r {
			continue
		}
		s.taken[i] = true
		if s.from(next) {
			return true
		}
		s.taken[i] = false
	}
	return false
}

// quiet is a step that fits now and changes nothing, or -1.
func (s *search) quiet(r register) int {
	horizon := s.horizon()
	for i, span := range s.spans {
		if s.taken[i] || span.began > horizon {
			continue
		}
		if next, ok := r.take(span); ok && next == r {
			return i
		}
	}
	return -1
}

// horizon is when the first of the steps not yet taken had ended: what began
// later cannot come before it.
func (s *search) horizon() int64 {
	var first int64 = math.MaxInt64
	for i, span := range s.spans {
		if !s.taken[i] {
			first = min(first, span.ended)
		}
	}
	return first
}

func (s *search) finished() bool {
	for i, span := range s.spans {
		if !s.taken[i] && span.effect != maybe {
			return false
		}
	}
	return true
}

func (s *search) state(r register) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d/%s/", r.version, r.digest)
	for _, taken := range s.taken {
		if taken {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	return b.String()
}

// String lists the steps of one record.
func (s *search) String() string {
	effects := map[effect]string{reading: "seen", done: "done", refused: "refused", maybe: "no answer"}
	var b strings.Builder
	for _, span := range s.spans {
		name, ended := opNames[span.op], strconv.FormatInt(span.ended, 10)
		if span.op == 0 {
			name = "get"
		}
		if span.effect == maybe {
			ended = ""
		}
		fmt.Fprintf(&b, "%6d…%-6s %s version %d doc %s: %s", span.began, ended, name, span.version, span.digest, effects[span.effect])
		if span.after > 0 {
			fmt.Fprintf(&b, ", version %d after", span.after)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
