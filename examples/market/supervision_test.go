package market_test

import (
	"archive/zip"
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

const evidence = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

// supervise makes a record of each kind of supervision.
func (c *town) supervise() {
	c.t.Helper()
	ctx := platform.As(c.t.Context(), platform.SystemActor("supervision"))
	s := c.Supervision
	_, err := s.RunControl(ctx, supervision.RunControl{Control: "C1"})
	require.NoError(c.t, err)
	_, err = s.Raise(ctx, supervision.Raise{Source: "audit", Object: "cash", Code: "no_count", Severity: supervision.Low})
	require.NoError(c.t, err)
	operator := c.operator
	operator.Roles = []string{supervision.Supervisor}
	ctx = platform.As(c.t.Context(), operator)
	e, err := s.PlanAudit(ctx, supervision.PlanAudit{Firm: "Tallyman", Licence: "A-17", Partner: "p", From: "2026-01", Until: "2026-12", Scope: []string{"all"}, Deadline: c.clock.Now().AddDate(1, 0, 0)})
	require.NoError(c.t, err)
	_, err = s.ProposeAdjustment(ctx, supervision.ProposeAdjustment{Engagement: e.ID, Reason: "x", Legs: []platform.Leg{{Role: "bad_debt", Amount: yuan(1)}, {Role: "allowance", Amount: yuan(-1)}}})
	require.NoError(c.t, err)
	_, err = s.MakePack(ctx, supervision.MakePack{Engagement: e.ID}, &bytes.Buffer{})
	require.NoError(c.t, err)
}

// watched is a demo with a supervisor, on a Monday at noon.
func watched(t *testing.T) (*stall, platform.Actor) {
	t.Helper()
	s := &stall{t: t, clock: storetest.NewClock(time.Date(2030, 3, 4, 12, 0, 0, 0, time.UTC))}
	var err error
	s.Market, err = market.Open(memory.New(market.Kinds(), nil), &market.Options{Now: s.clock.Now, IDs: storetest.IDs(1)})
	require.NoError(t, err)
	s.cast, err = s.Demo(t.Context())
	require.NoError(t, err)
	supervisor, err := s.DemoSupervision(t.Context(), s.cast)
	require.NoError(t, err)
	return s, supervisor
}

func (s *stall) ticks(d time.Duration) {
	s.t.Helper()
	s.clock.Advance(d)
	for range 3 {
		_, err := s.Tick(s.t.Context(), s.clock.Now(), 0)
		require.NoError(s.t, err)
	}
}

// findings are the open ones, as control:codes.
func (s *stall) findings(by platform.Actor) (all []string) {
	s.t.Helper()
	page, err := s.Supervision.Findings(s.as(by), supervision.Open, "")
	require.NoError(s.t, err)
	for _, f := range page.Items {
		all = append(all, f.Control+":"+strings.Join(slices.Sorted(slices.Values(f.Codes)), "+"))
	}
	return all
}

// journal books a journal by hand, by two accountants.
func (s *stall) journal(amount, voucher string) {
	s.t.Helper()
	j, err := s.Ledger.ProposeJournal(s.as(s.cast.Operator), finance.ProposeJournal{
		Legs: []finance.Line{{Account: "marketing", Amount: platform.MustMoney(amount, "CNY")}, {Account: "bank:icbc", Amount: platform.MustMoney("-"+amount, "CNY")}}, Reason: "correction", Voucher: strings.Repeat(voucher, 32),
	})
	require.NoError(s.t, err)
	_, err = s.Ledger.ApproveJournal(s.as(s.cast.Second), finance.ApproveJournal{Journal: j.ID})
	require.NoError(s.t, err)
}

// TestAnHonestMarketRaisesNoFinding: sales, a refund, a settlement and a payout,
// and every control looks at them.
func TestAnHonestMarketRaisesNoFinding(t *testing.T) {
	t.Parallel()
	s, supervisor := watched(t)
	s.ticks(0)
	s.carriedOut(s.ordered())
	who, o := s.ordered()
	s.refunded(who, o, "180.00")
	s.ticks(20 * time.Hour)
	for _, c := range supervision.Controls() {
		run, err := s.Supervision.RunControl(s.as(supervisor), supervision.RunControl{Control: c.Code})
		require.NoError(t, err, c.Code)
		assert.Zero(t, run.Hits, "%s finds %v", c.Code, s.findings(supervisor))
	}
	page, err := s.Supervision.Runs(s.as(supervisor), "C8", "")
	require.NoError(t, err)
	assert.Positive(t, page.Items[0].Facts, "and it did look")
}

func TestPlantedFaultsAreFoundInTheMarket(t *testing.T) {
	t.Parallel()
	s, supervisor := watched(t)
	s.ticks(0)
	s.journal("123.45", "0a")
	s.journal("123.46", "0a") // one voucher twice
	s.journal("5000.00", "0b")
	s.clock.Advance(11 * time.Hour) // at night
	s.journal("77.77", "0c")
	s.ticks(5 * time.Hour)
	assert.ElementsMatch(t, []string{"C1:voucher_twice", "C4:off_hours+round"}, s.findings(supervisor))
	id := supervision.FindingID("C4", string(s.cast.Operator.ID))
	f, err := s.Supervision.Finding(s.as(supervisor), id)
	require.NoError(t, err)
	assert.Equal(t, 2, f.Hits)

	s.ticks(9 * 24 * time.Hour) // nobody answers
	f, err = s.Supervision.Finding(s.as(supervisor), id)
	require.NoError(t, err)
	assert.Equal(t, supervision.LevelDirector, f.Level)
	gauge, err := s.Risk.Gauge(s.as(s.cast.Operator), "findings_overdue")
	require.NoError(t, err)
	assert.NotEmpty(t, gauge, "risk knows")
}

func TestASharedPayoutAccountIsFound(t *testing.T) {
	t.Parallel()
	s, supervisor := watched(t)
	for _, party := range []platform.ID{s.Writer.NewRoot(t.Context(), "mer"), s.Writer.NewRoot(t.Context(), "mer")} {
		owner := platform.Actor{ID: party, Kind: platform.Merchant}
		_, err := s.Payouts.Register(s.as(owner), settlement.Register{Party: party, Currency: "CNY", Bank: "icbc", Holder: "N. N.", Number: "6222020200112233445"})
		require.NoError(t, err)
	}
	run, err := s.Supervision.RunControl(s.as(supervisor), supervision.RunControl{Control: "C7"})
	require.NoError(t, err)
	assert.Equal(t, 1, run.Hits)
}

func TestTheSupervisorHoldsNoRoleThatBooks(t *testing.T) {
	t.Parallel()
	s, supervisor := watched(t)
	_, err := s.Closing.SoftClose(s.as(supervisor), closing.SoftClose{Month: "2030-02"})
	require.ErrorIs(t, err, access.ErrSegregation, "at use")
	_, err = s.Access.Propose(s.as(s.cast.Operator), access.Propose{Account: supervisor.ID, Role: "finance", Reason: "busy"})
	require.ErrorIs(t, err, access.ErrExclusive, "at grant")
	_, err = s.Supervision.RunControl(s.as(s.cast.Operator), supervision.RunControl{Control: "C1"})
	require.ErrorIs(t, err, supervision.ErrSupervisor, "who administers does not supervise")
}

// audited is a market whose January is closed, and an auditor at work on it.
func audited(t *testing.T) (*stall, platform.Actor, platform.Actor, supervision.Engagement) {
	t.Helper()
	s, supervisor := watched(t)
	s.ticks(0)
	s.carriedOut(s.ordered())
	s.journal("123.45", "0a")
	s.ticks(15 * time.Minute)
	s.ticks(32 * 24 * time.Hour)
	operator := s.as(s.cast.Operator)
	_, err := s.Closing.SoftClose(operator, closing.SoftClose{Month: "2030-03"})
	require.NoError(t, err)
	_, err = s.Closing.HardClose(operator, closing.HardClose{Month: "2030-03", Waived: []closing.Waiver{{Item: "reconciled", Reason: "no_statement"}}})
	require.NoError(t, err)
	e, err := s.Supervision.PlanAudit(s.as(supervisor), supervision.PlanAudit{
		Firm: "Tallyman", Licence: "A-17", Partner: "partner-1", From: "2030-03", Until: "2030-03", Scope: []string{"all"}, Deadline: s.clock.Now().AddDate(0, 3, 0),
	})
	require.NoError(t, err)
	_, err = s.Supervision.Engage(s.as(supervisor), supervision.Engage{Engagement: e.ID, Fee: platform.MustMoney("50000", "CNY"), Independence: evidence})
	require.NoError(t, err)
	auditor := platform.Actor{ID: s.Writer.NewRoot(t.Context(), "aud"), Kind: platform.Auditor}
	_, err = s.Supervision.Admit(s.as(supervisor), supervision.Admit{Engagement: e.ID, Account: auditor.ID, Until: s.clock.Now().AddDate(0, 1, 0)})
	require.NoError(t, err)
	return s, supervisor, auditor, e
}

func TestAnAuditorSamplesAClosedMonthAndKeepsItClosed(t *testing.T) {
	t.Parallel()
	s, _, auditor, e := audited(t)
	ctx := s.as(auditor)
	seed, err := s.Supervision.PublishSeed(ctx, supervision.PublishSeed{Engagement: e.ID, Month: "2030-03", Nonce: "chosen-by-the-auditor"})
	require.NoError(t, err)
	sample, err := s.Supervision.DrawSample(ctx, supervision.DrawSample{Engagement: e.ID, Seed: seed.ID, Method: supervision.Monetary, N: 4, Currency: "CNY"})
	require.NoError(t, err)
	require.NotEmpty(t, sample.Units)
	again, err := s.Supervision.DrawSample(ctx, supervision.DrawSample{Engagement: e.ID, Seed: seed.ID, Method: supervision.Monetary, N: 4, Currency: "CNY"})
	require.NoError(t, err)
	assert.Equal(t, sample.Units, again.Units)

	seen, err := s.Supervision.ReadRecord(ctx, supervision.ReadRecord{Engagement: e.ID, Record: sample.Units[0].Ref, Reason: "sample"})
	require.NoError(t, err)
	assert.Contains(t, string(seen.Masked), string(sample.Units[0].Ref.ID))
	member := platform.Ref{Kind: "staff.member", ID: s.cast.Staff.ID}
	seen, err = s.Supervision.ReadRecord(ctx, supervision.ReadRecord{Engagement: e.ID, Record: member, Reason: "sample"})
	require.NoError(t, err)
	assert.Contains(t, string(seen.Masked), "•••", "who they are stays sealed")

	_, err = s.Supervision.FixCutoff(ctx, supervision.FixCutoff{Engagement: e.ID, Month: "2030-03"})
	require.NoError(t, err)
	_, err = s.Closing.AskReopen(s.as(s.cast.Operator), closing.AskReopen{Month: "2030-03", Reason: "late_invoice"})
	require.ErrorIs(t, err, closing.ErrCutoff)
	_, err = s.Ledger.ProposeJournal(ctx, finance.ProposeJournal{})
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestThePackOfAPeriodProvesItselfOffline(t *testing.T) {
	t.Parallel()
	s, _, auditor, e := audited(t)
	var out bytes.Buffer
	packed, err := s.Supervision.MakePack(s.as(auditor), supervision.MakePack{Engagement: e.ID}, &out)
	require.NoError(t, err)
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	checked, err := supervision.CheckPack(z)
	require.NoError(t, err)
	assert.Empty(t, checked.Problems)
	assert.Equal(t, packed.Manifest, checked.Manifest)
	assert.EqualValues(t, 3, checked.Postings, "a capture, a sale and a journal")
	for _, f := range packed.Files {
		if f.Name != "reconciliations.jsonl" { // nobody has compared anything
			assert.Positive(t, f.Lines, f.Name)
		}
	}
}

func TestOtherRoomsFindingsAreTakenUp(t *testing.T) {
	t.Parallel()
	s, supervisor := watched(t)
	amount := platform.MustMoney("9.00", "CNY")
	for _, told := range []struct{ what, source, kind, prefix, amount, reason string }{
		{"finding.raised", "invoice", "invoice", "inv", "amount", "invoice.imbalance"},
		{"claim.reclaimed", "claim", "finance.claim", "clm", "total", "fraud"},
	} {
		about := platform.Ref{Kind: told.kind, ID: platform.NewID(told.prefix, s.clock.Now(), 1, 1)}
		type lapse struct{}
		for range 2 { // told twice, raised once
			_, err := platform.Update(platform.As(t.Context(), platform.SystemActor(told.source)), s.Writer, lapse{}, func(context.Context) (struct{}, []platform.Change, error) {
				return struct{}{}, []platform.Change{platform.Happened(told.what, about, map[string]any{told.amount: amount}).Because(told.reason)}, nil
			})
			require.NoError(t, err)
			require.NoError(t, s.Relay(t.Context()))
		}
		f, err := s.Supervision.Finding(s.as(supervisor), supervision.FindingID(told.source, about.String()))
		require.NoError(t, err)
		assert.Equal(t, 1, f.Hits)
		assert.Equal(t, amount, f.Amount)
	}
}
