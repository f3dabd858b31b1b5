package main

import (
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/settlement"
)

// Settled is where the money went that was captured. What was captured and given
// back is the institution's word, what was paid out that of the payouts, and
// anything else that of the books.
type Settled struct {
	Captured   int64 `json:"captured_minor"`
	Promotion  int64 `json:"promotion_minor"` // what the platform added of its own
	PaidOut    int64 `json:"paid_out_minor"`
	Refunds    int64 `json:"refunds_minor"`
	Fees       int64 `json:"fees_minor"`
	Reserve    int64 `json:"reserve_minor"`
	Payable    int64 `json:"payable_minor"`    // due to merchants, and not paid out
	Underway   int64 `json:"underway_minor"`   // of orders that are not closed, and what nobody asked for
	Receivable int64 `json:"receivable_minor"` // due from merchants
	Difference int64 `json:"difference_minor"` // what the first two are more than the others make up; 0 is in order, unless a refund waits half done for an operator
	Runs       int   `json:"runs"`
	Payouts    int   `json:"payouts"` // that were paid
}

// Statements is how the institution's statements compare with the books. What was
// planted by seed is to be found, and nothing else.
type Statements struct {
	Days     int                          `json:"days"`
	Lines    int                          `json:"lines"`
	Planted  map[reconciliation.Class]int `json:"planted"`
	Found    map[reconciliation.Class]int `json:"found"`
	Missed   int                          `json:"missed"`         // planted, and not found as such
	Invented int                          `json:"invented"`       // found, and not planted: without faults of the institution, none
	Suspense int64                        `json:"suspense_minor"` // what waits for the institution's correction
	Proved   bool                         `json:"proved"`         // what is at the institution is what the books have, but for what is open
}

// settled reads where the money went.
func (r *replay) settled(rep *Report) error {
	s := &rep.Settlement
	err := each(r.ctx, r.db, "settlement.payout", func(p settlement.Payout) {
		if p.State == settlement.PayoutPaid {
			s.Payouts, s.PaidOut = s.Payouts+1, s.PaidOut+p.Amount.Minor()
		}
	})
	if err == nil {
		s.Runs, err = r.count("settlement.run")
	}
	if err != nil {
		return err
	}
	told, err := r.market.Sandbox.Totals(zero().Currency())
	if err != nil {
		return err
	}
	balances, err := r.market.Books.TrialBalance(r.ctx)
	if err != nil {
		return err
	}
	owed := map[string]int64{} // by role; what is owed to us is negative
	for _, b := range balances {
		for _, l := range b.Lines {
			owed[l.Role] += l.Credit.Minor() - l.Debit.Minor()
		}
	}
	sum := func(roles ...string) (total int64) {
		for _, role := range roles {
			total += owed[role]
		}
		return total
	}
	s.Captured, s.Promotion, s.Refunds = told.Charged.Minor(), -sum("marketing"), told.Refunded.Minor()
	s.Fees, s.Reserve, s.Payable = sum("commission", "cancel_fee", "output_tax"), sum("reserve"), sum("payable")
	s.Underway, s.Receivable = sum("escrow", "earning", "refund_due", "surplus"), -sum("receivable")
	s.Difference = s.Captured + s.Promotion - s.PaidOut - s.Refunds - s.Fees - s.Reserve - s.Payable - s.Underway + s.Receivable
	rep.Statements.Suspense = -sum("suspense")
	return nil
}

// statements compares what was planted with what was found.
func (r *replay) statements(rep *Report) error {
	s := &rep.Statements
	s.Days, s.Lines, s.Planted, s.Found = r.bank.days, r.bank.lines, map[reconciliation.Class]int{}, map[reconciliation.Class]int{}
	var left []difference
	err := each(r.ctx, r.db, "reconciliation.case", func(c reconciliation.Case) {
		if c.State != reconciliation.CaseMatched { // else the other side came after all
			s.Found[c.Class]++
			left = append(left, differenceOf(c))
		}
	})
	if err != nil {
		return err
	}
	for _, d := range r.bank.planted {
		s.Planted[d.class]++
		if at := slices.Index(left, d); at >= 0 {
			left = slices.Delete(left, at, at+1)
		} else {
			s.Missed++
		}
	}
	s.Invented = len(left)
	runs, err := r.market.Recon.Runs(platform.As(r.ctx, finances[0]), institution, "")
	if err != nil || len(runs.Items) == 0 {
		return err
	}
	last := runs.Items[0]
	s.Proved = !slices.ContainsFunc(last.Proofs, func(p reconciliation.Proof) bool { return !p.Holds() })
	return nil
}
