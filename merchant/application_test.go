package merchant

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestApplyReservesTheMerchant(t *testing.T) {
	t.Parallel()
	h := opened(nil)

	a := h.applied(t)

	assert.Equal(t, Applied, a.State)
	assert.Equal(t, a.ID.As("mer"), a.Merchant)
	assert.Equal(t, noon.Add(90*day), a.Due)
	assert.Equal(t, []platform.ID{"usr-1"}, a.Hands)
	_, err := h.Merchant(as(reviewer), a.Merchant)
	require.ErrorIs(t, err, platform.ErrNotFound)
	assert.Equal(t, []string{"merchant.applied"}, h.events(t, a.Ref()))
}

func TestApplyKeepsPersonalDataSealed(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a := h.applied(t)

	doc, err := h.db.Get(as(reviewer), a.Ref())
	require.NoError(t, err)
	for _, plain := range []string{party().LegalName, party().Licence, "91350100M000100Y43", party().Contact} {
		assert.NotContains(t, string(doc[0].Doc), plain)
	}
	assert.Contains(t, string(doc[0].Doc), party().Name)

	place := platform.Place{Subject: platform.Ref{Kind: kindMerchant, ID: a.Merchant}, Record: a.Ref(), Field: "profile.contact"}
	plain, err := h.ports.Sealer.(box).open(place, a.Profile.Contact)
	require.NoError(t, err)
	assert.Equal(t, party().Contact, plain)
}

func TestLicenceIsComparedWithoutItsSpelling(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{"91350100-M000100Y43", "91350100 m000100y43", "９１３５０１００Ｍ０００１００Ｙ４３", "9135.0100/M0001.00Y43"} {
		assert.Equal(t, "91350100M000100Y43", licence(spelling))
	}
	h := opened(nil)
	h.applied(t)
	p := party()
	p.Licence = "91350100 m000100y43"
	_, err := h.Apply(as(stranger), Apply{Party: p})
	require.ErrorIs(t, err, ErrOpen)
}

func TestApplyRefusesWhatIsOpenOrHere(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a := h.inReview(t)

	_, err := h.Apply(as(stranger), Apply{Party: party()})
	require.ErrorIs(t, err, ErrOpen)
	assert.NotContains(t, err.Error(), string(a.ID), "whose it is stays unsaid")

	_, err = h.Approve(as(reviewer), Approve{Application: a.ID})
	require.NoError(t, err)
	_, err = h.Apply(as(stranger), Apply{Party: party()})
	require.ErrorIs(t, err, ErrDuplicate)
}

func TestApplyWaitsAfterARejection(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		reason string
		days   int
	}{{"incomplete", 30}, {"fraud", 365}} {
		h := opened(nil)
		a, err := h.Reject(as(reviewer), Reject{Application: h.inReview(t).ID, Reasons: []string{row.reason}})
		require.NoError(t, err)
		assert.Equal(t, Rejected, a.State)
		until := noon.AddDate(0, 0, row.days)

		h.pass(until.Sub(noon) - 1)
		_, err = h.Apply(as(stranger), Apply{Party: party()})
		require.ErrorIs(t, err, ErrCoolOff)
		assert.Equal(t, until, platform.Details(err)["until"])

		h.pass(1)
		_, err = h.Apply(as(stranger), Apply{Party: party()})
		require.NoError(t, err)
	}
}

func TestWithoutLicenceAnApplicantHasOneOpenApplication(t *testing.T) {
	t.Parallel()
	h := opened(&Options{LicenceOptional: true})
	_, err := h.Apply(as(applicant), Apply{Party: Party{Name: "Bright Windows"}})
	require.NoError(t, err)

	_, err = h.Apply(as(applicant), Apply{Party: Party{Name: "Bright Windows"}})
	require.ErrorIs(t, err, ErrOpen)
	_, err = h.Apply(as(stranger), Apply{Party: Party{Name: "Bright Windows"}})
	require.NoError(t, err)
}

func TestWithoutSealerOnlyTheNameIsTaken(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	bare := New(h.w, h.store, Ports{}, &Options{LicenceOptional: true})

	a, err := bare.Apply(as(applicant), Apply{Party: Party{Name: "Bright Windows"}})
	require.NoError(t, err)
	assert.Empty(t, a.Profile.Licence)

	_, err = bare.Apply(as(stranger), Apply{Party: party()})
	var fields platform.FieldErrors
	require.ErrorAs(t, err, &fields)
	require.Len(t, fields, 3)
	for i, path := range []string{"party.legal_name", "party.licence", "party.contact"} {
		assert.Equal(t, path, fields[i].Path)
		assert.Equal(t, "merchant.not_sealable", fields[i].Code)
	}
}

func TestImportIsIdempotent(t *testing.T) {
	t.Parallel()
	h := opened(&Options{LicenceOptional: true})
	lead := Apply{Party: Party{Name: "Bright Windows"}, Channel: "social", Reference: "dac32acd4db4"}
	a, err := h.Apply(as(system), lead)
	require.NoError(t, err)

	_, err = h.Apply(as(reviewer), lead)
	require.ErrorIs(t, err, ErrReference)
	assert.Equal(t, string(a.ID), platform.Details(err)["application"])

	lead.Channel = "email" // another source may use the same numbers
	_, err = h.Apply(as(system), lead)
	require.NoError(t, err)
}

func TestRepeatedKeyAppliesOnce(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	ctx := platform.WithKey(as(applicant), "first")
	a, err := h.Apply(ctx, Apply{Party: party()})
	require.NoError(t, err)

	again, err := h.Apply(ctx, Apply{Party: party()})
	require.NoError(t, err)
	first, _ := json.Marshal(a)
	second, _ := json.Marshal(again)
	assert.JSONEq(t, string(first), string(second))

	p := party()
	p.Name = "Other Windows"
	_, err = h.Apply(ctx, Apply{Party: p})
	assert.Equal(t, "key.reused", platform.Code(err))
}

func TestApplicationsOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a := h.applied(t)

	for _, by := range []platform.Actor{stranger, customer, {ID: "usr-1", Kind: platform.Staff}} {
		_, err := h.Submit(as(by), Submit{Application: a.ID})
		require.ErrorIs(t, err, platform.ErrNotFound, by.Kind)
		_, err = h.Application(as(by), a.ID)
		require.ErrorIs(t, err, platform.ErrNotFound, by.Kind)
	}
	for _, by := range []platform.Actor{applicant, owner(a.Merchant), {ID: "usr-7", Kind: platform.Merchant, OnBehalf: a.Merchant}, reviewer, auditor} {
		found, err := h.Application(as(by), a.ID)
		require.NoError(t, err)
		assert.Equal(t, a.ID, found.ID)
	}
}

func TestQuestionsGoBackAndForth(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a := h.inReview(t)

	for round := range 3 {
		asked, err := h.AskInfo(as(reviewer), AskInfo{Application: a.ID, Fields: []string{"licence", "contact"}})
		require.NoError(t, err)
		assert.Equal(t, InfoRequired, asked.State)
		assert.Equal(t, round+1, asked.Rounds)
		assert.Equal(t, noon.Add(14*day), asked.Due)

		_, err = h.Answer(as(applicant), Answer{Application: a.ID, Party: Party{Contact: "+86 591 111 1111"}})
		assert.Equal(t, "merchant.missing", platform.Code(err), "half an answer")

		answered, err := h.Answer(as(applicant), Answer{Application: a.ID, Party: Party{Licence: "GB 1234", Contact: "+86 591 111 1111"}})
		require.NoError(t, err)
		assert.Equal(t, InReview, answered.State)
		assert.Empty(t, answered.Asked)
		assert.Equal(t, a.Profile.Name, answered.Profile.Name, "what was not told again stays")
		assert.Equal(t, a.Profile.LegalName, answered.Profile.LegalName)
		assert.NotEqual(t, a.Identity, answered.Identity)
	}
	_, err := h.AskInfo(as(reviewer), AskInfo{Application: a.ID, Fields: []string{"name"}})
	assert.Equal(t, "merchant.rounds", platform.Code(err))

	_, err = h.Apply(as(stranger), Apply{Party: party()})
	require.NoError(t, err, "the former licence is free again")
}

func TestAnswerCannotTakeAnothersLicence(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	h.applied(t)
	p := party()
	p.Licence = "GB 1234"
	other, err := h.Apply(as(stranger), Apply{Party: p})
	require.NoError(t, err)
	_, err = h.Submit(as(stranger), Submit{Application: other.ID})
	require.NoError(t, err)
	_, err = h.AskInfo(as(reviewer), AskInfo{Application: other.ID, Fields: []string{"licence"}})
	require.NoError(t, err)

	_, err = h.Answer(as(stranger), Answer{Application: other.ID, Party: party()})
	require.ErrorIs(t, err, ErrOpen)
}

func TestNobodyDecidesOnTheirOwn(t *testing.T) {
	t.Parallel()
	a := Application{
		Head: platform.Head{ID: "apl"}, State: InReview, Merchant: "mer", Applicant: "usr-1",
		Hands: []platform.ID{"usr-1", "opr-5"}, Introducer: "opr-9",
	}
	for _, row := range []struct {
		name string
		by   platform.Actor
		code string
	}{
		{"who entered it", platform.Actor{ID: "opr-5", Kind: platform.Operator}, "review.self"},
		{"who stands in for who entered it", platform.Actor{ID: "opr-1", OnBehalf: "opr-5", Kind: platform.Operator}, "review.self"},
		{"the applicant as an operator", platform.Actor{ID: "usr-1", Kind: platform.Operator}, "review.self"},
		{"an operator for the merchant", platform.Actor{ID: "opr-1", OnBehalf: "mer", Kind: platform.Operator}, "review.self"},
		{"the introducer", platform.Actor{ID: "opr-9", Kind: platform.Operator}, "review.tie"},
		{"who stands in for the introducer", platform.Actor{ID: "opr-1", OnBehalf: "opr-9", Kind: platform.Operator}, "review.tie"},
		{"the system", system, "merchant.actor_not_allowed"},
		{"an auditor", auditor, "merchant.actor_not_allowed"},
		{"a reviewer", reviewer, ""},
	} {
		_, err := a.Approve(row.by, noon)
		assert.Equal(t, row.code, platform.Code(err), "approved by %s", row.name)
		_, err = a.Reject([]string{"incomplete"}, row.by, noon, noon)
		assert.Equal(t, row.code, platform.Code(err), "rejected by %s", row.name)
	}
}

func TestOperatorsWhoEnterAnApplicationDoNotReviewIt(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a, err := h.Apply(as(reviewer), Apply{Party: party()})
	require.NoError(t, err)
	_, err = h.Submit(as(colleague), Submit{Application: a.ID})
	require.NoError(t, err)

	for _, by := range []platform.Actor{reviewer, colleague} {
		_, err = h.Approve(as(by), Approve{Application: a.ID})
		assert.Equal(t, "review.self", platform.Code(err))
	}
	_, err = h.Approve(as(platform.Actor{ID: "opr-3", Kind: platform.Operator}), Approve{Application: a.ID})
	require.NoError(t, err)
}

func TestSecondDecisionLearnsTheFirst(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a, err := h.Approve(as(reviewer), Approve{Application: h.inReview(t).ID})
	require.NoError(t, err)

	_, err = h.Reject(as(colleague), Reject{Application: a.ID, Reasons: []string{"fraud"}})
	require.ErrorIs(t, err, ErrDecided)
	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, "approved", platform.Details(err)["decision"])
}
