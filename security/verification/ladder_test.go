package verification

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestTheLadderRemindsExpiresAndShutsEachOnce(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	c := h.proved(t, owner, "licence")
	end := noon.Add(365 * day)
	for _, step := range []struct {
		at       time.Duration // from the end
		reminded int
		state    State
		refusal  error
	}{
		{-60*day - 1, 0, Verified, nil},
		{-60 * day, 1, Verified, nil},
		{-59 * day, 1, Verified, nil},
		{-30 * day, 2, Verified, nil},
		{-7 * day, 3, Verified, nil},
		{-1, 3, Verified, nil},
		{0, 3, Expired, nil},
		{14*day - time.Microsecond, 3, Expired, nil},
		{14 * day, 3, Expired, ErrPast},
	} {
		h.at(t, end.Add(step.at))
		got, err := h.Submission(as(owner), c.ID)
		require.NoError(t, err)
		assert.Equal(t, step.state, got.State, "%s", step.at)
		assert.Len(t, h.events(t, "verification.reminded"), step.reminded, "%s", step.at)
		require.ErrorIs(t, h.may(mer, "sell"), step.refusal, "%s", step.at)
	}
	h.proved(t, owner, "licence")
	require.NoError(t, h.may(mer, "sell"), "off, and on again")
	assert.Len(t, h.events(t, "verification.expired"), 1)
}

func TestALateTickRemindsOnceAndOfTheShortestTime(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence"))
	h.joins(t, mer)
	h.proved(t, owner, "licence")
	h.at(t, noon.Add((365-5)*day))
	reminded := h.events(t, "verification.reminded")
	require.Len(t, reminded, 1)
	assert.Contains(t, string(reminded[0].Data), `"days":7`)
}

func TestAShortProofIsNotRemindedOfBeforeItBegan(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", func(r *Requirement) { r.Validity.Days = 20 }))
	h.joins(t, mer)
	h.proved(t, owner, "licence")
	h.at(t, noon)
	assert.Empty(t, h.events(t, "verification.reminded"))
	h.at(t, noon.Add(13*day))
	assert.Len(t, h.events(t, "verification.reminded"), 1)
}

func TestOfManyTickersEachDeadlineFiresOnce(t *testing.T) {
	t.Parallel()
	h := opened()
	h.publish(t, need("licence", licence))
	h.joins(t, mer)
	h.handed(t, owner, "licence", number(goodCode))
	then := noon.Add((365 - 60) * day)
	h.mu.Lock()
	h.clock = then
	h.mu.Unlock()
	for _, err := range atOnce(8, func(int) error {
		_, err := h.Tick(context.Background(), then, 0)
		return err
	}) {
		require.NoError(t, err)
	}
	assert.Len(t, h.events(t, "verification.reminded"), 1)
}

// creditCodeOf is the unified social credit code of the i-th merchant.
func creditCodeOf(i int) string {
	body := fmt.Sprintf("91350100M%08d", i)
	for _, check := range credit {
		if CreditCode.Check(body+string(check)) == nil {
			return body + string(check)
		}
	}
	panic("one check digit always fits")
}

// twoYears lives with n merchants for two years: each proves its licence for a
// year and is periodically asked anew for an identity; a third of them forget the
// former until it is taken from them, then prove it again.
func twoYears(tb testing.TB, n int) *house {
	tb.Helper()
	h := opened()
	h.publish(tb, need("licence", licence), need("site", func(r *Requirement) {
		r.Kind, r.Phase, r.Every, r.Gates, r.Validity = Attestation, Periodic, 180, []string{"list"}, Validity{}
		r.Review = Auto
	}))
	owners := make([]platform.Actor, n)
	h.ports.Checker = nil
	for i := range owners {
		owners[i] = platform.Actor{ID: platform.NewID("mer", noon, platform.Slot(i), uint64(i)), Kind: platform.Merchant}
		h.joins(tb, owners[i].ID)
	}
	prove := func(i int, code, number string) error {
		ctx := as(owners[i])
		c, err := h.Begin(ctx, Begin{Party: owners[i].ID, Code: code})
		if err != nil {
			return err
		}
		if c, err = h.Submit(ctx, Submit{Submission: c.ID, Number: number}); err == nil && c.State == Pending {
			_, err = h.Verify(as(reviewer), Verify{Submission: c.ID})
		}
		return err
	}
	for d := range 731 {
		h.at(tb, noon.Add(time.Duration(d)*day+time.Hour))
		const hands = 4
		errs := atOnce(hands, func(hand int) error {
			var failed error
			for i := hand; i < n; i += hands {
				if d == i%30 || d >= 180 && (d-i%30)%170 == 0 {
					failed = errors.Join(failed, prove(i, "site", fmt.Sprint("site", i)))
				}
				forgets := i%3 == 0
				if d == i%30 || !forgets && d == 330+i%30 || forgets && d == 400+i%30 {
					failed = errors.Join(failed, prove(i, "licence", creditCodeOf(i)))
				}
			}
			return failed
		})
		require.NoError(tb, errors.Join(errs...))
	}
	return h
}

// TestTwoYearsOfAThousandMerchants: each reminder once, each proof expires once,
// capabilities go and come back. The benchmark does it with ten times as many.
func TestTwoYearsOfAThousandMerchants(t *testing.T) {
	t.Parallel()
	n := 1000
	if testing.Short() {
		n = 60
	}
	h := twoYears(t, n)

	seen := map[string]int{}
	for _, e := range h.events(t, "verification.reminded") {
		seen[string(e.Data)]++
	}
	assert.NotEmpty(t, seen)
	for what, times := range seen {
		require.Equal(t, 1, times, what)
	}
	offOn := map[string][]string{}
	for _, e := range h.events(t, "verification.standing_changed") {
		offOn[string(e.Subject.ID)] = append(offOn[string(e.Subject.ID)], string(e.Data))
	}
	assert.Len(t, offOn, n)
	expired := map[platform.ID]int{}
	for _, e := range h.events(t, "verification.expired") {
		expired[e.Subject.ID]++
	}
	assert.GreaterOrEqual(t, len(expired), (n+2)/3)
	for id, times := range expired {
		require.Equal(t, 1, times, id)
	}
	found, err := VerifyStandings(context.Background(), h.db)
	require.NoError(t, err)
	assert.Empty(t, found)
}

func BenchmarkTwoYearsOfTenThousandMerchants(b *testing.B) {
	for b.Loop() {
		twoYears(b, 10_000)
	}
}
