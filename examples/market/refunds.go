package market

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/order"
)

// PlanRefund asks how a refund would be carried out now: of an order, by a request
// that is its merchant's to bear unless it says otherwise; or of a refund that was
// asked for.
type PlanRefund struct {
	Order  platform.ID `json:"order,omitempty" validate:"omitempty,id=ord"`
	Refund platform.ID `json:"refund,omitempty" validate:"required_without=Order,omitempty,id=rfd"` // if given, nothing else counts
	refund.Request
}

// RefundPlan is a plan, and what each party feels of it.
type RefundPlan struct {
	refund.Plan
	Felt []refund.Felt `json:"felt"`
}

// PlanRefund plans and changes nothing. Its hash is what approving the refund may
// name, so that it is carried out as it was shown. The order must be one that the
// actor sees, who must be its merchant, an operator or an auditor: the plan tells
// what the merchant has.
func (m *Market) PlanRefund(ctx context.Context, in PlanRefund, lang string) (RefundPlan, error) {
	if err := platform.Validate(in); err != nil {
		return RefundPlan{}, err
	}
	p := plansOn(m.DB, m.Books)
	if in.Refund != "" {
		r, err := p.orders.Refund(ctx, in.Refund)
		if err != nil {
			return RefundPlan{}, err
		}
		in.Order = r.Order
	}
	if err := m.readsPlans(ctx, in.Order); err != nil {
		return RefundPlan{}, err
	}
	plan, _, err := p.plan(ctx, in)
	if err != nil {
		return RefundPlan{}, err
	}
	return RefundPlan{plan, plan.Explain(lang)}, nil
}

// readsPlans refuses those who may not read the plans of an order.
func (m *Market) readsPlans(ctx context.Context, of platform.ID) error {
	by, err := m.Writer.Actor(ctx)
	if err != nil {
		return err
	}
	if _, err := m.Orders.Order(ctx, of); err != nil { // is it the actor's to see?
		return err
	}
	if !slices.Contains([]platform.ActorKind{platform.Merchant, platform.Operator, platform.Auditor, platform.System}, by.Kind) {
		return errPlanner
	}
	return nil
}

var errNotPlannable = platform.Err(platform.ErrState, "refund.not_plannable", "only a refund that waits for its approval is planned", "仅待批准的退款可制定方案")

var errPlanner = platform.Err(platform.ErrDenied, "refund.planner", "plans are for the merchant and the platform's own people", "退款方案仅供商户与平台人员查看")

// plans is the refund planner as orders see it.
type plans struct {
	orders   order.Store
	payments payment.Store
	invoices invoice.Store
	books    finance.Books
	db       platform.DB
}

var (
	_ order.Plans   = plans{}
	_ order.Sources = refund.Chain{}
)

func plansOn(db platform.DB, books finance.Books) plans {
	return plans{order.StoreOn(db), payment.StoreOn(db), invoice.StoreOn(db), books, db}
}

// Confirm implements [order.Plans]: it plans again, and stores the plan that is
// still the one of the hash, in the set of the approval, which books what it says.
func (p plans) Confirm(ctx context.Context, ref platform.Ref, hash string) ([]platform.Leg, []platform.Change, error) {
	now, checks, err := p.plan(ctx, PlanRefund{Refund: ref.ID})
	if err != nil {
		return nil, nil, err
	}
	if now.Hash != hash {
		return nil, nil, platform.Detail(refund.ErrPlanChanged, "plan", now)
	}
	stored, err := now.For(ref.ID, p.books.Now())
	if err != nil {
		return nil, nil, err
	}
	found, err := platform.Lookup(ctx, p.db, stored.Ref())
	if err != nil {
		return nil, nil, err
	}
	stored.Version = found[stored.Ref()].Version // of a first approval, when two must
	return now.Sources(), append(checks, platform.Put(stored), platform.Happened("refund.planned", ref, map[string]any{"order": now.Order, "hash": hash})), nil
}

// plan gathers the facts and plans; the checks hold what is no counter.
func (p plans) plan(ctx context.Context, in PlanRefund) (refund.Plan, []platform.Change, error) {
	var r order.Refund
	if in.Refund != "" {
		var err error
		if r, err = p.orders.Refund(ctx, in.Refund); err != nil {
			return refund.Plan{}, nil, err
		}
		if r.State != order.RefundRequested {
			return refund.Plan{}, nil, platform.Detail(errNotPlannable, "state", string(r.State))
		}
		in.Order, in.Request = r.Order, refund.Request{Bearer: refund.ByMerchant, Fault: string(r.Fault)}
	}
	if in.Bearer == "" {
		in.Bearer = refund.ByMerchant
	}
	o, err := p.orders.Order(ctx, in.Order)
	if err != nil {
		return refund.Plan{}, nil, err
	}
	before := o
	if in.Refund != "" {
		if before, r, err = o.Divided(r); err != nil {
			return refund.Plan{}, nil, err
		}
		before = before.Freed(r)
	}
	facts, err := p.facts(ctx, before)
	if err != nil {
		return refund.Plan{}, nil, err
	}
	paid, checks, err := p.paid(ctx, o.PaidBy())
	if err != nil {
		return refund.Plan{}, nil, err
	}
	facts.Payments = paid
	if in.Refund == "" {
		if r, err = tried(before, facts, in.Request); err != nil {
			return refund.Plan{}, nil, err
		}
	}
	if len(r.Shares) > 0 {
		in.Lines = divided(r)
	}
	plan, err := facts.Plan(in.Request)
	return plan, append(checks, platform.Unchanged(o)), err
}

// tried is the refund as the order would reserve it if it were asked for now; one
// that the platform bears divides nothing.
func tried(o order.Order, facts refund.Facts, in refund.Request) (order.Refund, error) {
	plan, err := facts.Plan(in)
	if err != nil || plan.Bearer != refund.ByMerchant || len(plan.Lines) == 0 {
		return order.Refund{}, err
	}
	r := order.Refund{Amount: less(o.Total, o.Total), Fault: order.Fault(in.Fault)}
	for _, l := range plan.Lines {
		r.Amount = less(r.Amount, l.Amount.Neg())
		if len(in.Lines) > 0 {
			r.Shares = append(r.Shares, order.Share{Line: l.Line, Amount: l.Amount})
		}
	}
	_, r, err = o.Reserve(r)
	return r, err
}

// divided are the lines of a refund as the order has divided them.
func divided(r order.Refund) (all []refund.Ask) {
	for _, s := range r.Shares {
		d := refund.Division{Owed: s.Owed, Fees: []refund.FeePortion{{Amount: s.Fee}}}
		if s.Parts != nil {
			d.Fees = nil
		}
		for _, g := range s.Parts {
			d.Fees = append(d.Fees, refund.FeePortion{Amount: g.Amount, Tax: g.Tax})
		}
		all = append(all, refund.Ask{Line: s.Line, Amount: s.Amount, Decided: &d})
	}
	return all
}

// fees are the platform's parts of a line. What the merchant owes of them was kept.
func fees(l order.Line) (all []refund.Fee) {
	if l.Parts == nil {
		return []refund.Fee{{Component: "commission", Amount: l.Fee, Given: l.FeeGiven, Back: refund.ProRata}}
	}
	owed := l.Owed
	for _, p := range l.Parts {
		f := refund.Fee{Component: p.Component, Amount: p.Amount, Tax: p.Tax, Back: refund.Behaviour(p.Back), Given: p.Given}
		if f.Kept = less(p.Amount, p.Given); f.Kept.Minor() > owed.Minor() {
			f.Kept = owed
		}
		if !owed.Absent() {
			owed = less(owed, f.Kept)
		}
		all = append(all, f)
	}
	return all
}

func less(a, b platform.Money) platform.Money {
	rest, err := a.Sub(b)
	if err != nil {
		return a
	}
	return rest
}

// facts are what the planner must know of the order, but for its payments.
func (p plans) facts(ctx context.Context, o order.Order) (refund.Facts, error) {
	f := refund.Facts{
		Order: o.ID, Merchant: o.Merchant, Stage: refund.Paid,
		Captured: o.Captured, Refunded: o.Refunded, Reserved: o.Reserved, ChargedBack: o.ChargedBack,
	}
	f.Withheld = o.Held
	if o.Cancellation != nil { // a dispute over it holds of the fee
		f.Withheld = less(o.Cancellation.Fee, o.Cancellation.Returned)
	}
	for _, l := range o.Lines {
		f.Lines = append(f.Lines, refund.Line{No: l.No, Amount: l.Amount, Given: l.Given, Fees: fees(l)})
	}
	var err error
	c := o.Total.Currency()
	switch {
	case o.State == order.Closed:
		f.Stage = refund.Closed
		f.Available, err = refund.Chain{Books: p.books}.Free(ctx, o.Merchant, c)
	case !o.CompletedAt.IsZero():
		f.Stage = refund.Sold
		if !o.Contested.Absent() { // what a payer's bank took is missing there
			f.Available, err = refund.Chain{Books: p.books}.Free(ctx, o.Merchant, c)
		}
		if err != nil {
			return refund.Facts{}, err
		}
		f.Available.Earning, err = p.books.Free(ctx, "earning", o.ID, o.Merchant, c)
	default:
		f.Available.Escrow, err = p.books.Free(ctx, "escrow", o.ID, "", c)
	}
	if err != nil {
		return refund.Facts{}, err
	}
	page, err := p.invoices.Invoices(ctx, invoice.Query{Subject: o.Ref()})
	for _, v := range page.Items {
		if v.Kind != invoice.ForService || v.Official == "" {
			continue
		}
		lines := map[int]platform.Money{}
		for _, l := range v.Lines {
			lines[l.No] = less(l.Gross, l.Red)
		}
		f.Invoices = append(f.Invoices, refund.Invoice{ID: v.ID, Lines: lines})
	}
	return f, err
}

// paid are the payments of an order, or of its checkout, in the order in which they
// came, and the checks
// that hold them.
func (p plans) paid(ctx context.Context, of platform.Ref) ([]refund.Payment, []platform.Change, error) {
	var refs []platform.Ref
	for _, purpose := range []payment.Purpose{payment.Deposit, payment.Balance, payment.Full, payment.Extra} {
		refs = append(refs, platform.Ref{Kind: "payment.intent", ID: payment.IntentID(of, purpose)})
	}
	found, err := p.payments.Found(ctx, refs...)
	if err != nil {
		return nil, nil, err
	}
	var ids []platform.ID
	for _, i := range found.Intents {
		ids = append(ids, i.Paid...)
	}
	attempts, err := p.payments.Attempts(ctx, ids...)
	if err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(attempts, func(a, b payment.Attempt) int { return a.EndedAt.Compare(b.EndedAt) })
	splits, err := p.payments.Sharings(ctx, payment.SharingQuery{Subject: of})
	if err != nil {
		return nil, nil, err
	}
	var all []refund.Payment
	var checks []platform.Change
	for _, h := range splits.Items {
		checks = append(checks, platform.Unchanged(h))
	}
	for _, a := range attempts {
		if a.State != payment.AttemptCaptured {
			continue
		}
		all = append(all, refund.Payment{
			ID: a.ID, Institution: a.Institution, Amount: a.Received, Captured: true, Returned: a.Returned, ChargedBack: a.Disputed, Shares: shared(a, splits.Items),
		})
		checks = append(checks, platform.Unchanged(a))
	}
	return all, checks, nil
}

// StoredPlan is the plan under which a refund was approved, by its own id, to
// those who may plan for the order.
func (m *Market) StoredPlan(ctx context.Context, id platform.ID, lang string) (RefundPlan, error) {
	s, err := platform.Read[refund.Stored](ctx, m.DB, "refund.plan", id)
	if err == nil {
		err = m.readsPlans(ctx, s.Order)
	}
	if err != nil {
		return RefundPlan{}, err
	}
	var p refund.Plan
	if err := json.Unmarshal(s.Plan, &p); err != nil {
		return RefundPlan{}, err
	}
	return RefundPlan{p, p.Explain(lang)}, nil
}
