package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// AddReceiver implements [payment.Splitter]: it sees whether the connected
// account is there and takes transfers.
func (g *Gateway) AddReceiver(ctx context.Context, r payment.Receiver) error {
	outside(ctx)
	a, err := g.account(ctx, r.Account)
	if err != nil {
		return fmt.Errorf("add a receiver: %w", err)
	}
	if !transfers(a) {
		return fmt.Errorf("account %.64q takes no transfers: %w", r.Account, payment.ErrRefused)
	}
	return nil
}

// Split implements [payment.Splitter]: a transfer a share, out of the charge
// itself. A split that was stopped in the middle is Pending, and asking for it
// again goes on with it.
func (g *Gateway) Split(ctx context.Context, p payment.Split) (payment.Status, error) {
	outside(ctx)
	if err := cmp.Or(checked(p.Key, "spl"), distinct(p)); err != nil {
		return payment.Status{Key: p.Key}, fmt.Errorf("split %s: %w", p.Key, err)
	}
	of, err := g.charged(ctx, p.Charge)
	if err == nil {
		err = g.close(ctx, of, p)
	}
	if err != nil {
		return failed(p.Key, "split", err)
	}
	total := g.money(0, of.Currency)
	for n, s := range p.Shares {
		amount, currency, err := g.wire(s.Amount)
		if err == nil {
			in := &stripe.TransferCreateParams{
				Amount: amount, Currency: currency, Destination: stripe.String(s.Account), TransferGroup: stripe.String(string(p.Charge)),
				Metadata: map[string]string{ofKey: string(p.Key)},
			}
			if of.LatestCharge != nil {
				in.SourceTransaction = stripe.String(of.LatestCharge.ID)
			}
			in.SetIdempotencyKey(string(p.Key) + "/" + s.Account)
			_, err = g.client.V1Transfers.Create(ctx, in)
			err = meaning(err)
		}
		if err == nil {
			total, err = total.Add(s.Amount)
		}
		if err != nil && n > 0 { // some shares are there
			return payment.Status{Key: p.Key}, fmt.Errorf("share %d of %s: %w: %v", n+1, p.Key, payment.ErrUnknownOutcome, err) //nolint:errorlint // not of the whole
		}
		if err != nil {
			return failed(p.Key, "split", err)
		}
	}
	return payment.Status{Key: p.Key, Outcome: payment.Done, Amount: total, Reference: of.ID}, nil
}

// distinct refuses a split that makes no sense.
func distinct(p payment.Split) error {
	accounts := map[string]bool{}
	for _, s := range p.Shares {
		if s.Account == "" || accounts[s.Account] || s.Amount.Absent() || s.Amount.Sign() <= 0 {
			return payment.ErrRefused
		}
		accounts[s.Account] = true
	}
	if len(p.Shares) == 0 && !p.Final {
		return payment.ErrRefused
	}
	return nil
}

// close marks a charge that a final split was made of, and refuses another one
// after that. Stripe knows no such thing itself.
func (g *Gateway) close(ctx context.Context, of *stripe.PaymentIntent, p payment.Split) error {
	by := of.Metadata[ofFinal]
	if by != "" && by != string(p.Key) {
		return fmt.Errorf("after the final split: %w", payment.ErrRefused)
	}
	if by != "" || !p.Final {
		return nil
	}
	in := &stripe.PaymentIntentUpdateParams{Metadata: map[string]string{ofFinal: string(p.Key)}}
	in.SetIdempotencyKey(string(p.Key) + "/mark")
	_, err := g.client.V1PaymentIntents.Update(ctx, of.ID, in)
	return meaning(err)
}

// LookupSplit implements [payment.Splitter].
func (g *Gateway) LookupSplit(ctx context.Context, p payment.Split) (payment.Status, []payment.Share, error) {
	outside(ctx)
	of, err := g.charged(ctx, p.Charge)
	if err != nil {
		st, err := found(p.Key, err, nil)
		return st, nil, err
	}
	var arrived []payment.Share
	total := g.money(0, of.Currency)
	in := &stripe.TransferListParams{TransferGroup: stripe.String(string(p.Charge)), ListParams: page()}
	for t, err := range g.client.V1Transfers.List(ctx, in).All(ctx) {
		if err != nil {
			st, err := found(p.Key, meaning(err), nil)
			return st, nil, err
		}
		share := payment.Share{Amount: g.money(t.Amount, t.Currency)}
		if t.Destination != nil {
			share.Account = t.Destination.ID
		}
		if t.Metadata[ofKey] == string(p.Key) && slices.Contains(p.Shares, share) {
			arrived = append(arrived, share)
			if total, err = total.Add(share.Amount); err != nil {
				return payment.Status{Key: p.Key}, nil, fmt.Errorf("look up %s: %w: %w", p.Key, payment.ErrUnknownOutcome, err)
			}
		}
	}
	st := payment.Status{Key: p.Key, Outcome: payment.Pending, Amount: total, Reference: of.ID}
	switch {
	case len(arrived) == len(p.Shares) && (len(arrived) > 0 || of.Metadata[ofFinal] == string(p.Key)):
		st.Outcome = payment.Done
	case len(arrived) == 0:
		return payment.Status{Key: p.Key, Outcome: payment.Absent}, nil, nil
	}
	return st, arrived, nil
}

// ReturnSplit implements [payment.Splitter].
func (g *Gateway) ReturnSplit(ctx context.Context, r payment.SplitReturn) (payment.Status, error) {
	outside(ctx)
	amount, _, err := g.wire(r.Amount)
	if err = cmp.Or(err, checked(r.Key, "spr")); err != nil {
		return payment.Status{Key: r.Key}, fmt.Errorf("return of a share %s: %w", r.Key, err)
	}
	t, err := g.transfer(ctx, r)
	if err != nil {
		return failed(r.Key, "return of a share", before(err))
	}
	in := &stripe.TransferReversalCreateParams{ID: stripe.String(t.ID), Amount: amount, Metadata: map[string]string{ofKey: string(r.Key)}}
	in.SetIdempotencyKey(string(r.Key))
	out, err := g.client.V1TransferReversals.Create(ctx, in)
	if err != nil {
		return failed(r.Key, "return of a share", meaning(err))
	}
	return payment.Status{Key: r.Key, Outcome: payment.Done, Amount: g.money(out.Amount, out.Currency), Reference: out.ID}, nil
}

// transfer finds the transfer of a share.
func (g *Gateway) transfer(ctx context.Context, r payment.SplitReturn) (*stripe.Transfer, error) {
	if err := checked(r.Split, "spl"); err != nil {
		return nil, err
	}
	list := g.client.V1Transfers.List(ctx, &stripe.TransferListParams{
		CreatedRange: since(r.Split), Destination: stripe.String(r.Account), ListParams: page(),
	})
	return first(ctx, list, func(t *stripe.Transfer) bool { return t.Metadata[ofKey] == string(r.Split) })
}

// LookupReturn implements [payment.Splitter].
func (g *Gateway) LookupReturn(ctx context.Context, r payment.SplitReturn) (payment.Status, error) {
	outside(ctx)
	t, err := g.transfer(ctx, r)
	var back *stripe.TransferReversal
	if err == nil {
		list := g.client.V1TransferReversals.List(ctx, &stripe.TransferReversalListParams{ID: stripe.String(t.ID), ListParams: page()})
		back, err = first(ctx, list, func(b *stripe.TransferReversal) bool { return b.Metadata[ofKey] == string(r.Key) })
	}
	return found(r.Key, err, func() payment.Status {
		return payment.Status{Key: r.Key, Outcome: payment.Done, Amount: g.money(back.Amount, back.Currency), Reference: back.ID}
	})
}

// Payout implements [payment.Payouter]: of our own account, or of a connected one.
func (g *Gateway) Payout(ctx context.Context, p payment.Payout) (payment.Status, error) {
	outside(ctx)
	amount, currency, err := g.wire(p.Amount)
	if err = cmp.Or(err, checked(p.Key, "pay"), whole(p.Amount)); err != nil {
		return payment.Status{Key: p.Key}, fmt.Errorf("payout %s: %w", p.Key, err)
	}
	in := &stripe.PayoutCreateParams{Amount: amount, Currency: currency, Metadata: map[string]string{ofKey: string(p.Key)}}
	in.SetIdempotencyKey(string(p.Key))
	if p.To != "" {
		in.Destination = stripe.String(p.To)
	}
	if p.Account != "" {
		in.SetStripeAccount(p.Account)
	}
	out, err := g.client.V1Payouts.Create(ctx, in)
	if err != nil {
		return failed(p.Key, "payout", meaning(err))
	}
	return told(g.sent(p.Key, out))
}

// whole refuses what Stripe's banks do not carry: forints and Taiwan dollars with
// decimals.
func whole(m platform.Money) error {
	if c := m.Currency().String(); (c == "HUF" || c == "TWD") && m.Minor()%100 != 0 {
		return fmt.Errorf("amount %s: %w", m, payment.ErrUnrepresentable)
	}
	return nil
}

// LookupPayout implements [payment.Payouter].
func (g *Gateway) LookupPayout(ctx context.Context, p payment.Payout) (payment.Status, error) {
	outside(ctx)
	in := &stripe.PayoutListParams{CreatedRange: since(p.Key), ListParams: page()}
	if p.Account != "" {
		in.SetStripeAccount(p.Account)
	}
	out, err := first(ctx, g.client.V1Payouts.List(ctx, in), func(o *stripe.Payout) bool { return o.Metadata[ofKey] == string(p.Key) })
	return found(p.Key, err, func() payment.Status { return g.sent(p.Key, out) })
}

// sent is how a payout stands. One that failed after it should have arrived came
// back from the bank.
func (g *Gateway) sent(k payment.Key, o *stripe.Payout) payment.Status {
	st := payment.Status{Key: k, Outcome: payment.Pending, Amount: g.money(o.Amount, o.Currency), Reference: o.ID}
	switch o.Status {
	case stripe.PayoutStatusPaid:
		st.Outcome = payment.Done
	case stripe.PayoutStatusFailed:
		st.Outcome, st.Code = payment.Declined, string(o.FailureCode)
		if !g.opts.Now().Before(time.Unix(o.ArrivalDate, 0)) {
			st.Outcome = payment.Returned
		}
	case stripe.PayoutStatusCanceled:
		st.Outcome, st.Code = payment.Declined, "canceled"
	}
	return st
}

// Lines implements [payment.Statements]: the balance transactions of a day in UTC,
// in one page, once it is over.
func (g *Gateway) Lines(ctx context.Context, day time.Time, _ string) ([]payment.Line, string, error) {
	outside(ctx)
	from := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 0, 1)
	if g.opts.Now().Before(to) {
		return nil, "", fmt.Errorf("statement of %s: %w", from.Format(time.DateOnly), payment.ErrRetryable)
	}
	in := &stripe.BalanceTransactionListParams{
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: from.Unix(), LesserThan: to.Unix()}, ListParams: page(),
	}
	in.AddExpand("data.source")
	var lines []payment.Line
	for t, err := range g.client.V1BalanceTransactions.List(ctx, in).All(ctx) {
		if err != nil {
			return nil, "", fmt.Errorf("statement of %s: %w", from.Format(time.DateOnly), meaning(err))
		}
		l := g.line(t)
		if l.Gross.Absent() || l.Fee.Absent() || l.Net.Absent() {
			return nil, "", fmt.Errorf("line %s: %w", t.ID, errors.Join(payment.ErrUnknownOutcome, platform.ErrInvalid))
		}
		lines = append(lines, l)
	}
	slices.Reverse(lines) // they come newest first
	return lines, "", nil
}

// kinds are what Stripe calls the kinds of lines; all others are adjustments.
var kinds = map[stripe.BalanceTransactionType]payment.LineKind{
	stripe.BalanceTransactionTypeCharge: payment.LineCharge, stripe.BalanceTransactionTypePayment: payment.LineCharge,
	stripe.BalanceTransactionTypeRefund: payment.LineRefund, stripe.BalanceTransactionTypePaymentRefund: payment.LineRefund,
	stripe.BalanceTransactionTypeTransfer: payment.LineSplit, stripe.BalanceTransactionTypeTransferRefund: payment.LineSplitReturn,
	stripe.BalanceTransactionTypePayout: payment.LinePayout, stripe.BalanceTransactionTypePayoutFailure: payment.LineReversal,
	stripe.BalanceTransactionTypePayoutCancel: payment.LineReversal, stripe.BalanceTransactionTypeStripeFee: payment.LineFee,
}

func (g *Gateway) line(t *stripe.BalanceTransaction) payment.Line {
	l := payment.Line{
		ID: t.ID, Kind: cmp.Or(kinds[t.Type], payment.LineAdjustment), Gross: g.money(t.Amount, t.Currency), Fee: g.money(t.Fee, t.Currency),
		Net: g.money(t.Net, t.Currency), At: time.Unix(t.Created, 0).UTC(),
	}
	if t.Source == nil {
		return l
	}
	l.Reference = t.Source.ID
	words := map[string]string{}
	switch s := t.Source; {
	case s.Charge != nil:
		words = s.Charge.Metadata
		if s.Charge.PaymentIntent != nil {
			l.Reference = s.Charge.PaymentIntent.ID
		}
	case s.Refund != nil:
		words = s.Refund.Metadata
	case s.Transfer != nil:
		words = s.Transfer.Metadata
	case s.TransferReversal != nil:
		words = s.TransferReversal.Metadata
	case s.Payout != nil:
		words = s.Payout.Metadata
	case s.Dispute != nil:
		l.Kind = payment.LineChargeback
		if t.Amount > 0 {
			l.Kind = payment.LineReversal
		}
	}
	l.Key = payment.Key(words[ofKey])
	return l
}
