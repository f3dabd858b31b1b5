package finance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// held sets 100.00 of the customer aside for the merchant, as transfer 1.
func held(t *testing.T, c clerk) {
	t.Helper()
	_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: "transfer.held", Subject: trf(1), Legs: lines(unapplied(), "100.00", payable(), "-100.00")}}})
	require.NoError(t, err)
}

// part is the n-th part of transfer 1, without a key.
func part(n int, words ...string) Transfer {
	return Transfer{Steps: []Step{{What: "transfer.settled", Subject: trf(1), N: n, Legs: lines(words...)}}}
}

// Invariant 4, for parts of a hold.
func TestAPartSentAgainWithoutAKeyIsADuplicate(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	held(t, c)
	outcomes := []Outcome{}
	for _, in := range []Transfer{part(0, unapplied(), "30.00", payable(), "-30.00"), part(0, unapplied(), "30.00", payable(), "-30.00"), part(1), part(1)} {
		result, err := c.Transfer(asOperator(), in)
		require.NoError(t, err)
		require.Len(t, result.Made, 1)
		outcomes = append(outcomes, result.Outcome)
	}
	assert.Equal(t, []Outcome{Done, Duplicate, Done, Duplicate}, outcomes)
	assert.Equal(t, "900.00, 900.00", c.on(t, unapplied()))

	_, err := c.Transfer(asOperator(), part(0, unapplied(), "20.00", payable(), "-20.00"))
	require.ErrorIs(t, err, ErrKeyReused)
	_, err = c.Transfer(asOperator(), part(0))
	require.ErrorIs(t, err, ErrKeyReused, "the rest was another part")
	c.sound(t)
}

func TestAPartIsNamedByHowManyCameBefore(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	held(t, c)

	_, err := c.Transfer(asOperator(), part(1, unapplied(), "30.00", payable(), "-30.00"))

	require.ErrorIs(t, err, ErrPart)
	assert.Equal(t, "1000.00, 900.00", c.on(t, unapplied()))
}

func TestOfManyEqualPartsOneIsSettled(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	held(t, c)
	outcomes := make([]Outcome, 16)

	results := race(16, func(n uint64) error {
		result, err := c.Transfer(asOperator(), part(0, unapplied(), "30.00", payable(), "-30.00"))
		outcomes[n-1] = result.Outcome
		return err
	})

	assert.Equal(t, map[string]int{"": 16}, results)
	assert.Equal(t, "970.00, 900.00", c.on(t, unapplied()))
	count := map[Outcome]int{}
	for _, o := range outcomes {
		count[o]++
	}
	assert.Equal(t, map[Outcome]int{Done: 1, Duplicate: 15}, count)
	c.sound(t)
}

// A hold that guards a call to an institution ends only by its outcome.
func TestOnlyAHoldThatGuardsNoCallHasADue(t *testing.T) {
	t.Parallel()
	for what, r := range recipes {
		if !r.Held {
			continue
		}
		legs := []platform.Leg{{Role: r.Debit[0], Amount: platform.MustMoney("1.00", "CNY")}, {Role: r.Credit[0], Amount: platform.MustMoney("-1.00", "CNY")}}
		for i := range legs {
			if l, _ := lineOf(legs[i].Role); l.Of {
				legs[i].Of = order.ID
			}
			if l, _ := lineOf(legs[i].Role); l.Party {
				legs[i].Party = merchant
			}
		}
		if what == "transfer.held" {
			legs[1].Role = "payable"
		}
		_, err := Hold(booked(what, order, legs...).Fact, time.Time{})
		require.NoError(t, err, what)

		_, err = Hold(booked(what, order, legs...).Fact, nextDay)

		if what == "transfer.held" {
			require.NoError(t, err, what)
		} else {
			require.ErrorIs(t, err, ErrRecipe, what)
		}
	}
	c := newClerk(t)
	in := paid(1)
	in.Steps[0].Due = nextDay
	_, err := c.Transfer(asOperator(), in)
	require.ErrorIs(t, err, ErrRecipe, "what is not held has no due")
}

func TestAGroupThatEndsAHoldSentAgainIsADuplicate(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"transfer.voided", "transfer.closed"} {
		c := newClerk(t)
		held(t, c)
		in := paid(2)
		in.Steps = append(in.Steps, Step{What: what, Subject: trf(1)})
		first, err := c.Transfer(asOperator(), in)
		require.NoError(t, err, what)

		again, err := c.Transfer(asOperator(), in)

		require.NoError(t, err, what)
		assert.Equal(t, Duplicate, again.Outcome)
		require.Len(t, again.Made, len(first.Made))
		for i := range first.Made {
			assert.Equal(t, first.Made[i].Ref, again.Made[i].Ref, what)
		}

		in.Steps[1].What = map[string]string{"transfer.voided": "transfer.closed", "transfer.closed": "transfer.voided"}[what]
		_, err = c.Transfer(asOperator(), in)
		require.ErrorIs(t, err, ErrKeyReused, "it ended otherwise than by %s", in.Steps[1].What)
		c.sound(t)
	}
}

// A hold that will still bring something to an account keeps it from being closed.
func TestAnAccountThatAHoldWillFillCannotBeClosed(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	held(t, c)
	_, err := c.FreezeAccount(asOperator(), FreezeAccount{Account: payable(), In: true, Out: true, Reason: "gone"})
	require.NoError(t, err)

	_, err = c.CloseAccount(asOperator(), CloseAccount{Account: payable(), Reason: "gone"})
	require.ErrorIs(t, err, ErrAccountInUse)

	_, err = c.Transfer(asOperator(), Transfer{Steps: []Step{{What: "transfer.voided", Subject: trf(1)}}})
	require.NoError(t, err)
	_, err = c.CloseAccount(asOperator(), CloseAccount{Account: payable(), Reason: "gone"})
	require.NoError(t, err)
}

// between is a store before which something else commits once.
type between struct {
	platform.Committer
	first func()
}

func (b *between) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if first := b.first; first != nil {
		b.first = nil
		first()
	}
	return b.Committer.Commit(ctx, set)
}

// The first lock of an account is met by a posting that was decided before it.
func TestNoPostingOvertakesTheFirstFreeze(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	_, err := c.Tick(asSystem(), nextDay, 0)
	require.NoError(t, err)
	w := c.desk.w
	w.Store = &between{c.db, func() {
		_, err := c.FreezeAccount(asOperator(), FreezeAccount{Account: payable(), In: true, Reason: "sanction"})
		require.NoError(t, err)
	}}

	_, err = New(w, c.Store, nil).Transfer(asOperator(), paid(1))

	require.ErrorIs(t, err, ErrFrozen)
	assert.Equal(t, "0.00, 0.00", c.on(t, payable()))
}
