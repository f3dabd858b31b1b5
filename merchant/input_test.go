package merchant

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// The rows of the specification's table of bad input that lie on this path, and
// the moves that are in no table.
func TestBadInputIsRefusedByCodeInBothLanguages(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a := h.inReview(t)
	unknown := platform.NewID("apl", noon, 1, 1)
	agreement := platform.NewID("agr", noon, 1, 1)

	for _, row := range []struct {
		name string
		call func() error
		kind error
		code string
	}{
		{"no name", func() error { return h.apply(Party{Licence: "GB 1234"}) }, platform.ErrInvalid, "merchant.missing"},
		{"no licence", func() error { return h.apply(Party{Name: "A"}) }, platform.ErrInvalid, "merchant.missing"},
		{"blank licence", func() error { return h.apply(Party{Name: "A", Licence: "  "}) }, platform.ErrInvalid, "merchant.missing"},
		{"licence too short", func() error { return h.apply(Party{Name: "A", Licence: "1-2-3"}) }, platform.ErrInvalid, "merchant.licence"},
		{"licence too long", func() error { return h.apply(Party{Name: "A", Licence: strings.Repeat("1", 33)}) }, platform.ErrInvalid, "merchant.licence"},
		{"name too long", func() error { return h.apply(Party{Name: strings.Repeat("a", 121), Licence: "GB 1234"}) }, platform.ErrInvalid, "text.too_long"},
		{"control character", func() error { return h.apply(Party{Name: "A\x07", Licence: "GB 1234"}) }, platform.ErrInvalid, "text.control"},
		{"control character in an introducer", func() error {
			_, err := h.Apply(as(stranger), Apply{Party: Party{Name: "A", Licence: "GB 1234"}, Introducer: "opr-9\x07"})
			return err
		}, platform.ErrInvalid, "text.control"},
		{"reference by an applicant", func() error {
			_, err := h.Apply(as(stranger), Apply{Party: Party{Name: "A", Licence: "GB 1234"}, Reference: "1"})
			return err
		}, platform.ErrDenied, "merchant.import_only"},
		{"application by a customer", func() error {
			_, err := h.Apply(as(customer), Apply{Party: Party{Name: "A", Licence: "GB 1234"}})
			return err
		}, platform.ErrDenied, "merchant.actor_not_allowed"},
		{"nobody acts", func() error {
			_, err := h.Apply(t.Context(), Apply{Party: Party{Name: "A", Licence: "GB 1234"}})
			return err
		}, platform.ErrDenied, "actor.missing"},
		{"licence with an open application", func() error { return h.apply(party()) }, platform.ErrState, "merchant.application_open"},
		{"malformed id", func() error { _, err := h.Submit(as(reviewer), Submit{Application: "apl_x"}); return err }, platform.ErrInvalid, "id.malformed"},
		{"id of another kind", func() error { _, err := h.Submit(as(reviewer), Submit{Application: agreement}); return err }, platform.ErrInvalid, "id.wrong_kind"},
		{"no such application", func() error { _, err := h.Submit(as(reviewer), Submit{Application: unknown}); return err }, platform.ErrNotFound, "merchant.application.not_found"},
		{"answer for no such application", func() error {
			_, err := h.Answer(as(reviewer), Answer{Application: unknown})
			return err
		}, platform.ErrNotFound, "merchant.application.not_found"},
		{"submitted twice", func() error { _, err := h.Submit(as(reviewer), Submit{Application: a.ID}); return err }, platform.ErrState, "merchant.not_submittable"},
		{"answer without question", func() error { _, err := h.Answer(as(applicant), Answer{Application: a.ID}); return err }, platform.ErrState, "merchant.not_answerable"},
		{"unknown question", func() error {
			_, err := h.AskInfo(as(reviewer), AskInfo{Application: a.ID, Fields: []string{"shoe_size"}})
			return err
		}, platform.ErrInvalid, "field.oneof"},
		{"rejected for no reason", func() error { _, err := h.Reject(as(reviewer), Reject{Application: a.ID}); return err }, platform.ErrInvalid, "field.min"},
		{"decision by the applicant", func() error { _, err := h.Approve(as(applicant), Approve{Application: a.ID}); return err }, platform.ErrDenied, "review.self"},
		{"decision by the introducer", func() error {
			_, err := h.Approve(as(platform.Actor{ID: "opr-9", Kind: platform.Operator}), Approve{Application: a.ID})
			return err
		}, platform.ErrDenied, "review.tie"},
		{"decision by the system", func() error { _, err := h.Approve(as(system), Approve{Application: a.ID}); return err }, platform.ErrDenied, "merchant.actor_not_allowed"},
		{"no such merchant", func() error {
			_, err := h.Activate(as(system), Activate{Merchant: a.Merchant})
			return err
		}, platform.ErrNotFound, "merchant.not_found"},
		{"suspension without reason", func() error { _, err := h.Suspend(as(reviewer), Suspend{Merchant: a.Merchant}); return err }, platform.ErrInvalid, "field.required"},
		{"no such listing", func() error {
			_, err := h.Pause(as(reviewer), Pause{Listing: platform.NewID("lst", noon, 1, 1)})
			return err
		}, platform.ErrNotFound, "merchant.listing.not_found"},
		{"draft by an operator", func() error { _, err := h.NewDraft(as(reviewer), NewDraft{}); return err }, platform.ErrDenied, "listing.actor_not_allowed"},
		{"merchants read by a customer", func() error { _, err := h.Merchants(as(customer), Filter{}); return err }, platform.ErrDenied, "merchant.actor_not_allowed"},
		{"page too long", func() error { _, err := h.Merchants(as(reviewer), Filter{Limit: 501}); return err }, platform.ErrInvalid, "query.limit"},
	} {
		err := row.call()
		require.ErrorIs(t, err, row.kind, row.name)
		assert.Equal(t, row.code, platform.Code(err), row.name)
		bilingual(t, row.name, err)
		for _, plain := range []string{party().Licence, party().LegalName, party().Contact} {
			assert.NotContains(t, err.Error(), plain, row.name)
		}
	}
}

func (h *house) apply(p Party) error {
	_, err := h.Apply(as(stranger), Apply{Party: p})
	return err
}

func TestMovesOutsideTheTablesAreRefused(t *testing.T) {
	t.Parallel()
	states := []State{Applied, InReview, InfoRequired, Approved, Rejected, Lapsed, Onboarding, Active, Suspended, Pending, InForce, Terminated,
		Unlisted, Live, Paused, TakenDown, Draft, Superseded}
	for domain, table := range map[string]platform.Moves[State]{
		"merchant": append(append(platform.Moves[State]{}, applicationMoves...), merchantMoves...), "agreement": agreementMoves,
		"listing": append(append(platform.Moves[State]{}, listingMoves...), revisionMoves...),
	} {
		for _, row := range table {
			require.ErrorIs(t, row.Refusal, platform.ErrState, row.Verb)
			require.Regexp(t, "^"+domain+`\.not_[a-z]+able$`, platform.Code(row.Refusal))
			bilingual(t, row.Verb, row.Refusal)
			for _, from := range row.From {
				assert.True(t, from == "" || slices.Contains(states, from), "%s from %s", row.Verb, from)
			}
			_, err := platform.Moves[State]{row}.Take("nowhere", row.Verb, row.By[0])
			require.ErrorIs(t, err, row.Refusal)
		}
	}
}

// bilingual checks that a refusal reads in English and in Chinese, and so does
// each of its fields.
func bilingual(t *testing.T, name string, err error) {
	t.Helper()
	han := func(text string) bool {
		return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	texts := [][2]string{{platform.Text(err, "en"), platform.Text(err, "zh-CN")}}
	if fields, ok := errors.AsType[platform.FieldErrors](err); ok {
		for _, f := range fields {
			texts = append(texts, [2]string{f.Text("en"), f.Text("zh")})
		}
	}
	for _, text := range texts {
		assert.NotEmpty(t, text[0], name)
		assert.False(t, han(text[0]), "%s: %s", name, text[0])
		assert.True(t, han(text[1]), "%s: %s", name, text[1])
	}
}
