package receivable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

// model is what should be true of one debtor, in minor units, told of what came
// and went: sums alone, no claim by itself.
type model struct {
	arisen, came, written int64
	levels                map[platform.ID]int // reached so far
}

func TestClaimsKeepToTheirModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := open(t, nil)
		m := &model{levels: map[platform.ID]int{}}
		var ids []platform.ID
		n := 0
		pick := func(rt *rapid.T) receivable.Item {
			if len(ids) == 0 {
				rt.Skip("nothing is owed")
			}
			return w.item(rapid.SampledFrom(ids).Draw(rt, "claim"))
		}
		amount := func(rt *rapid.T, most int64) platform.Money {
			minor := rapid.Int64Range(1, max(most, 1)).Draw(rt, "amount")
			return platform.MustMoney(fmt.Sprintf("%d.%02d", minor/100, minor%100), "CNY")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"arise": func(rt *rapid.T) {
				n++
				a := amount(rt, 100_000)
				i, err := w.Arise(as(clerk), arise(merchant.ID, n, a.Decimal().String(), w.clock.Now(), rapid.IntRange(0, 40).Draw(rt, "due")))
				require.NoError(rt, err)
				ids = append(ids, i.ID)
				m.arisen += a.Minor()
			},
			"pay": func(rt *rapid.T) {
				n++
				in := paid(merchant.ID, amount(rt, 120_000).Decimal().String(), n)
				if len(ids) > 0 && rapid.Bool().Draw(rt, "named") {
					in.Items = []platform.ID{pick(rt).ID}
				}
				r, err := w.Receive(as(clerk), in)
				require.NoError(rt, err)
				m.came += r.Amount.Minor()
			},
			"earn": func(rt *rapid.T) {
				w.earns(rapid.SampledFrom([]string{"payable", "deposit"}).Draw(rt, "role"), amount(rt, 5_000).Decimal().String())
			},
			"set off": func(rt *rapid.T) {
				_, err := w.Cover(as(clerk), receivable.Cover{Debtor: merchant.ID, From: rapid.SampledFrom([]string{"payable", "deposit", "unapplied"}).Draw(rt, "from"), Most: amount(rt, 50_000)})
				if err != nil {
					require.ErrorIs(rt, err, receivable.ErrNothingFree)
				}
			},
			"promise": func(rt *rapid.T) {
				i := pick(rt)
				_, err := w.MakePromise(as(merchant), receivable.MakePromise{Item: i.ID, Parts: []receivable.Instalment{{On: w.clock.Now().AddDate(0, 0, 3), Amount: i.Claimed()}}})
				if err != nil {
					require.True(rt, errors.Is(err, platform.ErrState) || errors.Is(err, platform.ErrInvalid) && i.Claimed().Sign() == 0, "%v", err)
				}
			},
			"dispute": func(rt *rapid.T) {
				i := pick(rt)
				_, err := w.Dispute(as(merchant), receivable.Dispute{Item: i.ID, Amount: amount(rt, i.Claimed().Minor()), Reason: "other"})
				require.Equal(rt, i.Claimed().Sign() > 0, err == nil, "%v", err)
			},
			"resolve": func(rt *rapid.T) {
				i := pick(rt)
				_, err := w.Resolve(as(clerk), receivable.Resolve{Item: i.ID, Reason: "heard"})
				require.Equal(rt, i.Disputed.Sign() > 0, err == nil, "%v", err)
			},
			"write off": func(rt *rapid.T) {
				i := pick(rt)
				if w.propose(clerk, i.ID, proof) == nil {
					require.NoError(rt, w.approve(director, i.ID))
					m.written += i.Open().Minor()
				}
			},
			"days": func(rt *rapid.T) {
				w.clock.Advance(time.Duration(rapid.IntRange(1, 15).Draw(rt, "days")) * 24 * time.Hour)
				_, err := w.Tick(context.Background(), w.clock.Now(), 0)
				require.NoError(rt, err)
			},
			"": func(rt *rapid.T) { m.check(rt, w, ids) },
		})
		w.sound(merchant.ID)
	})
}

// check compares what the claims say with what came and went.
func (m *model) check(rt *rapid.T, w *world, ids []platform.ID) {
	var arisen, paid, setOff, written, small, recovered, open, charges int64
	for _, id := range ids {
		i := w.item(id)
		arisen, paid, setOff = arisen+i.Amount.Minor(), paid+i.Paid.Minor(), setOff+i.SetOff.Minor()
		recovered, open, charges = recovered+i.Recovered.Minor(), open+i.Open().Minor(), charges+i.FeePaid.Minor()
		written += i.WrittenOff.Minor()
		if i.Small {
			small += i.WrittenOff.Minor()
		}
		require.GreaterOrEqual(rt, i.Claimed().Sign(), 0)
		require.GreaterOrEqual(rt, i.Disputed.Sign(), 0)
		require.LessOrEqual(rt, i.Recovered.Minor(), i.WrittenOff.Minor())
		require.Equal(rt, i.State == receivable.Paid, i.Open().Sign() == 0 && i.WrittenOff.Sign() == 0)
		require.Equal(rt, i.State == receivable.Promised, i.Promise != nil)
		require.GreaterOrEqual(rt, i.Level, m.levels[id])
		require.Len(rt, i.Steps, i.Level, "each level once")
		for n, s := range i.Steps {
			require.Equal(rt, n+1, s.Level)
			require.Positive(rt, s.Open.Sign(), "a paid item is never dunned")
		}
		if i.State == receivable.Paid {
			require.True(rt, i.Next.IsZero())
		}
		m.levels[id] = i.Level
	}
	// Conservation: arisen + fees = paid + set-off + written off + open.
	require.Equal(rt, m.arisen, arisen)
	require.Equal(rt, arisen+charges, paid+charges+setOff+written+open)
	require.Equal(rt, m.written, written-small)
	// What came is on claims, on top of them, or waits.
	free, err := w.books.Free(context.Background(), "unapplied", "", merchant.ID, cny)
	require.NoError(rt, err)
	require.Equal(rt, m.came, paid+charges+recovered+free.Minor()-m.drawn(w))
	owed, err := w.books.Free(context.Background(), "receivable", "", merchant.ID, cny)
	require.NoError(rt, err)
	require.Equal(rt, open, owed.Minor())
}

// drawn is what was recovered out of payable and deposits.
func (m *model) drawn(w *world) (sum int64) {
	page, err := w.Receipts(as(clerk), merchant.ID, "")
	require.NoError(w.t, err)
	require.Empty(w.t, page.Next)
	for _, r := range page.Items {
		for _, p := range r.Parts {
			if p.Lost && (r.Role == "payable" || r.Role == "deposit") {
				sum += p.Amount.Minor()
			}
		}
	}
	return sum
}
