package finance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// V3, and invariant 2: numbers are gapless, in the order of booking, by month.
func TestJournalNumbersAreGaplessByMonth(t *testing.T) {
	t.Parallel()
	for name, d := range desks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clerkOn(t, d, 100_000)
			for n := range 30 {
				in := paid(n)
				if n%3 == 0 {
					in.Steps[0].At, in.Steps[0].Reason = nextDay.AddDate(0, -1, 0), "late_invoice"
				}
				_, err := c.Transfer(asOperator(), in)
				require.NoError(t, err)
			}
			tick := func(now time.Time, limit int) int {
				n, err := c.Tick(asSystem(), now, limit)
				require.NoError(t, err)
				return n
			}
			assert.Zero(t, tick(nextDay, 0), "all of it may still be on its way")

			later := nextDay.Add(2 * time.Second)
			assert.Equal(t, []int{7, 7, 7, 7, 3, 0}, []int{tick(later, 7), tick(later, 7), tick(later, 7), tick(later, 7), tick(later, 7), tick(later, 7)})

			for month, want := range map[string]int{"2026-02": 10, "2026-03": 21, "2026-04": 0} {
				page, err := c.Books.Journal(as(platform.Auditor, "aud"), month, "")
				require.NoError(t, err)
				require.Len(t, page.Items, want, month)
				for i, n := range page.Items {
					assert.EqualValues(t, i+1, n.No)
					assert.Equal(t, month, n.Posting.At.Format("2006-01"))
				}
			}
			_, err := c.Books.Journal(as(platform.Merchant, merchant), "2026-03", "")
			require.ErrorIs(t, err, ErrReader)
			c.sound(t)
		})
	}
}

func TestAPostingThatWasCommittedLateIsNumberedByTheSecondLook(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	_, err := c.Transfer(asOperator(), paid(1))
	require.NoError(t, err)
	_, err = c.Tick(asSystem(), nextDay.Add(time.Minute), 0)
	require.NoError(t, err)
	late := captured("5.00")
	late.Booked = nextDay.Add(-time.Hour) // decided long ago, and committed now
	_, err = platform.Update(asSystem(), c.desk.w, late, func(context.Context) (struct{}, []platform.Change, error) {
		set, err := Post(late.Fact)
		return struct{}{}, append(set, platform.Happened(late.What, late.Subject, nil)), err
	})
	require.NoError(t, err)

	for range 3 {
		_, err = c.Tick(asSystem(), nextDay.Add(time.Hour), 0)
		require.NoError(t, err)
	}

	page, err := c.Books.Journal(asOperator(), "2026-03", "")
	require.NoError(t, err)
	require.Len(t, page.Items, 3)
	assert.Equal(t, "pay.captured", page.Items[2].Posting.What, "it comes last")
	c.sound(t)
}

func TestWhatIsBookedLongAfterTheLastPassIsNumberedOnce(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	for n, now := range []time.Time{nextDay.Add(time.Hour), nextDay.Add(3 * time.Hour), nextDay.Add(5 * time.Hour)} {
		_, err := c.Transfer(asOperator(), paid(n))
		require.NoError(t, err)
		for range 3 {
			_, err = c.Tick(asSystem(), now, 0)
			require.NoError(t, err)
		}
		c.desk.w.Now = func() time.Time { return now }
		c.Service = New(c.desk.w, c.Store, nil)
	}

	page, err := c.Books.Journal(asOperator(), "2026-03", "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 4)
	c.sound(t)
}

func TestOfManyPassesEachNumberIsGivenOnce(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	for n := range 50 {
		_, err := c.Transfer(asOperator(), paid(n))
		require.NoError(t, err)
	}

	race(8, func(uint64) error {
		_, err := c.Tick(asSystem(), nextDay.Add(time.Minute), 0)
		return err
	})

	page, err := c.Books.Journal(asOperator(), "2026-03", "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 51)
	c.sound(t)
}
