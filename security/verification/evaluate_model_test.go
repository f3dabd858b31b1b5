package verification

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// world is a random party with everything that decides about it. Its moments lie
// within some two hundred days, so that they meet.
type world struct {
	p       Party
	sets    []Set
	given   []Evidence
	waivers []Waived
}

var lettered = []string{"a", "b", "c", "d", "e"}

func moments(t *rapid.T, name string) time.Time {
	return noon.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, name)) * day)
}

func scopes(t *rapid.T, depth int) Scope {
	op := rapid.SampledFrom([]string{"", "eq", "ge", "lt", "and", "or", "not"}).Draw(t, "op")
	if op == "" || depth > 3 {
		return Scope{}
	}
	switch op {
	case "eq":
		return Scope{Op: op, Of: rapid.SampledFrom([]string{"category", "form"}).Draw(t, "of"), Values: []string{"x"}}
	case "ge", "lt":
		return Scope{Op: op, Of: Age, Values: []string{rapid.SampledFrom([]string{"10", "30", "60.5"}).Draw(t, "age")}}
	}
	parts := []Scope{leaf(t)}
	if op != "not" {
		parts = append(parts, leaf(t))
	}
	return Scope{Op: op, Parts: parts}
}

func leaf(t *rapid.T) Scope {
	if s := scopes(t, 2); !s.zero() && len(s.Parts) == 0 {
		return s
	}
	return Scope{Op: "eq", Of: "category", Values: []string{"x"}}
}

func worlds(t *rapid.T) world {
	w := world{p: Party{ID: mer, Kind: platform.Merchant, Since: moments(t, "since"), Attributes: map[string]string{}, Asked: map[string]time.Time{}}}
	if rapid.Bool().Draw(t, "admitted") {
		w.p.Admitted = w.p.Since
	}
	if rapid.Bool().Draw(t, "known") {
		w.p.Attributes["category"] = rapid.SampledFrom([]string{"x", "y"}).Draw(t, "category")
	}
	w.p.Count = int64(rapid.IntRange(0, 2).Draw(t, "count"))
	for n := range rapid.IntRange(1, 3).Draw(t, "versions") {
		s := Set{Name: "base", Party: platform.Merchant, Number: n + 1, Effective: moments(t, "effective"), Transition: rapid.SampledFrom([]int{0, 30}).Draw(t, "transition"), Open: rapid.Bool().Draw(t, "open")}
		for i, code := range lettered {
			if !rapid.Bool().Draw(t, "in") {
				continue
			}
			grace := rapid.SampledFrom([]int{0, 5, 14}).Draw(t, "grace")
			r := Requirement{
				Code: code, Kind: rapid.SampledFrom([]Kind{Qualification, Deposit, Identity}).Draw(t, "kind"), Scope: scopes(t, 1), Gates: rapid.SampledFrom([][]string{{"sell"}, {"sell", "list"}, nil}).Draw(t, "gates"),
				Phase: rapid.SampledFrom(phases).Draw(t, "phase"), Count: 1, Grace: &grace, Oldest: rapid.IntRange(0, 2).Draw(t, "oldest"), Every: rapid.SampledFrom([]int{0, 40}).Draw(t, "every"),
			}
			if i+1 < len(lettered) && rapid.Bool().Draw(t, "instead") {
				r.Instead = []string{lettered[i+1]}
			}
			if w.p.Count > 0 && rapid.Bool().Draw(t, "asked") {
				w.p.Asked[code] = moments(t, "reached")
			}
			s.Requirements = append(s.Requirements, r)
		}
		w.sets = append(w.sets, s)
	}
	for range rapid.IntRange(0, 6).Draw(t, "evidence") {
		w.given = append(w.given, evidences(t, []State{Draft, Pending, Verified, Rejected, Expired, Revoked}))
	}
	for range rapid.IntRange(0, 2).Draw(t, "waivers") {
		w.waivers = append(w.waivers, Waived{"wvr", rapid.SampledFrom(lettered).Draw(t, "waived"), moments(t, "from"), moments(t, "until")})
	}
	return w
}

func evidences(t *rapid.T, states []State) Evidence {
	e := Evidence{
		Submission: platform.ID(rapid.StringMatching(`sub-[0-9a-z]{8}`).Draw(t, "submission")), Code: rapid.SampledFrom(lettered).Draw(t, "code"), Version: rapid.IntRange(1, 3).Draw(t, "version"),
		State: rapid.SampledFrom(states).Draw(t, "state"), From: moments(t, "valid from"), At: moments(t, "decided"),
	}
	if rapid.Bool().Draw(t, "ends") {
		e.Until = e.From.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "days")) * day)
	}
	if (e.State == Pending || e.State == Rejected) && rapid.Bool().Draw(t, "reopened") {
		e.Deadline = moments(t, "deadline")
	}
	return e
}

func (w world) at(now time.Time) Evaluation {
	return Evaluate(w.p, w.sets, w.given, w.waivers, now)
}

// answer is the evaluation as JSON, without Next.
func answer(t require.TestingT, e Evaluation) string {
	e.Next = time.Time{}
	text, err := json.Marshal(e)
	require.NoError(t, err)
	return string(text)
}

// TestEvaluateIsPureAndOrderDoesNotMatter: invariant 1. The same facts in another
// order give the same bytes.
func TestEvaluateIsPureAndOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, now := worlds(t), moments(t, "now")
		one, err := json.Marshal(w.at(now))
		require.NoError(t, err)
		w.sets = rapid.Permutation(w.sets).Draw(t, "sets")
		w.given = rapid.Permutation(w.given).Draw(t, "given")
		w.waivers = rapid.Permutation(w.waivers).Draw(t, "waivers")
		two, err := json.Marshal(w.at(now))
		require.NoError(t, err)
		require.Equal(t, string(one), string(two))
	})
}

// TestNextChangeIsExact: one microsecond before Next the answer is as it is now, at
// Next it is another, and nowhere between does it differ.
func TestNextChangeIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := worlds(t)
		now := moments(t, "now").Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "µs")) * time.Microsecond)
		e := w.at(now)
		is, end := answer(t, e), now.AddDate(3, 0, 0)
		if !e.Next.IsZero() {
			end = e.Next
			require.True(t, end.After(now))
			require.NotEqual(t, is, answer(t, w.at(end)), "at next_change_at the answer differs")
			require.Equal(t, is, answer(t, w.at(end.Add(-time.Microsecond))), "a microsecond before it does not")
		}
		for probe := now; probe.Before(end); probe = probe.Add(12 * time.Hour) { // every moment of the world and all between
			require.Equal(t, is, answer(t, w.at(probe)), "differs at %s, before %s", probe, end)
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(now))-1).Draw(t, "between"))).Truncate(time.Microsecond)
		if !between.Before(now) {
			require.Equal(t, is, answer(t, w.at(between)))
		}
	})
}

// TestOneMoreVerificationNeverDisables: evaluation is monotone in verdicts.
func TestOneMoreVerificationNeverDisables(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, now := worlds(t), moments(t, "now")
		before := w.at(now)
		if len(w.given) > 0 && rapid.Bool().Draw(t, "verdict on one that is there") {
			i := rapid.IntRange(0, len(w.given)-1).Draw(t, "which")
			if w.given[i].State != Pending && w.given[i].State != Draft {
				t.Skip("decided")
			}
			w.given = slices.Clone(w.given)
			w.given[i].State = Verified
			if w.given[i].Deadline.After(now) {
				w.given[i].From, w.given[i].Until = now, time.Time{}
			}
		} else {
			w.given = append(slices.Clone(w.given), evidences(t, []State{Verified}))
		}
		after := w.at(now)
		for _, c := range before.Capabilities {
			require.False(t, c.Usable() && !after.Capability(c.Name).Usable(), "%s was %v and is %v", c.Name, c, after.Capability(c.Name))
			if c.Mode == Enabled {
				require.Equal(t, Enabled, after.Capability(c.Name).Mode)
			}
		}
	})
}

// TestTheMemoOfAStandingIsItsEvaluation: what a standing remembers until Next is
// what evaluating again would say at each moment of it.
func TestTheMemoOfAStandingIsItsEvaluation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, now := worlds(t), moments(t, "now")
		b := book{Standing: Standing{Party: w.p, Evidence: w.given, Waivers: w.waivers}, sets: w.sets}
		st, _ := b.settled(now)
		later := now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "later")) * 12 * time.Hour)
		if st.Next.IsZero() || later.Before(st.Next) {
			require.Equal(t, w.at(later).Capabilities, st.Capabilities)
		}
	})
}
