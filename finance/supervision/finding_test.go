package supervision_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/supervision"
)

const proof = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

// raised is a world with a finding: two payouts of one amount to alice.
func raised(t *testing.T, change ...func(*supervision.Ports, *supervision.Options)) (*world, supervision.Finding) {
	t.Helper()
	v := newWorld(t, change...)
	v.pass(t, 0)
	v.items.set(payout(1), payout(2))
	v.until(t, tuesday)
	return v, v.found(t, "C1", string(alice))
}

// fixedBy takes a finding to where it has to be verified.
func (v *world) fixedBy(t *testing.T, f supervision.Finding, who platform.Actor) supervision.Finding {
	t.Helper()
	_, err := v.PlanFix(v.as(t, who), supervision.PlanFix{Finding: f.ID, Cause: "no_check", Actions: []string{"reclaim"}, Until: v.clock.Add(5 * day)})
	require.NoError(t, err)
	_, err = v.StartFix(v.as(t, who), supervision.StartFix{Finding: f.ID})
	require.NoError(t, err)
	f, err = v.FinishFix(v.as(t, who), supervision.FinishFix{Finding: f.ID, Evidence: proof})
	require.NoError(t, err)
	return f
}

func TestAFindingIsPlannedFixedVerifiedAndClosed(t *testing.T) {
	t.Parallel()
	v, f := raised(t)
	assert.Equal(t, supervision.Open, f.State)
	assert.Equal(t, time.Date(2026, 3, 7, 0, 0, 0, 0, time.UTC), f.Until.UTC(), "three days to plan it")

	next, err := v.PlanFix(v.as(t, owner), supervision.PlanFix{Finding: f.ID, Cause: "no_check", Actions: []string{"reclaim"}, Until: v.clock.Add(7 * day), Fixer: fixer.ID})
	require.NoError(t, err)
	assert.Equal(t, owner.ID, next.Owner, "who plans it owns it")
	_, err = v.StartFix(v.as(t, fixer), supervision.StartFix{Finding: f.ID})
	require.ErrorIs(t, err, supervision.ErrOwner)
	next, err = v.StartFix(v.as(t, owner), supervision.StartFix{Finding: f.ID})
	require.NoError(t, err)
	assert.Equal(t, tuesday.Add(7*day), next.Until.UTC(), "seven days for a grave one")
	next, err = v.FinishFix(v.as(t, fixer), supervision.FinishFix{Finding: f.ID, Evidence: proof})
	require.NoError(t, err)
	assert.Equal(t, fixer.ID, next.Fixer)

	*v.clock = v.clock.Add(time.Hour)
	next, err = v.VerifyFix(v.as(t, supervisor), supervision.VerifyFix{Finding: f.ID})
	require.NoError(t, err)
	assert.Equal(t, supervision.Closed, next.State)
	assert.Equal(t, cny("123.45"), next.Effect, "what the control finds no more")
	assert.True(t, next.Due.IsZero())
	for what, n := range map[string]int{"raised": 1, "planned": 1, "started": 1, "fixed": 1, "verified": 1, "closed": 1} {
		assert.Equal(t, n, v.events(t)["finding."+what], what)
	}
}

func TestVerifierIsNeitherOwnerNorFixer(t *testing.T) {
	t.Parallel()
	v, f := raised(t)
	both := operator(20, supervision.Supervisor)
	_, err := v.PlanFix(v.as(t, owner), supervision.PlanFix{Finding: f.ID, Cause: "c", Actions: []string{"a"}, Until: v.clock.Add(day), Fixer: both.ID})
	require.NoError(t, err)
	_, err = v.StartFix(v.as(t, owner), supervision.StartFix{Finding: f.ID})
	require.NoError(t, err)
	once := both
	once.Roles = nil // who fixed it becomes a supervisor later
	_, err = v.FinishFix(v.as(t, once), supervision.FinishFix{Finding: f.ID, Evidence: proof})
	require.NoError(t, err)

	promoted := owner
	promoted.Roles = []string{supervision.Supervisor}
	stood := supervisor
	stood.OnBehalf = owner.ID
	for _, who := range []platform.Actor{both, promoted, stood} {
		_, err = v.VerifyFix(v.as(t, who), supervision.VerifyFix{Finding: f.ID})
		require.ErrorIs(t, err, supervision.ErrSelfVerified)
		assert.Equal(t, "finding.self_verified", platform.Code(err))
		_, err = v.RefuseFix(v.as(t, who), supervision.RefuseFix{Finding: f.ID, Reason: "no"})
		require.ErrorIs(t, err, supervision.ErrSelfVerified)
	}
	_, err = v.VerifyFix(v.as(t, fixer), supervision.VerifyFix{Finding: f.ID})
	require.ErrorIs(t, err, supervision.ErrSupervisor)
	_, err = v.VerifyFix(v.as(t, supervisor), supervision.VerifyFix{Finding: f.ID})
	require.NoError(t, err)
}

func TestSupervisorsFixNothing(t *testing.T) {
	t.Parallel()
	v, f := raised(t)
	_, err := v.PlanFix(v.as(t, supervisor), supervision.PlanFix{Finding: f.ID, Cause: "c", Actions: []string{"a"}, Until: v.clock.Add(day)})
	require.ErrorIs(t, err, supervision.ErrSegregation)
	_, err = v.Assign(v.as(t, supervisor), supervision.Assign{Finding: f.ID, Owner: supervisor.ID})
	require.ErrorIs(t, err, supervision.ErrSegregation)
	f, err = v.Assign(v.as(t, supervisor), supervision.Assign{Finding: f.ID, Owner: owner.ID})
	require.NoError(t, err)
	assert.Equal(t, owner.ID, f.Owner)
	_, err = v.PlanFix(v.as(t, fixer), supervision.PlanFix{Finding: f.ID, Cause: "c", Actions: []string{"a"}, Until: v.clock.Add(day)})
	require.ErrorIs(t, err, supervision.ErrOwner)
}

func TestAPlanEndsInTheTimeThatTheSeverityAllows(t *testing.T) {
	t.Parallel()
	v, f := raised(t)
	for _, until := range []time.Time{*v.clock, v.clock.Add(7*day + time.Second)} {
		_, err := v.PlanFix(v.as(t, owner), supervision.PlanFix{Finding: f.ID, Cause: "c", Actions: []string{"a"}, Until: until})
		require.ErrorIs(t, err, supervision.ErrPlan)
	}
}

func TestAFindingIsNotVerifiedWhileItsControlStillFindsIt(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.pass(t, 0)
	v.waiting.set(supervision.Waiting{Ref: ref(9), What: "suspense", Object: "suspense:bank", Amount: cny("5.00"), Since: monday.AddDate(0, 0, -2)})
	v.until(t, tuesday)
	f := v.fixedBy(t, v.found(t, "C5", "suspense:bank"), owner)

	_, err := v.VerifyFix(v.as(t, supervisor), supervision.VerifyFix{Finding: f.ID})
	require.ErrorIs(t, err, supervision.ErrNotClean)
	f, err = v.RefuseFix(v.as(t, supervisor), supervision.RefuseFix{Finding: f.ID, Reason: "still_there"})
	require.NoError(t, err)
	assert.Equal(t, supervision.Fixing, f.State)
	_, err = v.FinishFix(v.as(t, owner), supervision.FinishFix{Finding: f.ID, Evidence: proof})
	require.NoError(t, err)
	v.waiting.set()
	_, err = v.VerifyFix(v.as(t, supervisor), supervision.VerifyFix{Finding: f.ID})
	require.NoError(t, err)

	v.waiting.set(supervision.Waiting{Ref: ref(9), What: "suspense", Object: "suspense:bank", Amount: cny("5.00"), Since: monday})
	v.until(t, tuesday.AddDate(0, 0, 1))
	again := v.found(t, "C5", "suspense:bank")
	assert.Equal(t, supervision.Open, again.State, "what stands again, unchanged, is no old hit")
	assert.Equal(t, 2, again.Round)
}

func TestWhatHappenedIsJudgedFromTheFixOn(t *testing.T) {
	t.Parallel()
	v, f := raised(t)
	f = v.fixedBy(t, f, owner)
	v.items.set(payout(1), payout(2), payout(3, at(f.FixedAt.Add(time.Minute)))) // the third within three days
	*v.clock = v.clock.Add(time.Hour)
	_, err := v.VerifyFix(v.as(t, supervisor), supervision.VerifyFix{Finding: f.ID})
	require.ErrorIs(t, err, supervision.ErrNotClean)
}

func TestTheSameWithinHalfAYearIsWorse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after time.Duration
		want  supervision.Severity
	}{{179 * day, supervision.High}, {182 * day, supervision.Medium}} {
		v := newWorld(t)
		v.pass(t, 0)
		v.items.set(payout(1, of("990.00"), limit("1000.00")))
		v.until(t, tuesday)
		f := v.fixedBy(t, v.found(t, "C3", string(alice)), owner)
		assert.Equal(t, supervision.Medium, f.Severity)
		_, err := v.VerifyFix(v.as(t, supervisor), supervision.VerifyFix{Finding: f.ID})
		require.NoError(t, err)

		v.items.set(payout(2, of("991.00"), limit("1000.00"), at(tuesday.Add(c.after-2*day))))
		*v.clock = tuesday.Add(c.after)
		_, err = v.RunControl(v.as(t, second), supervision.RunControl{Control: "C3"})
		require.NoError(t, err)
		assert.Equal(t, supervision.Closed, v.found(t, "C3", string(alice)).State, "two days ago is outside the window of a day")
		v.items.set(payout(2, of("991.00"), limit("1000.00"), at(tuesday.Add(c.after-time.Hour))))
		_, err = v.RunControl(v.as(t, second), supervision.RunControl{Control: "C3"})
		require.NoError(t, err)
		f = v.found(t, "C3", string(alice))
		assert.Equal(t, supervision.Open, f.State)
		assert.Equal(t, c.want, f.Severity, "after %s", c.after)
		assert.Equal(t, 2, f.Round)
		assert.Nil(t, f.Plan)
		assert.Equal(t, 1, v.events(t)["finding.reopened"])
	}
}

func TestALateFindingClimbsToRiskAndThenToTheDirector(t *testing.T) {
	t.Parallel()
	v, f := raised(t)
	told := func() (n int) {
		page, err := platform.List[platform.Event](t.Context(), v.db, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{f.Ref()}})
		require.NoError(t, err)
		for _, e := range page.Items {
			if e.Type == "finding.overdue" {
				n++
			}
		}
		return n
	}
	v.until(t, f.Until.Add(-time.Second))
	assert.Equal(t, supervision.LevelOwner, v.found(t, "C1", string(alice)).Level)
	v.until(t, f.Until)
	late := v.found(t, "C1", string(alice))
	assert.Equal(t, supervision.LevelRisk, late.Level)
	assert.True(t, late.Late(v.clock.Add(time.Second)))
	v.pass(t, time.Hour)
	assert.Equal(t, 1, told(), "once")
	v.until(t, late.Due)
	assert.Equal(t, supervision.LevelDirector, v.found(t, "C1", string(alice)).Level)
	v.pass(t, 30*day)
	assert.Equal(t, 2, told())
}

// cases opens a case for whoever is referred.
type cases struct{ opened []platform.ID }

func (c *cases) OpenCase(_ context.Context, party platform.ID, finding platform.Ref, _ string) (platform.Ref, []platform.Change, error) {
	c.opened = append(c.opened, party)
	return platform.Ref{Kind: "merchant.sanction", ID: finding.ID.As("san")}, nil, nil
}

func TestAReferralOpensACaseAndItsOutcomeIsLinked(t *testing.T) {
	t.Parallel()
	var opened cases
	v, f := raised(t, func(p *supervision.Ports, _ *supervision.Options) { p.Sanctions = &opened })
	refer := supervision.Refer{Finding: f.ID, Party: alice, Reason: "wilful"}
	_, err := v.Refer(v.as(t, owner), refer)
	require.ErrorIs(t, err, supervision.ErrSupervisor)
	f, err = v.Refer(v.as(t, supervisor), refer)
	require.NoError(t, err)
	require.Len(t, f.Referrals, 1)
	assert.Equal(t, f.ID.As("san"), f.Referrals[0].Case.ID)
	assert.Equal(t, []platform.ID{alice}, opened.opened)
	_, err = v.Refer(v.as(t, supervisor), refer)
	require.ErrorIs(t, err, supervision.ErrReferral, "one at a time")

	report := supervision.ReportReferral{Finding: f.ID, Party: alice, Outcome: "warned"}
	f, err = v.ReportReferral(v.as(t, second), report)
	require.NoError(t, err)
	assert.Equal(t, "warned", f.Referrals[0].Outcome)
	_, err = v.ReportReferral(v.as(t, second), report)
	require.ErrorIs(t, err, supervision.ErrReferral)
	_, err = v.Refer(v.as(t, supervisor), supervision.Refer{Finding: f.ID, Party: alice, Reason: "annoying"})
	require.ErrorIs(t, err, platform.ErrInvalid)
}

func TestOtherRoomsRaiseInTheirOwnCommit(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	about := platform.Ref{Kind: "invoice", ID: platform.NewID("inv", monday, 1, 1)}
	value := supervision.Findings{DB: v.db, Now: func() time.Time { return *v.clock }}
	type issue struct{}
	commit := func(amount platform.Money) error {
		_, err := platform.Update(v.as(t, system), platform.Writer{Store: v.db}, issue{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
			set, err := value.Raise(ctx, "invoice", "red_lapsed", about, amount)
			return struct{}{}, append(set, platform.Happened("invoice.red_lapsed", about, nil)), err
		})
		return err
	}
	require.NoError(t, commit(cny("10.00")))
	require.NoError(t, commit(cny("10.00")), "known: the commit goes on without")
	f := v.found(t, "invoice", about.String())
	assert.Equal(t, 1, f.Hits)
	assert.Equal(t, supervision.Medium, f.Severity)
	require.NoError(t, commit(cny("12.00")))
	assert.Equal(t, cny("12.00"), v.found(t, "invoice", about.String()).Amount)
}

func TestWhoMayRaise(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	in := supervision.Raise{Source: "tip", Object: string(alice), Code: "kickback", Severity: supervision.Low, Refs: []platform.Ref{ref(1)}}
	for _, who := range []platform.Actor{owner, auditor, {ID: alice, Kind: platform.Merchant}} {
		_, err := v.Raise(v.as(t, who), in)
		require.ErrorIs(t, err, platform.ErrDenied)
	}
	for n, who := range []platform.Actor{supervisor, operator(9, "risk"), system} {
		in.Code = []string{"a", "b", "c"}[n]
		f, err := v.Raise(v.as(t, who), in)
		require.NoError(t, err)
		assert.Equal(t, n+1, f.Hits)
	}
	in.Source = "C1"
	_, err := v.Raise(v.as(t, supervisor), in)
	require.ErrorIs(t, err, platform.ErrInvalid, "a control raises what it finds itself")
}

func TestOthersSeeNoFindings(t *testing.T) {
	t.Parallel()
	v, f := raised(t)
	merchant := v.as(t, platform.Actor{ID: alice, Kind: platform.Merchant})
	_, err := v.Finding(merchant, f.ID)
	require.ErrorIs(t, err, supervision.ErrReader)
	_, err = v.Findings(merchant, supervision.Open, "")
	require.ErrorIs(t, err, supervision.ErrReader)
	_, err = v.Finding(v.as(t, auditor), f.ID)
	require.NoError(t, err)
}
