package storetest

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

var someDuty = platform.Ref{Kind: dutyKind, ID: platform.NewID("dty", dawn, 1, 1)}

// past is a history of calls on one record, each with its span.
func past(calls ...call) *History {
	h := new(History)
	for _, c := range calls {
		h.calls = append(h.calls, &c)
	}
	return h
}

func get(began, ended, version int64, doc string) call {
	return call{began: began, ended: ended, touched: []touch{{ref: someDuty, version: version, doc: []byte(doc)}}}
}

func write(began, ended int64, op platform.Op, version int64, doc string, e effect) call {
	after := version + 1
	if e != done || op == platform.Delete || op == platform.Check {
		after = 0
	}
	return call{began: began, ended: ended, touched: []touch{{ref: someDuty, op: op, version: version, doc: []byte(doc), after: after, effect: e}}}
}

func TestHistoriesAreJudged(t *testing.T) {
	t.Parallel()
	created := write(1, 2, platform.Create, 0, "a", done)
	for name, tt := range map[string]struct {
		history *History
		broken  bool
	}{
		"nothing":                              {history: past()},
		"reads what was written":               {history: past(created, get(3, 4, 1, "a"))},
		"reads before it was written":          {history: past(get(1, 2, 1, "a"), write(3, 4, platform.Create, 0, "a", done)), broken: true},
		"reads while it is written":            {history: past(write(1, 4, platform.Create, 0, "a", done), get(2, 3, 1, "a"))},
		"reads both while it is written":       {history: past(write(1, 9, platform.Create, 0, "a", done), get(2, 3, 0, ""), get(4, 5, 1, "a"))},
		"reads it and then not":                {history: past(write(1, 9, platform.Create, 0, "a", done), get(2, 3, 1, "a"), get(4, 5, 0, "")), broken: true},
		"reads another document":               {history: past(created, get(3, 4, 1, "b")), broken: true},
		"an old version comes back":            {history: past(created, write(3, 4, platform.Replace, 1, "b", done), get(5, 6, 1, "a")), broken: true},
		"two replaced one version":             {history: past(created, write(3, 6, platform.Replace, 1, "b", done), write(4, 5, platform.Replace, 1, "c", done)), broken: true},
		"one of two replaced it":               {history: past(created, write(3, 6, platform.Replace, 1, "b", done), write(4, 5, platform.Replace, 1, "c", refused))},
		"refused for no reason":                {history: past(created, write(3, 4, platform.Replace, 1, "b", refused)), broken: true},
		"a check of what was":                  {history: past(created, write(3, 4, platform.Replace, 1, "b", done), write(5, 6, platform.Check, 1, "", done)), broken: true},
		"created again after a delete":         {history: past(created, write(3, 4, platform.Delete, 1, "", done), get(5, 6, 0, ""), write(7, 8, platform.Create, 0, "b", done), get(9, 10, 1, "b"))},
		"the receipt names a version too high": {history: past(call{began: 1, ended: 2, touched: []touch{{ref: someDuty, op: platform.Create, doc: []byte("a"), after: 2, effect: done}}}), broken: true},
		"no answer, and it never happened":     {history: past(created, write(3, 4, platform.Replace, 1, "b", maybe), get(5, 6, 1, "a"))},
		"no answer, and it happened later":     {history: past(created, write(3, 4, platform.Replace, 1, "b", maybe), get(5, 6, 1, "a"), get(7, 8, 2, "b"))},
		"no answer, and it happened and not":   {history: past(created, write(3, 4, platform.Replace, 1, "b", maybe), get(5, 6, 2, "b"), get(7, 8, 1, "a")), broken: true},
		"under way, and seen":                  {history: past(created, write(3, 0, platform.Replace, 1, "b", maybe), get(5, 6, 2, "b"))},
	} {
		err := tt.history.Linearizable()
		if (err != nil) != tt.broken {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), someDuty.String()) {
			t.Errorf("%s: %q does not name the record", name, err)
		}
	}
}

// The search agrees with trying every order, on small histories of which some
// are true and some are not.
func TestSearchAgreesWithEveryOrder(t *testing.T) {
	t.Parallel()
	die := rand.New(rand.NewPCG(1, 0))
	sound := 0
	for n := range 20_000 {
		h := randomHistory(die)
		got, want := h.Linearizable() == nil, anyOrder(h.spans(), register{})
		if got != want {
			t.Fatalf("history %d: search says %t, every order says %t:\n%s", n, got, want, &search{spans: h.spans()})
		}
		if want {
			sound++
		}
	}
	if sound < 1_000 || sound > 19_000 {
		t.Fatalf("%d of 20,000 random histories are sound, which tries one side only", sound)
	}
}

// randomHistory is up to six calls that mostly make sense.
func randomHistory(die *rand.Rand) *History {
	n := 2 + die.IntN(5)
	ends := die.Perm(2 * n)
	var calls []call
	docs := []string{"a", "b"}
	for i := range n {
		began, ended := int64(ends[2*i]+1), int64(ends[2*i+1]+1)
		if die.IntN(3) > 0 {
			began, ended = int64(2*i+1), int64(2*i+2+die.IntN(4)) // mostly one after the other
		}
		began, ended = min(began, ended), max(began, ended)
		doc, version := docs[die.IntN(2)], int64(die.IntN(3))
		switch op := platform.Op(die.IntN(5)); op {
		case 0:
			if version == 0 {
				doc = ""
			}
			calls = append(calls, get(began, ended, version, doc))
		case platform.Create:
			calls = append(calls, write(began, ended, op, 0, doc, done+effect(die.IntN(3))))
		case platform.Append:
			calls = append(calls, write(began, ended, platform.Delete, max(version, 1), "", done+effect(die.IntN(3))))
		default:
			calls = append(calls, write(began, ended, platform.Replace, max(version, 1), doc, done+effect(die.IntN(3))))
		}
	}
	return past(calls...)
}

func (h *History) spans() []span {
	var all []span
	for _, c := range h.calls {
		for _, t := range c.touched {
			all = append(all, spanOf(c, t))
		}
	}
	return all
}

// anyOrder is Linearizable by its definition: it takes the spans in each order
// that time allows, those without answer or not at all.
func anyOrder(left []span, r register) bool {
	must := false
	var horizon int64 = math.MaxInt64
	for _, s := range left {
		must = must || s.effect != maybe
		horizon = min(horizon, s.ended)
	}
	if !must {
		return true
	}
	for i, s := range left {
		if s.began > horizon {
			continue
		}
		rest := append(append([]span(nil), left[:i]...), left[i+1:]...)
		if next, ok := r.take(s); ok && anyOrder(rest, next) {
			return true
		}
	}
	return false
}

// What is watched is passed on, and told in order.
func TestHistoryTellsTheCalls(t *testing.T) {
	t.Parallel()
	var h History
	w := &world{history: &h, clock: NewClock(dawn), ids: IDs(1)}
	w.use(memory.New(kinds(newest), nil))
	d := w.duty("told")
	if err := w.given(t.Context(), platform.Put(d), platform.Delta(total, 3, d.Ref()).Above(0)); err != nil {
		t.Fatal(err)
	}
	_, _ = w.db.Get(t.Context(), d.Ref(), w.duty("missing").Ref())
	_, err := w.commit(t.Context(), platform.Put(d.at(4)))
	_, _ = w.db.Scan(t.Context(), platform.Query{Kind: dutyKind})
	_, _ = w.db.Recall(t.Context(), platform.Key{Scope: "key/x", Name: "k9"})
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(h.String()), "\n")
	for i, want := range []string{
		"commit {create " + d.Ref().String() + ", add counter/total/piece +3 floor 0, append event/",
		"[test.duty.not_found]", " at 4, append event/", "scan test.duty by []", "recall k9 → ", "close → closed",
	} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Fatalf("line %d of\n%s\ndoes not tell %q", i, &h, want)
		}
	}
	if refusal("replace", err, platform.ErrConflict, "stale") != nil || h.Linearizable() != nil {
		t.Fatalf("%v: %v", err, h.Linearizable())
	}
	if last := h.last(2); !strings.HasPrefix(last, "… 4 calls before\n") {
		t.Fatalf("the last two calls are\n%s", last)
	}
}

// Documents are the same whatever their spacing and order, and no others are.
func TestDigestsFollowMeaning(t *testing.T) {
	t.Parallel()
	a := digest([]byte(`{"a":1,"b":[1,2]}`))
	for text, same := range map[string]bool{
		` { "b" : [ 1, 2 ] , "a" : 1 } `: true, //nolint:gocritic // the spacing is the case
		`{"a":1,"b":[2,1]}`:              false,
		`{"a":1.0,"b":[1,2]}`:            false,
		`{"a":"1","b":[1,2]}`:            false,
		`{"a":1,"b":[1,2]}x`:             false,
	} {
		if (digest([]byte(text)) == a) != same {
			t.Errorf("%s: same %t", text, !same)
		}
	}
}
