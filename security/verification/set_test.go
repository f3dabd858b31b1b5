package verification

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestWhatIsNoPredicateIsRefused(t *testing.T) {
	t.Parallel()
	deep := Scope{Op: "eq", Of: "a", Values: []string{"x"}}
	for range 5 {
		deep = Scope{Op: "not", Parts: []Scope{deep}}
	}
	wide := Scope{Op: "or"}
	for range 50 {
		wide.Parts = append(wide.Parts, Scope{Op: "eq", Of: "a", Values: []string{"x"}})
	}
	for name, s := range map[string]Scope{
		"unknown operator": {Op: "like", Of: "a", Values: []string{"x"}}, "too deep": deep, "too many terms": wide,
		"no attribute": {Op: "eq", Values: []string{"x"}}, "no number": {Op: "ge", Of: "a", Values: []string{"x"}},
		"empty and": {Op: "and"}, "not of two": {Op: "not", Parts: wide.Parts[:2]}, "nothing to do": {Of: "a"},
	} {
		assert.Equal(t, "requirement.predicate", platform.Code(s.Check()), name)
	}
	require.NoError(t, Scope{}.Check())
	require.NoError(t, deep.Parts[0].Check())
	require.NoError(t, Scope{Op: "or", Parts: wide.Parts[:49]}.Check())
}

func TestASetIsCheckedBeforeItIsPublished(t *testing.T) {
	t.Parallel()
	circle := []Requirement{need("a", func(r *Requirement) { r.Instead = []string{"b"} }), need("b", func(r *Requirement) { r.Instead = []string{"a"} })}
	for want, change := range map[string]func(*Set){
		"requirement.alternatives": func(s *Set) { s.Requirements = circle },
		"requirement.twice":        func(s *Set) { s.Requirements = []Requirement{need("a"), need("a")} },
		"rule.basis_missing":       func(s *Set) { s.Basis = "" },
		"requirement.invalid": func(s *Set) {
			s.Requirements = []Requirement{need("a", func(r *Requirement) { r.Gates = []string{"buy"} })}
		},
	} {
		s := version(1, need("licence"))
		change(&s)
		assert.Equal(t, want, platform.Code(s.Check()))
	}
	for name, change := range map[string]func(*Requirement){
		"grace":    func(r *Requirement) { g := 91; r.Grace = &g },
		"validity": func(r *Requirement) { r.Validity.Days = 5*365 + 1 },
		"auto":     func(r *Requirement) { r.Review = Auto },
		"sample":   func(r *Requirement) { r.Sample = 5 },
		"periodic": func(r *Requirement) { r.Phase = Periodic },
		"count":    func(r *Requirement) { r.Phase = AtCount },
		"number":   func(r *Requirement) { r.Number = "passport" },
	} {
		assert.Equal(t, "requirement.invalid", platform.Code(need("a", change).Check(platform.Merchant)), name)
	}
	unknown := version(1, need("a", func(r *Requirement) { r.Instead = []string{"z"} }))
	assert.Equal(t, "requirement.alternatives", platform.Code(unknown.Check()))
}

func TestAPublishedVersionNeverChanges(t *testing.T) {
	t.Parallel()
	h := opened()
	in := Publish{Name: "base", Party: platform.Merchant, Number: 1, Effective: noon.Add(day), Basis: "law", Owner: "ops", Requirements: []Requirement{need("licence")}}
	_, err := h.Publish(as(reviewer), in)
	require.NoError(t, err)
	_, err = h.Publish(as(reviewer), in)
	require.Equal(t, "rule.published", platform.Code(err))
	in.Number, in.Effective = 0, noon.Add(time.Hour)
	_, err = h.Publish(as(reviewer), in)
	require.Equal(t, "rule.effective", platform.Code(err), "a later version takes effect later")
	in.Effective = noon.Add(-time.Hour)
	_, err = h.Publish(as(reviewer), in)
	require.Equal(t, "rule.effective", platform.Code(err))
	_, err = h.Publish(as(owner), in)
	require.ErrorIs(t, err, platform.ErrDenied)
	in.Name, in.Effective = "more", noon.Add(2*day)
	_, err = h.Publish(as(reviewer), in)
	require.Equal(t, "requirement.twice", platform.Code(err), "a code is of one set")
}

func TestRecallingAVersionRestoresTheFormer(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	h.proved(t, owner, "licence")
	h.at(t, noon.Add(day))
	none := 0
	s, err := h.Publish(as(reviewer), Publish{Name: "base", Party: platform.Merchant, Effective: h.now(), Transition: &none, Open: true, Basis: "law", Owner: "ops", Requirements: []Requirement{need("licence"), need("who", func(r *Requirement) { r.Kind = Identity })}})
	require.NoError(t, err)
	require.ErrorIs(t, h.may(mer, "sell"), ErrPast, "at once, whether a tick came or not")

	_, err = h.Recall(as(reviewer), Recall{Party: platform.Merchant, Set: s.ID, Reason: "mistake"})

	require.NoError(t, err)
	require.NoError(t, h.may(mer, "sell"))
	_, err = h.Recall(as(reviewer), Recall{Party: platform.Merchant, Set: s.ID, Reason: "mistake"})
	require.Equal(t, "rule.not_withdrawable", platform.Code(err))
}

func TestNewRulesReachEveryStandingByTick(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	for i := range 30 {
		h.joins(t, platform.NewID("mer", noon, platform.Slot(i), uint64(i)))
	}
	h.publish(t, need("licence"), need("who", func(r *Requirement) { r.Kind, r.Gates = Identity, []string{"list"} }))
	h.at(t, noon)
	assert.Len(t, h.events(t, "verification.evaluated"), 30)
	h.at(t, noon.Add(time.Second))
	assert.Len(t, h.events(t, "verification.evaluated"), 30, "each once")
}

func TestAWaiverNeedsTwoAndNeverCoversWhatTheLawAsks(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("deposit", func(r *Requirement) { r.Kind = Deposit }), need("licence", func(r *Requirement) { r.Gates = nil }))
	h.joins(t, mer)
	waive := Waive{Party: mer, Code: "deposit", Until: noon.Add(30 * day), Reason: "pilot"}
	_, err := h.Waive(as(reviewer), Waive{Party: mer, Code: "licence", Until: noon.Add(day), Reason: "pilot"})
	require.Equal(t, "verification.not_waivable", platform.Code(err))
	_, err = h.Waive(as(reviewer), Waive{Party: mer, Code: "deposit", Until: noon.Add(181 * day), Reason: "pilot"})
	require.Equal(t, "verification.waiver", platform.Code(err))
	_, err = h.Waive(as(owner), waive)
	require.ErrorIs(t, err, platform.ErrDenied)
	v, err := h.Waive(as(reviewer), waive)
	require.NoError(t, err)
	require.ErrorIs(t, h.may(mer, "sell"), ErrDue, "proposed is not granted")
	_, err = h.DecideWaiver(as(reviewer), DecideWaiver{Waiver: v.ID, Grant: true})
	require.ErrorIs(t, err, ErrSame)

	_, err = h.DecideWaiver(as(second), DecideWaiver{Waiver: v.ID, Grant: true})

	require.NoError(t, err)
	require.NoError(t, h.may(mer, "sell"))
	_, err = h.DecideWaiver(as(third), DecideWaiver{Waiver: v.ID})
	require.Equal(t, "verification.waiver_decided", platform.Code(err))
	h.at(t, noon.Add(30*day))
	require.ErrorIs(t, h.may(mer, "sell"), ErrDue)
}

func TestKindsAreDeclaredWell(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		assert.NoError(t, k.Fault(), k.Name)
	}
}
