package refund_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/refund"
)

// after is the facts once the plan was carried out.
func after(f refund.Facts, p refund.Plan) refund.Facts {
	f.Lines, f.Payments = append([]refund.Line(nil), f.Lines...), append([]refund.Payment(nil), f.Payments...)
	lines := int64(0)
	for _, part := range p.Lines {
		lines += part.Amount.Minor()
		for i := range f.Lines {
			if f.Lines[i].No == part.Line {
				f.Lines[i] = given(f.Lines[i], part, p.Bearer)
			}
		}
	}
	for _, s := range p.Steps {
		for i := range f.Payments {
			if f.Payments[i].ID == s.Payment {
				f.Payments[i].Returned = fen(f.Payments[i].Returned.Minor() + s.Amount.Minor())
			}
		}
	}
	f.Refunded = fen(f.Refunded.Minor() + lines)
	for _, l := range p.Legs {
		for role, account := range map[string]*platform.Money{
			"escrow": &f.Available.Escrow, "earning": &f.Available.Earning, "payable": &f.Available.Payable,
			"reserve": &f.Available.Reserve, "deposit": &f.Available.Deposit,
		} {
			if l.Role == role {
				*account = fen(account.Minor() - l.Amount.Minor())
			}
		}
	}
	return f
}

func given(l refund.Line, part refund.Portion, bearer refund.Bearer) refund.Line {
	l.Given = fen(l.Given.Minor() + part.Amount.Minor())
	if bearer == refund.ByPlatform {
		l.Borne = fen(l.Borne.Minor() + part.Amount.Minor())
	}
	l.Fees = append([]refund.Fee(nil), l.Fees...)
	for _, fee := range part.Fees {
		for i := range l.Fees {
			if l.Fees[i].Component != fee.Component {
				continue
			}
			if fee.Kept {
				l.Fees[i].Kept = fen(l.Fees[i].Kept.Minor() + fee.Amount.Minor())
			} else {
				l.Fees[i].Given = fen(l.Fees[i].Given.Minor() + fee.Amount.Minor())
			}
		}
	}
	return l
}

// orders are facts of an order to which nothing has happened since it was sold.
func orders(t *rapid.T) refund.Facts {
	f := refund.Facts{Order: order, Merchant: merchant, Stage: rapid.SampledFrom([]refund.Stage{refund.Paid, refund.Sold, refund.Closed}).Draw(t, "stage")}
	total, earned := int64(0), int64(0)
	for no := range rapid.IntRange(1, 5).Draw(t, "lines") {
		amount := rapid.Int64Range(1, 3000).Draw(t, "amount")
		l := refund.Line{No: no + 1, Amount: fen(amount), Tax: fen(rapid.Int64Range(0, amount).Draw(t, "tax")), Discount: fen(rapid.Int64Range(0, 500).Draw(t, "discount"))}
		left := amount
		for i := range rapid.IntRange(0, 4).Draw(t, "fees") {
			fee := rapid.Int64Range(0, left).Draw(t, "fee")
			l.Fees = append(l.Fees, refund.Fee{
				Component: string(rune('a' + i)), Amount: fen(fee), Tax: fen(rapid.Int64Range(0, fee).Draw(t, "fee tax")),
				Back: rapid.SampledFrom([]refund.Behaviour{refund.ProRata, refund.Kept, refund.KeptAtFault}).Draw(t, "back"),
			})
			left -= fee
		}
		total, earned, f.Lines = total+amount, earned+left, append(f.Lines, l)
	}
	f.Captured = fen(total)
	first := rapid.Int64Range(0, total).Draw(t, "first payment")
	for i, amount := range []int64{first, total - first} {
		id := platform.NewID("att", noon, 7, uint64(100+i))
		f.Payments = append(f.Payments, refund.Payment{
			ID: id, Institution: rapid.SampledFrom([]string{"", "sandbox"}).Draw(t, "institution"), Amount: fen(amount), Captured: true,
			Fee: fen(rapid.Int64Range(0, amount).Draw(t, "institution's fee")),
		})
	}
	f.Agreement = refund.Agreement{Deposit: rapid.Bool().Draw(t, "deposit"), InstitutionFee: rapid.Bool().Draw(t, "bears fee")}
	f.Available = refund.Available{Escrow: fen(total), Earning: fen(earned), Payable: fen(earned / 2), Reserve: fen(earned / 7), Deposit: fen(100)}
	return f
}

func asks(t *rapid.T) refund.Request {
	return refund.Request{
		Bearer: rapid.SampledFrom([]refund.Bearer{refund.ByMerchant, refund.AtFault}).Draw(t, "bearer"),
		Fault:  rapid.SampledFrom([]string{"customer", "merchant"}).Draw(t, "fault"),
	}
}

// sums is what a plan takes: by account, by line, by fee of a line, by payment.
func sums(into map[string]int64, p refund.Plan) {
	for _, l := range p.Legs {
		into["leg "+l.Role+string(l.Party)] += l.Amount.Minor()
	}
	for _, l := range p.Lines {
		name := string(rune('0' + l.Line))
		into["line "+name] += l.Amount.Minor()
		into["tax "+name] += l.Tax.Minor()
		into["discount "+name] += l.Discount.Minor()
		into["own "+name] += l.Own.Minor()
		for _, f := range l.Fees {
			into["fee "+name+f.Component] += f.Amount.Minor()
			into["fee tax "+name+f.Component] += f.Tax.Minor()
		}
	}
	for _, s := range p.Steps {
		into["step "+string(s.Payment)] += s.Amount.Minor()
		into["lost"] += s.Lost.Minor()
	}
	for key, n := range into {
		if n == 0 {
			delete(into, key)
		}
	}
}

// Invariant 7: refund in k parts = at once, per line and per account.
func TestRefundInPartsEqualsAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, ask := orders(t), asks(t)
		once, parts := map[string]int64{}, map[string]int64{}
		p, err := f.Plan(ask)
		require.NoError(t, err)
		sums(once, p)

		for f.Refundable().Sign() > 0 {
			next := ask
			next.Amount = fen(rapid.Int64Range(1, f.Refundable().Minor()).Draw(t, "part"))
			p, err := f.Plan(next)
			require.NoError(t, err)
			sums(parts, p)
			f = after(f, p)
		}

		require.Equal(t, once, parts)
	})
}

// The same of a part of one line.
func TestAPartOfALineInPartsEqualsAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, ask := orders(t), asks(t)
		l := f.Lines[0].Amount.Minor()
		amount := rapid.Int64Range(1, l).Draw(t, "amount")
		once, parts := map[string]int64{}, map[string]int64{}
		ask.Lines = []refund.Ask{{Line: 1, Amount: fen(amount)}}
		p, err := f.Plan(ask)
		require.NoError(t, err)
		sums(once, p)

		for amount > 0 {
			part := rapid.Int64Range(1, amount).Draw(t, "part")
			ask.Lines = []refund.Ask{{Line: 1, Amount: fen(part)}}
			p, err := f.Plan(ask)
			require.NoError(t, err)
			sums(parts, p)
			f, amount = after(f, p), amount-part
		}

		require.Equal(t, once, parts)
	})
}

// More for the customer is never less from anybody, and nothing is lost.
func TestPlansAreMonotoneAndConserveMoney(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, ask := orders(t), asks(t)
		less := rapid.Int64Range(1, f.Captured.Minor()).Draw(t, "less")
		more := rapid.Int64Range(less, f.Captured.Minor()).Draw(t, "more")
		small, large := map[string]int64{}, map[string]int64{}
		ask.Amount = fen(less)
		p, err := f.Plan(ask)
		require.NoError(t, err)
		sums(small, p)
		ask.Amount = fen(more)
		q, err := f.Plan(ask)
		require.NoError(t, err)
		sums(large, q)

		for key, n := range small {
			if n > 0 {
				require.GreaterOrEqual(t, large[key], n, key)
			}
		}
		legs := int64(0)
		for _, l := range q.Legs {
			legs += l.Amount.Minor()
		}
		lines := int64(0)
		for _, l := range q.Lines {
			inside := l.Own.Minor()
			for _, fee := range l.Fees {
				require.LessOrEqual(t, fee.Tax.Minor(), fee.Amount.Minor())
				inside += fee.Amount.Minor()
			}
			require.Equal(t, l.Amount.Minor(), inside)
			lines += inside
		}
		require.Zero(t, legs)
		require.Equal(t, more, lines)
	})
}

func TestAPlanDoesNotDependOnTheOrderOfLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, ask := orders(t), asks(t)
		ask.Amount = fen(rapid.Int64Range(1, f.Captured.Minor()).Draw(t, "amount"))
		p, err := f.Plan(ask)
		require.NoError(t, err)

		f.Lines = append([]refund.Line(nil), f.Lines...)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(f.Lines), func(i, j int) { f.Lines[i], f.Lines[j] = f.Lines[j], f.Lines[i] })
		q, err := f.Plan(ask)

		require.NoError(t, err)
		require.Equal(t, p.Hash, q.Hash)
	})
}

// total plans anything: facts that contradict each other are refused, and what
// is planned never takes an account or a payment below zero, nor more than there
// is to give back.
func total(t *rapid.T) {
	amount := rapid.Custom(func(t *rapid.T) platform.Money {
		return fen(rapid.OneOf(rapid.Int64Range(0, 50), rapid.Int64Range(-5, 1<<62)).Draw(t, "minor"))
	})
	draw := func(name string) platform.Money { return amount.Draw(t, name) }
	f := refund.Facts{
		Order: order, Merchant: merchant, Captured: draw("captured"), Refunded: draw("refunded"), Withheld: draw("withheld"),
		Stage:     rapid.SampledFrom([]refund.Stage{refund.Paid, refund.Sold, refund.Closed, "lost"}).Draw(t, "stage"),
		Available: refund.Available{Escrow: draw("escrow"), Earning: draw("earning"), Payable: draw("payable"), Tips: draw("tips")},
		Agreement: refund.Agreement{InstitutionFee: rapid.Bool().Draw(t, "bears")},
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "lines") {
		l := refund.Line{No: i, Amount: draw("amount"), Given: draw("given"), Tax: draw("tax"), Borne: draw("borne")}
		for range rapid.IntRange(0, 2).Draw(t, "fees") {
			l.Fees = append(l.Fees, refund.Fee{Amount: draw("fee"), Tax: draw("fee tax"), Given: draw("fee given"), Kept: draw("fee kept"), Back: rapid.SampledFrom([]refund.Behaviour{"", refund.Kept}).Draw(t, "back")})
		}
		f.Lines = append(f.Lines, l)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "payments") {
		f.Payments = append(f.Payments, refund.Payment{
			ID: platform.ID(rune('a' + i)), Institution: rapid.SampledFrom([]string{"", "sandbox"}).Draw(t, "institution"), Amount: draw("paid"), Captured: rapid.Bool().Draw(t, "is captured"),
			Returned: draw("returned"), ChargedBack: draw("charged back"), Tip: rapid.Bool().Draw(t, "tip"), Fee: draw("cost"),
			Shares: []refund.Share{{Receiver: member, Amount: draw("share"), Returned: draw("share returned"), Stuck: rapid.Bool().Draw(t, "stuck")}},
		})
	}
	f.Tips = []refund.Tip{{Member: member, Amount: draw("tip"), Given: draw("tip given"), Payable: draw("member's")}}
	ask := refund.Request{Amount: draw("ask"), Bearer: rapid.SampledFrom([]refund.Bearer{refund.ByMerchant, refund.ByPlatform, ""}).Draw(t, "bearer")}
	if rapid.Bool().Draw(t, "ask tip") {
		ask = refund.Request{Bearer: ask.Bearer, Tips: []refund.AskTip{{Member: member}}}
	}

	p, err := f.Plan(ask)
	if err != nil {
		require.True(t, errors.Is(err, platform.ErrState) || errors.Is(err, platform.ErrInvalid), err)
		return
	}
	back := map[platform.ID]int64{}
	for _, s := range p.Steps {
		require.Positive(t, s.Amount.Minor())
		if s.Way != refund.ReturnShare && s.Way != refund.ClaimShare {
			back[s.Payment] += s.Amount.Minor()
		}
	}
	for _, q := range f.Payments {
		require.LessOrEqual(t, back[q.ID], q.Amount.Minor()-q.Returned.Minor()-q.ChargedBack.Minor())
	}
	lines := int64(0)
	for _, l := range p.Lines {
		lines += l.Amount.Minor()
	}
	require.LessOrEqual(t, lines, f.Refundable().Minor())
	for _, l := range p.Legs {
		switch l.Role {
		case "escrow":
			require.LessOrEqual(t, l.Amount.Minor(), f.Available.Escrow.Minor())
		case "earning":
			require.LessOrEqual(t, l.Amount.Minor(), f.Available.Earning.Minor())
		case "refund_due", "gateway_fee":
			require.Negative(t, l.Amount.Minor())
		default:
			require.Positive(t, l.Amount.Minor())
		}
	}
	require.NotEmpty(t, p.Explain("en"))
}

func TestPlanIsTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, total)
}

func FuzzPlan(f *testing.F) { f.Fuzz(rapid.MakeFuzz(total)) }
