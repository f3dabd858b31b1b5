package verification

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func licence(r *Requirement) { r.Number, r.Checked, r.Review = CreditCode, true, Auto }

func two(r *Requirement) { r.Review = Two }

func TestASubmissionThatItsChecksPassIsVerified(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", licence))
	h.joins(t, mer)
	require.ErrorIs(t, h.may(mer, "sell"), ErrDue)

	c := h.handed(t, owner, "licence", number("91350100-m000100y43"))

	assert.Equal(t, Verified, c.State)
	assert.NoError(t, h.may(mer, "sell"))
	assert.NotContains(t, fmt.Sprintf("%+v", h.events(t, "verification.submitted")), goodCode[4:10])
	assert.Equal(t, noon.Add(365*day), c.Until)
}

// TestUnknownIsNeverPassed: invariant 5.
func TestUnknownIsNeverPassed(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", licence))
	h.joins(t, mer)
	h.checker.set(Passed, errors.New("line is dead"))

	c := h.handed(t, owner, "licence", number(goodCode))
	require.Equal(t, Pending, c.State)
	asked := []int{h.checker.asked}
	for _, at := range []time.Duration{time.Minute, 11 * time.Minute, 71 * time.Minute, 71*time.Minute + 6*time.Hour} {
		h.at(t, noon.Add(at-time.Second))
		before := h.checker.asked
		h.at(t, noon.Add(at))
		assert.Greater(t, h.checker.asked, before, "asked again after %s", at)
		asked = append(asked, h.checker.asked)
	}
	h.at(t, noon.Add(25*time.Hour))
	c, err := h.Submission(as(owner), c.ID)
	require.NoError(t, err)
	assert.Equal(t, Pending, c.State, "nobody said yes")
	assert.True(t, c.Manual, "after a day a person takes over")
	queue, err := h.Queue(as(reviewer), "")
	require.NoError(t, err)
	assert.Len(t, queue.Items, 1)
	require.ErrorIs(t, h.may(mer, "sell"), ErrDue)
}

func TestAFailedCheckGoesToAPerson(t *testing.T) {
	t.Parallel()
	for _, says := range []Outcome{Failed, Unclear} {
		h := opened()
		h.publish(t, need("licence", licence))
		h.joins(t, mer)
		h.checker.set(says, nil)
		c := h.handed(t, owner, "licence", number(goodCode))
		assert.Equal(t, Pending, c.State)
		assert.True(t, c.Manual)
	}
}

// TestNoDeciderHasAHandInIt: invariant 4, and M2.
func TestNoDeciderHasAHandInIt(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", two))
	h.joins(t, mer, func(in *Describe) { in.Introducer = third.ID })
	draft, err := h.Begin(as(second), Begin{Party: mer, Code: "licence"})
	require.NoError(t, err)
	c, err := h.Submit(as(owner), Submit{Submission: draft.ID})
	require.NoError(t, err)
	verify := func(by platform.Actor) error {
		_, err := h.Verify(as(by), Verify{Submission: c.ID})
		return err
	}
	instead := platform.Actor{ID: "opr-9", Kind: platform.Operator, OnBehalf: reviewer.ID}

	require.ErrorIs(t, verify(second), ErrSelf, "who entered it")
	require.ErrorIs(t, verify(platform.Actor{ID: "opr-8", Kind: platform.Operator, OnBehalf: second.ID}), ErrSelf, "nor through another")
	require.ErrorIs(t, verify(third), ErrTie, "who introduced the party")
	require.ErrorIs(t, verify(owner), platform.ErrDenied, "the party")
	require.NoError(t, verify(reviewer))
	require.ErrorIs(t, h.may(mer, "sell"), ErrDue, "one of two has agreed")
	require.ErrorIs(t, verify(reviewer), ErrSame)
	require.ErrorIs(t, verify(instead), ErrSame, "nor by delegation")
	require.NoError(t, verify(platform.Actor{ID: "opr-7", Kind: platform.Operator}))
	require.NoError(t, h.may(mer, "sell"))
}

// TestM1TwoReviewersAtOnce: one decides, the other is told that it is decided.
func TestM1TwoReviewersAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		h := opened()
		h.publish(t, need("licence"))
		h.joins(t, mer)
		c := h.handed(t, owner, "licence")
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				_, err := h.Verify(as(reviewer), Verify{Submission: c.ID})
				return err
			}
			_, err := h.Reject(as(second), Reject{Submission: c.ID, Reason: "blurred", Remedy: "resubmit"})
			return err
		})
		lost := errs[0]
		if lost == nil {
			lost = errs[1]
		}
		require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
		require.ErrorIs(t, lost, ErrDecided)
		after, err := h.Submission(as(reviewer), c.ID)
		require.NoError(t, err)
		assert.Equal(t, string(after.State), platform.Details(lost)["state"], "with the decision")
	}
}

func TestNDraftsOfOneRequirementAreOne(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	ok := 0
	for _, err := range atOnce(16, func(int) error {
		_, err := h.Begin(as(owner), Begin{Party: mer, Code: "licence"})
		return err
	}) {
		if err == nil {
			ok++
			continue
		}
		require.ErrorIs(t, err, platform.ErrState)
		require.Equal(t, "verification.open", platform.Code(err))
	}
	assert.Equal(t, 1, ok)
}

func TestM4ADocumentEndsWithTheDayWhereItWasIssued(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]time.Time{
		"":                 time.Date(2030, 12, 31, 16, 0, 0, 0, time.UTC),
		"America/New_York": time.Date(2031, 1, 1, 5, 0, 0, 0, time.UTC),
	} {
		h := opened()
		h.publish(t, need("licence", func(r *Requirement) { r.Validity = Validity{Document: true} }))
		h.joins(t, mer)
		c := h.proved(t, owner, "licence", func(in *Submit) { in.ValidTo, in.Zone = "2030-12-31", zone })
		assert.Equal(t, want, c.Until.UTC(), zone)
	}
}

func TestM5AnAnswerAfterTheWithdrawalIsKeptAndChangesNothing(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", licence))
	h.joins(t, mer)
	h.checker.set(Unknown, nil)
	c := h.handed(t, owner, "licence", number(goodCode))
	_, err := h.Withdraw(as(owner), Withdraw{Submission: c.ID})
	require.NoError(t, err)

	c, err = h.Hear(as(system), Hear{Submission: c.ID, Key: c.Checks[0].Key, Outcome: Passed})

	require.NoError(t, err)
	assert.Equal(t, Withdrawn, c.State)
	assert.Equal(t, Passed, c.Checks[0].Outcome)
	require.ErrorIs(t, h.may(mer, "sell"), ErrDue)
	_, err = h.Hear(as(system), Hear{Submission: c.ID, Key: "another", Outcome: Passed})
	require.ErrorIs(t, err, platform.ErrInvalid, "only what was asked is answered")
	_, err = h.Hear(as(owner), Hear{Submission: c.ID, Key: c.Checks[0].Key, Outcome: Passed})
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestM6WhatTheProviderTakesBackIsRevokedAtOnce(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", licence))
	h.joins(t, mer)
	c := h.handed(t, owner, "licence", number(goodCode))
	require.NoError(t, h.may(mer, "sell"))

	c, err := h.Hear(as(system), Hear{Submission: c.ID, Key: c.Checks[0].Key, Outcome: TakenBack})

	require.NoError(t, err)
	assert.Equal(t, Revoked, c.State)
	require.ErrorIs(t, h.may(mer, "sell"), ErrRevoked)
}

func TestM7AndM8WhatTwoPartiesShowIsASignalAndNotARejection(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", licence), need("bank", func(r *Requirement) {
		licence(r)
		r.Kind, r.Number, r.Gates = BankAccount, BankCard, []string{"receive_payout"}
	}))
	h.joins(t, mer)
	h.joins(t, other)
	h.handed(t, owner, "bank", number(goodCard))
	require.NoError(t, h.may(mer, "receive_payout"))

	c := h.handed(t, rival, "bank", number("4111-1111-1111-1111"))

	assert.Equal(t, Pending, c.State, "the checks passed, and a person looks all the same")
	assert.Equal(t, []string{"bank_card"}, c.Duplicates)
	require.ErrorIs(t, h.may(other, "receive_payout"), ErrDue)
	signals := h.events(t, "verification.duplicate")
	require.Len(t, signals, 1)
	assert.NotContains(t, string(signals[0].Data), string(mer), "it says that it exists, not whose it is")
	others, err := h.Sharers(as(reviewer), Sharers{Submission: c.ID, Reason: "collusion"})
	require.NoError(t, err)
	assert.Equal(t, mer, others["bank_card"][0].Party)
	_, err = h.Sharers(as(rival), Sharers{Submission: c.ID, Reason: "curious"})
	require.ErrorIs(t, err, platform.ErrDenied)
}

// TestOfPartiesThatShowTheSameAtOnceAllButOneAreNoticed: whatever the order.
func TestOfPartiesThatShowTheSameAtOnceAllButOneAreNoticed(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", licence))
	const n = 8
	drafts := make([]Submission, n)
	for i := range n {
		who := platform.Actor{ID: platform.NewID("mer", noon, platform.Slot(i), uint64(i)), Kind: platform.Merchant}
		h.joins(t, who.ID)
		drafts[i] = h.begun(t, who, "licence")
	}
	for _, err := range atOnce(n, func(i int) error {
		_, err := h.Submit(as(platform.Actor{ID: drafts[i].Party, Kind: platform.Merchant}), Submit{Submission: drafts[i].ID, Number: goodCode})
		return err
	}) {
		require.NoError(t, err)
	}
	assert.Len(t, h.events(t, "verification.duplicate"), n-1)
	assert.Len(t, h.events(t, "verification.verified"), 1)
}

func TestM9APendingSubmissionIsJudgedByItsOwnVersion(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	c := h.handed(t, owner, "licence")
	_, err := h.Publish(as(reviewer), Publish{Name: "base", Party: platform.Merchant, Effective: noon.Add(time.Hour), Basis: "law", Owner: "ops", Open: true, Requirements: []Requirement{need("licence", two), need("insurance")}})
	require.NoError(t, err)

	c, err = h.Verify(as(reviewer), Verify{Submission: c.ID})

	require.NoError(t, err)
	assert.Equal(t, Verified, c.State, "one is enough, as it was when it was handed in")
	v, err := h.Standing(as(owner), mer)
	require.NoError(t, err)
	assert.Equal(t, []string{"insurance"}, codes(v.Future))
}

func TestM12ALapseOfARequirementWhileSomethingElseIsClosedStaysALapse(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	h.proved(t, owner, "licence")
	end := noon.Add((365 + 14) * day)
	h.mu.Lock()
	h.clock = end // no tick came
	h.mu.Unlock()
	require.ErrorIs(t, h.may(mer, "sell"), ErrPast, "guards compare with now: a late tick widens nothing")
}

func TestM31AChangedFactReopensItsDependentsOnly(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", func(r *Requirement) { r.Depends = []string{"name", "legal_person"} }), need("health", func(r *Requirement) { r.Depends = []string{"premises"} }))
	h.joins(t, mer)
	first, kept := h.proved(t, owner, "licence"), h.proved(t, owner, "health")

	st, err := h.Reopen(as(reviewer), Reopen{Party: mer, Facts: []string{"legal_person"}})

	require.NoError(t, err)
	assert.Len(t, st.Evidence, 2)
	c, err := h.Submission(as(owner), first.ID)
	require.NoError(t, err)
	assert.Equal(t, Pending, c.State)
	assert.Equal(t, noon.Add(14*day), c.Deadline)
	c, err = h.Submission(as(owner), kept.ID)
	require.NoError(t, err)
	assert.Equal(t, Verified, c.State)
	require.NoError(t, h.may(mer, "sell"), "until the deadline")
	_, err = h.Withdraw(as(owner), Withdraw{Submission: first.ID})
	require.Equal(t, "verification.not_withdrawable", platform.Code(err))
	h.at(t, noon.Add(14*day))
	require.ErrorIs(t, h.may(mer, "sell"), ErrPast)
	_, err = h.Verify(as(second), Verify{Submission: first.ID})
	require.NoError(t, err)
	require.NoError(t, h.may(mer, "sell"), "and again once proved anew")
	_, err = h.Reopen(as(reviewer), Reopen{Party: mer, Facts: []string{"hobby"}})
	require.ErrorIs(t, err, platform.ErrState)
}

func TestANewerProofSupersedesWhatEndsNoLater(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", func(r *Requirement) { r.Validity = Validity{Document: true} }))
	h.joins(t, mer)
	until := func(day string) func(*Submit) { return func(in *Submit) { in.ValidTo = day } }
	first := h.proved(t, owner, "licence", until("2031-06-30"))
	shorter := h.proved(t, owner, "licence", until("2030-12-31"))
	longer := h.proved(t, owner, "licence", until("2032-12-31"))
	for id, want := range map[platform.ID]State{first.ID: Superseded, shorter.ID: Superseded, longer.ID: Verified} {
		c, err := h.Submission(as(owner), id)
		require.NoError(t, err)
		assert.Equal(t, want, c.State)
	}
	assert.Len(t, h.events(t, "verification.superseded"), 2, "the shorter one superseded nothing")
}

func TestResubmittingIsPaced(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	for i := range 10 {
		c := h.handed(t, owner, "licence")
		_, err := h.Reject(as(reviewer), Reject{Submission: c.ID, Reason: "blurred", Remedy: "resubmit"})
		require.NoError(t, err)
		if i == 0 {
			again := h.begun(t, owner, "licence")
			_, err := h.Submit(as(owner), Submit{Submission: again.ID})
			require.ErrorIs(t, err, ErrTooMany)
			assert.Equal(t, noon.Add(time.Minute), platform.Details(err)["retry_at"])
			_, err = h.Withdraw(as(owner), Withdraw{Submission: again.ID})
			require.NoError(t, err)
		}
		h.at(t, h.now().Add(time.Hour))
	}
	c := h.begun(t, owner, "licence")
	_, err := h.Submit(as(owner), Submit{Submission: c.ID})
	require.ErrorIs(t, err, ErrTooMany)
	assert.Equal(t, noon.Add(30*day), platform.Details(err)["retry_at"])
	h.at(t, noon.Add(30*day))
	_, err = h.Submit(as(owner), Submit{Submission: c.ID})
	require.NoError(t, err)
}

func TestADraftIsDeletedAfterThirtyDays(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	c := h.begun(t, owner, "licence")
	h.at(t, noon.Add(30*day))
	_, err := h.Submission(as(owner), c.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	assert.Len(t, h.events(t, "verification.lapsed"), 1)
	h.begun(t, owner, "licence")
}

func TestNothingOfAnotherPartyIsFound(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	c := h.handed(t, owner, "licence")
	_, err := h.Submission(as(rival), c.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Standing(as(rival), mer)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Begin(as(rival), Begin{Party: mer, Code: "licence"})
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Verify(as(rival), Verify{Submission: c.ID})
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Queue(as(owner), "")
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestBadInputIsRefusedWithItsCode(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t,
		need("papers", func(r *Requirement) { r.Kind, r.Validity = Document, Validity{Document: true} }),
		need("who", func(r *Requirement) { r.Kind, r.Number = Identity, ResidentID }),
		need("food", func(r *Requirement) { r.Scope = Scope{Op: "eq", Of: "category", Values: []string{"food"}} }))
	h.joins(t, mer)
	for code, want := range map[string]string{"nothing": "verification.code_unknown", "food": "verification.not_applicable"} {
		_, err := h.Begin(as(owner), Begin{Party: mer, Code: code})
		require.ErrorIs(t, err, platform.ErrInvalid)
		assert.Equal(t, want, platform.Code(err))
	}
	good := File{Hash: strings.Repeat("ab", 32), Size: 9, Type: "application/pdf"}
	papers, who := h.begun(t, owner, "papers"), h.begun(t, owner, "who")
	for _, c := range []struct {
		in   Submit
		path string
		code string
	}{
		{Submit{Submission: papers.ID, ValidTo: "2031-01-01"}, "files", "verification.missing"},
		{Submit{Submission: papers.ID, ValidTo: "2031-01-01", Files: []File{good, {Hash: "ab", Size: 9, Type: good.Type}}}, "files[1]", "verification.file"},
		{Submit{Submission: papers.ID, ValidTo: "2031-01-01", Files: []File{{Hash: good.Hash, Size: 20<<20 + 1, Type: good.Type}}}, "files[0]", "verification.file"},
		{Submit{Submission: papers.ID, ValidTo: "2031-01-01", Files: []File{{Hash: good.Hash, Size: 9, Type: "text/html"}}}, "files[0]", "verification.file"},
		{Submit{Submission: papers.ID, ValidTo: "2031-01-01", Files: make([]File, 21)}, "files", "verification.file"},
		{Submit{Submission: papers.ID, Files: []File{good}}, "valid_to", "verification.missing"},
		{Submit{Submission: papers.ID, Files: []File{good}, ValidTo: "2030-03-03"}, "valid_to", "verification.validity"},
		{Submit{Submission: papers.ID, Files: []File{good}, ValidTo: "2035-03-06"}, "valid_to", "verification.validity"},
		{Submit{Submission: who.ID, Consent: true}, "number", "verification.missing"},
		{Submit{Submission: who.ID, Number: "110105194912310021", Consent: true}, "number", "number.checksum"},
		{Submit{Submission: who.ID, Number: "11010519491231002X"}, "consent", "verification.consent"},
	} {
		_, err := h.Submit(as(owner), c.in)
		var wrong platform.FieldErrors
		require.ErrorAs(t, err, &wrong, "%+v", c)
		assert.Equal(t, c.path, wrong[0].Path)
		assert.Equal(t, c.code, wrong[0].Code)
		assert.NotContains(t, err.Error(), "19491231", "no personal data in an error")
	}
	h.ports.Sealer = nil
	_, err := h.Submit(as(owner), Submit{Submission: papers.ID, Files: []File{good}, ValidTo: "2031-01-01", Fields: map[string]string{"name": "x"}})
	require.Equal(t, "verification.not_sealable", platform.Code(err))
}

func TestARepeatUnderItsKeyIsOneSubmission(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", licence))
	h.joins(t, mer)
	c := h.begun(t, owner, "licence")
	ctx := platform.WithKey(as(owner), "submit-1")
	errs := atOnce(8, func(int) error {
		_, err := h.Submit(ctx, Submit{Submission: c.ID, Number: goodCode})
		return err
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	assert.Len(t, h.events(t, "verification.submitted"), 1)
	assert.Len(t, h.events(t, "verification.verified"), 1)
}

// TestACheckOfAStandingHoldsUntilTheCommit: invariant 2. A revocation between
// reading and writing fails the write.
func TestACheckOfAStandingHoldsUntilTheCommit(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	c := h.proved(t, owner, "licence")
	checks, err := Standings{DB: h.db}.Met(context.Background(), mer, "sell", noon)
	require.NoError(t, err)

	_, err = h.Revoke(as(reviewer), Revoke{Submission: c.ID, Reason: "forged", Evidence: "letter 12"})
	require.NoError(t, err)

	w := platform.Writer{Store: h.db, Tries: 1}
	_, err = platform.Update(as(client), w, Verify{Submission: c.ID}, func(context.Context) (string, []platform.Change, error) {
		return "", append(checks, platform.Happened("order.placed", c.Ref(), nil)), nil
	})
	require.ErrorIs(t, err, platform.ErrConflict)
}

func TestWithoutRulesEverythingIsOpen(t *testing.T) {
	t.Parallel()
	h := opened()
	require.NoError(t, h.may(mer, "sell"))
	require.NoError(t, h.may(client.ID, "buy"))
	_, err := Standings{DB: h.db}.Held(context.Background(), mer, noon)
	require.NoError(t, err)
}

// TestAPartyOfWhomNothingIsKnownIsStillAsked: rules fail closed.
func TestAPartyOfWhomNothingIsKnownIsStillAsked(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", func(r *Requirement) { r.Scope = Scope{Op: "eq", Of: "category", Values: []string{"food"}} }))
	require.NoError(t, h.may(mer, "sell"), "it was here before the rules, and has its grace")
	h.mu.Lock()
	h.clock = noon.Add(14 * day)
	h.mu.Unlock()
	require.ErrorIs(t, h.may(mer, "sell"), ErrPast)
	require.ErrorIs(t, h.may(platform.NewID("mer", noon.Add(day), 1, 1), "sell"), ErrDue, "who came after them has none")
}
