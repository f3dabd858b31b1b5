package market_test

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// planted are faults that only the domains can name, each with how the finding
// begins that does. The lines are those of a lively market.
var planted = map[string]struct {
	edit func(*testing.T, []store.Line) []store.Line
	want string
}{
	"a posting that is not balanced": {in("finance.posting", `"amount":"180.00"`, `"amount":"180.01"`), "books.V1 finance.posting/"},
	"a posting that is gone":         {without("finance.posting"), "books.V5 "},
	"a balance below its floor":      {overdrawn, "books.V4 counter/available:"},
	"a balance one too high":         {counted(+1), "counter counter/"},
	"a balance one too low":          {counted(-1), "counter counter/"},
	"a movement that is gone":        {without("movement"), "counter counter/"},
	"an order in another state":      {in("order", `"state":"closed"`, `"state":"completed"`), "order order/"},
	"an order that is gone":          {without("order"), "orphan "},
	"an event with another reason":   {in("event", `"reason":"changed_mind"`, `"reason":"no_reason"`), "audit event/"},
	"an event of another time":       {in("event", `"at":"2030-03-0`, `"at":"2031-03-0`), "audit event/"},
	"an event that is gone":          {without("event"), "audit event/"},
	"an order's event that is gone":  {untold, "order order/"},
	"an answer that is cut":          {answer, "answer answer/"},
	"a leaf of another event":        {leaf, "event leaf/3 "},
	"a hash of another leaf":         {hash, "tree hash/"},
	"undelivered and never said":     {pending, "event undelivered/"},
}

func in(kind, old, by string) func(*testing.T, []store.Line) []store.Line {
	return func(t *testing.T, lines []store.Line) []store.Line {
		t.Helper()
		for i, l := range lines {
			var compact bytes.Buffer
			if l.Kind != kind || json.Compact(&compact, l.Doc) != nil || !strings.Contains(compact.String(), old) {
				continue
			}
			lines[i].Doc = json.RawMessage(strings.Replace(compact.String(), old, by, 1))
			return lines
		}
		require.Fail(t, "no such line", "%s with %s", kind, old)
		return nil
	}
}

func without(kind string) func(*testing.T, []store.Line) []store.Line {
	return func(t *testing.T, lines []store.Line) []store.Line {
		t.Helper()
		i := slices.IndexFunc(lines, func(l store.Line) bool { return l.Kind == kind })
		return slices.Delete(lines, i, i+1)
	}
}

// untold takes out the event by which an order's work began.
func untold(t *testing.T, lines []store.Line) []store.Line {
	t.Helper()
	i := slices.IndexFunc(lines, func(l store.Line) bool {
		return l.Kind == "event" && strings.Contains(string(l.Doc), `"order.started"`)
	})
	id := lines[i].ID
	return slices.DeleteFunc(lines, func(l store.Line) bool { return l.Kind == "event" && l.ID == id })
}

// overdrawn lets an account be below its floor for one movement, with all sums
// as they should be.
func overdrawn(t *testing.T, lines []store.Line) []store.Line {
	t.Helper()
	for i, l := range lines {
		var a, b platform.Movement
		if l.Kind != "movement" || i+1 == len(lines) || lines[i+1].Kind != "movement" {
			continue
		}
		require.NoError(t, json.Unmarshal(l.Doc, &a))
		require.NoError(t, json.Unmarshal(lines[i+1].Doc, &b))
		if a.Counter != b.Counter || !strings.HasPrefix(string(a.Counter.ID), "available:") || a.Delta <= 0 || b.Delta >= 0 || a.After != a.Delta {
			continue
		}
		a.Delta, a.Cause, a.Event, a.After, b.Delta, b.Cause, b.Event = b.Delta, b.Cause, b.Event, b.Delta, a.Delta, a.Cause, a.Event
		lines[i].Doc, lines[i+1].Doc = encoded(t, a), encoded(t, b)
		return lines
	}
	require.Fail(t, "nothing was paid in and out")
	return nil
}

func counted(by int64) func(*testing.T, []store.Line) []store.Line {
	return func(t *testing.T, lines []store.Line) []store.Line {
		t.Helper()
		var c platform.Count
		require.NoError(t, json.Unmarshal(lines[0].Doc, &c))
		c.Value += by
		lines[0].Doc = encoded(t, c)
		return lines
	}
}

func encoded(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}

func answer(_ *testing.T, lines []store.Line) []store.Line {
	i := slices.IndexFunc(lines, func(l store.Line) bool { return l.Answer != nil })
	cut := *lines[i].Answer
	cut.Body = cut.Body[:len(cut.Body)/2]
	lines[i].Answer = &cut
	return lines
}

const never = platform.ID("evt_01kdvdna00eajs4d2pf2dbsqqg")

func leaf(_ *testing.T, lines []store.Line) []store.Line {
	i := slices.IndexFunc(lines, func(l store.Line) bool { return l.Leaf != "" })
	lines[i+3].Leaf = never
	return lines
}

func hash(_ *testing.T, lines []store.Line) []store.Line {
	i := slices.IndexFunc(lines, func(l store.Line) bool { return l.Hash != nil })
	lines[i+1].Hash = lines[i].Hash
	return lines
}

func pending(_ *testing.T, lines []store.Line) []store.Line {
	return append(lines, store.Line{Pending: never})
}

// TestVerifyNamesEachPlantedFault is law 38 for what an archive can hold, on each
// engine: in the lines of a sound market one thing is changed. What lies beside
// the records is planted in the engines' own tests.
func TestVerifyNamesEachPlantedFault(t *testing.T) {
	t.Parallel()
	var sound []store.Line
	s := lively(t, engines["memory"](t))
	for line, err := range s.engine.Lines(t.Context()) {
		require.NoError(t, err)
		sound = append(sound, line)
	}
	for engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			open := emptied(t, engine)
			for _, name := range slices.Sorted(maps.Keys(planted)) {
				db := open()
				require.NoError(t, db.Load(t.Context(), all(planted[name].edit(t, slices.Clone(sound)))))

				found := on(t, db, nil).proof()

				assert.Regexp(t, "(?m)^"+planted[name].want, found, name)
			}
		})
	}
}

func all(lines []store.Line) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		for _, l := range lines {
			if !yield(l, nil) {
				return
			}
		}
	}
}
