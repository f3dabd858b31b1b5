package verification

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestWhatWasNeverProvedRestricts(t *testing.T) {
	t.Parallel()

	e := Evaluate(party(), []Set{version(1, need("licence"))}, nil, nil, noon)

	assert.Equal(t, []string{"licence"}, codes(e.Currently))
	assert.Equal(t, Capability{Name: "sell", Mode: Restricted, Reason: "currently_due", Codes: []string{"licence"}}, e.Capability("sell"))
	assert.Zero(t, e.Next, "nothing changes by itself")
	assert.Equal(t, Disabled, modeOf(e, "list"), "no requirement names it, and the set does not leave it open")
	assert.Equal(t, Disabled, modeOf(e, "fly"), "no such capability")
}

func TestAGateThatNoRequirementNamesIsOpenOnlyWhereTheSetSaysSo(t *testing.T) {
	t.Parallel()
	s := version(1, need("licence"))
	s.Open = true
	assert.Equal(t, Enabled, modeOf(Evaluate(party(), []Set{s}, nil, nil, noon), "list"))
	assert.Equal(t, Enabled, modeOf(Evaluate(party(), nil, nil, nil, noon), "sell"), "where there are no rules, nothing is closed")
}

func TestGraceRunsFromTheEndOfAProof(t *testing.T) {
	t.Parallel()
	end := noon.Add(10 * day)
	given := []Evidence{verifiedFor("licence", noon.Add(-20*day), 30)}
	at := func(now time.Time) Evaluation {
		return Evaluate(party(), []Set{version(1, need("licence"))}, given, nil, now)
	}

	e := at(noon)
	assert.Equal(t, Enabled, modeOf(e, "sell"))
	assert.Equal(t, end, e.Next)
	assert.Equal(t, Enabled, modeOf(at(end.Add(-time.Microsecond)), "sell"))

	e = at(end)
	assert.Equal(t, InGrace, modeOf(e, "sell"))
	assert.Equal(t, end.Add(14*day), e.Capability("sell").Until)
	assert.Equal(t, end.Add(14*day), e.Deadline)
	assert.Equal(t, end.Add(14*day), e.Next)
	assert.Equal(t, []string{"licence"}, codes(e.Currently))

	e = at(end.Add(14 * day))
	assert.Equal(t, Disabled, modeOf(e, "sell"))
	assert.Equal(t, []string{"licence"}, codes(e.Past))
	assert.Zero(t, e.Next)
}

func TestIdentityAndSanctionListHaveNoGrace(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Identity, ExternalCheck} {
		r := need("who", func(r *Requirement) { r.Kind = kind; ninety := 90; r.Grace = &ninety })
		e := Evaluate(party(), []Set{version(1, r)}, []Evidence{verifiedFor("who", noon.Add(-10*day), 10)}, nil, noon)
		assert.Equal(t, Disabled, modeOf(e, "sell"), kind)
	}
}

func TestARevokedProofHasNoGrace(t *testing.T) {
	t.Parallel()
	gone := verifiedFor("licence", noon.Add(-20*day), 300)
	gone.State, gone.At = Revoked, noon
	old := verifiedFor("licence", noon.Add(-60*day), 55) // in grace until noon+9d, had there been no fraud
	old.Submission = "sub-old"

	e := Evaluate(party(), []Set{version(1, need("licence"))}, []Evidence{gone, old}, nil, noon)
	assert.Equal(t, Capability{Name: "sell", Mode: Disabled, Reason: "revoked", Codes: []string{"licence"}}, e.Capability("sell"))
	assert.Equal(t, []string{"licence"}, codes(e.Past))

	anew := verifiedFor("licence", noon.Add(time.Hour), 30)
	anew.Submission = "sub-new"
	assert.Equal(t, Enabled, modeOf(Evaluate(party(), []Set{version(1, need("licence"))}, []Evidence{gone, anew}, nil, noon.Add(day)), "sell"))
}

func TestAPendingReverificationKeepsTheCapabilityUntilItsDeadline(t *testing.T) {
	t.Parallel()
	e := verifiedFor("licence", noon.Add(-20*day), 300)
	e.State, e.Deadline, e.At = Pending, noon.Add(14*day), noon
	at := func(now time.Time) Evaluation {
		return Evaluate(party(), []Set{version(1, need("licence"))}, []Evidence{e}, nil, now)
	}
	assert.Equal(t, []string{"licence"}, codes(at(noon).Pending))
	assert.Equal(t, InGrace, modeOf(at(noon.Add(14*day-time.Microsecond)), "sell"))
	assert.Equal(t, Disabled, modeOf(at(noon.Add(14*day)), "sell"))
}

func TestAnUnknownAttributeMeansItApplies(t *testing.T) {
	t.Parallel()
	food := Scope{Op: "eq", Of: "category", Values: []string{"food"}}
	for _, c := range []struct {
		name  string
		scope Scope
		known map[string]string
		asked bool
	}{
		{"holds", food, map[string]string{"category": "food"}, true},
		{"does not", food, map[string]string{"category": "cleaning"}, false},
		{"unknown", food, nil, true},
		{"not unknown is unknown", Scope{Op: "not", Parts: []Scope{food}}, nil, true},
		{"surely no and unknown is no", Scope{Op: "and", Parts: []Scope{food, {Op: "eq", Of: "form", Values: []string{"ltd"}}}}, map[string]string{"form": "person"}, false},
		{"surely yes or unknown", Scope{Op: "or", Parts: []Scope{food, {Op: "eq", Of: "form", Values: []string{"ltd"}}}}, map[string]string{"form": "ltd"}, true},
		{"no number", Scope{Op: "ge", Of: "volume", Values: []string{"10"}}, map[string]string{"volume": "lots"}, true},
		{"less", Scope{Op: "ge", Of: "volume", Values: []string{"10"}}, map[string]string{"volume": "9.99"}, false},
		{"in", Scope{Op: "in", Of: "region", Values: []string{"fj", "gd"}}, map[string]string{"region": "gd"}, true},
	} {
		p := party(func(p *Party) { p.Attributes = c.known })
		e := Evaluate(p, []Set{version(1, need("health", func(r *Requirement) { r.Scope = c.scope }))}, nil, nil, noon)
		assert.Equal(t, c.asked, len(e.Currently) == 1, c.name)
	}
}

func TestARequirementOfAgeBeginsWithTheDay(t *testing.T) {
	t.Parallel()
	old := need("seniority", func(r *Requirement) { r.Scope = Scope{Op: "ge", Of: Age, Values: []string{"400"}} })
	since := noon.AddDate(-1, 0, 0)
	begins := since.Add(400 * day)

	e := Evaluate(party(), []Set{version(1, old)}, nil, nil, noon)

	assert.Empty(t, e.Currently)
	assert.Equal(t, begins, e.Next)
	assert.Len(t, Evaluate(party(), []Set{version(1, old)}, nil, nil, begins).Currently, 1)
}

func TestAnyAlternativeWillDo(t *testing.T) {
	t.Parallel()
	s := version(1, need("licence", func(r *Requirement) { r.Instead = []string{"passport"} }), need("passport", func(r *Requirement) { r.Gates, r.Instead = nil, []string{"visa"} }), need("visa", func(r *Requirement) { r.Gates = nil }))

	missing := Evaluate(party(), []Set{s}, nil, nil, noon)
	assert.Equal(t, Alternative{Code: "licence", Of: []string{"passport"}}, missing.Alternatives[0])
	assert.Equal(t, Enabled, modeOf(Evaluate(party(), []Set{s}, []Evidence{verifiedFor("passport", noon, 9)}, nil, noon), "sell"))
	assert.Equal(t, Enabled, modeOf(Evaluate(party(), []Set{s}, []Evidence{verifiedFor("visa", noon, 9)}, nil, noon), "sell"), "an alternative of an alternative, too")
}

func TestPhasesComeInTheirOrder(t *testing.T) {
	t.Parallel()
	s := version(1,
		need("volume", func(r *Requirement) { r.Phase, r.Volume = AtVolume, platform.MustMoney("1000.00", "CNY") }),
		need("count", func(r *Requirement) { r.Phase, r.Count = AtCount, 10 }),
		need("training", func(r *Requirement) { r.Phase, r.Gates = BeforeFirstSale, nil }),
		need("health", func(r *Requirement) { r.Phase, r.Every = Periodic, 180 }),
		need("licence"),
	)
	applying := party(func(p *Party) { p.Admitted = time.Time{} })

	e := Evaluate(applying, []Set{s}, nil, nil, noon)
	assert.Equal(t, []string{"licence"}, codes(e.Currently))
	assert.Equal(t, []string{"training", "count", "volume", "health"}, codes(e.Eventually))
	assert.Equal(t, Restricted, modeOf(e, "sell"))

	all := []Evidence{verifiedFor("licence", noon, 0), verifiedFor("training", noon, 0), verifiedFor("health", noon, 0)}
	e = Evaluate(party(), []Set{s}, all, nil, noon)
	assert.Equal(t, []string{"count", "volume"}, codes(e.Eventually))
	assert.Equal(t, Enabled, modeOf(e, "sell"), "a threshold that is ahead shuts nothing")
	assert.Equal(t, noon.Add(180*day), e.Next, "periodic: to be proved anew")

	reached := party(func(p *Party) { p.Count, p.Asked = 10, map[string]time.Time{"count": noon} })
	e = Evaluate(reached, []Set{s}, all, nil, noon)
	assert.Equal(t, []string{"count"}, codes(e.Currently))
	assert.Equal(t, InGrace, modeOf(e, "sell"))
	assert.Equal(t, noon.Add(14*day), e.Deadline)

	dollars := party(func(p *Party) { p.Volume = platform.MustMoney("1.00", "USD") })
	assert.NotContains(t, codes(Evaluate(dollars, []Set{s}, all, nil, noon).Eventually), "volume", "what cannot be compared is reached")
}

func TestANewVersionIsFutureThenDueWithTimeToChange(t *testing.T) { // and M32
	t.Parallel()
	next := version(2, need("licence"), need("insurance"))
	next.Effective = noon.Add(10 * day)
	sets := []Set{version(1, need("licence")), next}
	given := []Evidence{verifiedFor("licence", noon.AddDate(0, -1, 0), 0)}
	at := func(now time.Time) Evaluation { return Evaluate(party(), sets, given, nil, now) }
	switched := noon.Add(40 * day)

	e := at(noon)
	assert.Equal(t, []Due{{Code: "insurance", Set: "base", Kind: Qualification, Phase: AtApply, At: switched, Gates: []string{"sell"}}}, e.Future)
	assert.Equal(t, Enabled, modeOf(e, "sell"))
	assert.Equal(t, switched, e.Next)

	assert.Equal(t, Enabled, modeOf(at(switched.Add(-time.Microsecond)), "sell"))
	assert.Equal(t, InGrace, modeOf(at(switched), "sell"))
	assert.Equal(t, []string{"insurance"}, codes(at(switched).Currently))
	assert.Empty(t, at(switched).Future)
	assert.Equal(t, Disabled, modeOf(at(switched.Add(14*day)), "sell"))

	newcomer := party(func(p *Party) { p.Since = noon.Add(10 * day) })
	assert.Equal(t, Restricted, modeOf(Evaluate(newcomer, sets, given, nil, noon.Add(10*day)), "sell"), "who joins under it has no time")
	assert.Equal(t, Enabled, modeOf(Evaluate(party(), sets[:1], given, nil, switched.Add(day)), "sell"), "withdrawn, the former holds again")
}

func TestAVersionMayAskForProofsAnew(t *testing.T) {
	t.Parallel()
	next := version(2, need("licence", func(r *Requirement) { r.Oldest = 2 }))
	next.Effective = noon.Add(-40 * day)
	sets := []Set{version(1, need("licence")), next}

	e := Evaluate(party(), sets, []Evidence{verifiedFor("licence", noon.AddDate(0, -6, 0), 0)}, nil, noon)
	assert.Equal(t, InGrace, modeOf(e, "sell"), "a proof of version 1 no longer counts, since ten days")
	anew := verifiedFor("licence", noon, 0)
	anew.Version = 2
	assert.Equal(t, Enabled, modeOf(Evaluate(party(), sets, []Evidence{anew}, nil, noon), "sell"))
}

func TestM10AWaiverIsNotStackedAndNeverCoversIdentity(t *testing.T) {
	t.Parallel()
	fee := need("deposit", func(r *Requirement) { r.Kind = Deposit })
	who := need("who", func(r *Requirement) { r.Kind, r.Gates = Identity, []string{"list"} })
	until := noon.Add(30 * day)
	waivers := []Waived{{"wvr-1", "deposit", noon, until}, {"wvr-2", "who", noon, until}}
	at := func(now time.Time) Evaluation {
		return Evaluate(party(), []Set{version(1, fee, who)}, nil, waivers, now)
	}
	assert.Equal(t, Enabled, modeOf(at(noon), "sell"))
	assert.Equal(t, Restricted, modeOf(at(noon), "list"))
	assert.Equal(t, until, at(noon).Next)
	assert.Equal(t, Restricted, modeOf(at(until), "sell"), "its end adds no grace")
}

func TestTheStrictestRequirementOfAGateDecides(t *testing.T) { // M11
	t.Parallel()
	s := version(1, need("a"), need("b"), need("c"))
	ended := verifiedFor("b", noon.Add(-12*day), 10) // in grace
	over := verifiedFor("c", noon.Add(-100*day), 10)

	assert.Equal(t, InGrace, modeOf(Evaluate(party(), []Set{s}, []Evidence{verifiedFor("a", noon, 9), ended, verifiedFor("c", noon, 9)}, nil, noon), "sell"))
	assert.Equal(t, Restricted, modeOf(Evaluate(party(), []Set{s}, []Evidence{ended, verifiedFor("c", noon, 9)}, nil, noon), "sell"))
	assert.Equal(t, Disabled, modeOf(Evaluate(party(), []Set{s}, []Evidence{ended, over}, nil, noon), "sell"))
}

func TestARejectionIsShownWithItsRemedy(t *testing.T) {
	t.Parallel()
	no := Evidence{Submission: "sub-1", Code: "licence", State: Rejected, Reason: "blurred", Path: "files[0]", At: noon}
	e := Evaluate(party(), []Set{version(1, need("licence"))}, []Evidence{no}, nil, noon)
	assert.Equal(t, []Fault{{Code: "licence", Reason: "blurred", Remedy: "resubmit", Path: "files[0]"}}, e.Errors)
	assert.Equal(t, "rejected", e.Capability("sell").Reason)
}

func TestEvaluateChangesNothingItWasGiven(t *testing.T) {
	t.Parallel()
	p, sets, given := party(), []Set{version(2, need("b")), version(1, need("a"))}, []Evidence{verifiedFor("b", noon, 9), verifiedFor("a", noon, 9)}
	before, err := json.Marshal([]any{p, sets, given})
	require.NoError(t, err)
	Evaluate(p, sets, given, nil, noon)
	after, err := json.Marshal([]any{p, sets, given})
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after))
}

// many is a party with a hundred requirements, most of them proved.
func many() (Party, []Set, []Evidence) {
	var all []Requirement
	var given []Evidence
	for i := range 100 {
		code := "requirement." + string(rune('a'+i/26)) + string(rune('a'+i%26))
		all = append(all, need(code, func(r *Requirement) {
			r.Gates = capabilities[platform.Merchant][i%5 : i%5+1]
			r.Scope = Scope{Op: "and", Parts: []Scope{{Op: "eq", Of: "category", Values: []string{"cleaning"}}, {Op: "in", Of: "region", Values: []string{"gd", "fj"}}}}
		}))
		if i%7 != 0 {
			given = append(given, verifiedFor(code, noon.Add(-time.Duration(i)*day), 365))
		}
	}
	slices.Reverse(given)
	return party(), []Set{version(1, all...)}, given
}

func BenchmarkEvaluateHundredRequirements(b *testing.B) {
	p, sets, given := many()
	for b.Loop() {
		if e := Evaluate(p, sets, given, nil, noon); len(e.Currently) != 15 {
			b.Fatal(len(e.Currently))
		}
	}
}
