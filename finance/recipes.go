package finance

import "slices"

// Roles that stand together in several recipes.
var (
	// bearers are whose money goes when money goes back, from the order's own to
	// what is owed to the platform.
	bearers = roles("escrow", "earning", "payable", "reserve", "deposit", "receivable")

	// undone are the platform's own parts that go back with it.
	undone = roles("commission", "cancel_fee", "revenue", "output_tax")

	arrived = roles("clearing", "bank")

	// found are the accounts into which a person resolves a difference.
	found = roles("suspense", "clearing", "bank", "difference", "gateway_fee", "receivable", "unapplied")
)

// recipes by what happened. Every role of the chart is in some recipe.
var recipes = map[string]recipe{
	"pay.captured":  {Debit: roles("clearing"), Credit: roles("escrow")},
	"pay.promotion": {Debit: roles("marketing"), Credit: roles("escrow")},
	"pay.surplus":   {Debit: roles("clearing"), Credit: roles("surplus")},
	"pay.shared":    {Debit: roles("escrow"), Credit: roles("escrow"), Across: true}, // from a checkout to its orders
	"pay.returned":  {Debit: roles("surplus"), Credit: roles("clearing")},
	"pay.reversed":  {Debit: slices.Concat(bearers, undone), Credit: roles("clearing")},

	"tip.captured": {Debit: roles("clearing"), Credit: roles("tips")},
	"tip.released": {Debit: roles("tips"), Credit: roles("payable")},

	"order.completed":           {Debit: roles("escrow"), Credit: roles("earning", "commission", "output_tax")},
	"order.completed.principal": {Debit: roles("escrow", "cost_of_service"), Credit: roles("revenue", "output_tax", "earning")},
	"order.closed":              {Debit: roles("earning"), Credit: roles("payable", "reserve")},
	"order.cancelled":           {Debit: roles("escrow"), Credit: roles("earning", "cancel_fee", "output_tax")},
	"reserve.released":          {Debit: roles("reserve"), Credit: roles("payable")},
	"cancel.compensation":       {Debit: roles("payable", "reserve", "deposit", "receivable", "compensation"), Credit: roles("payable")}, // to the customer
	"cancel.released":           {Debit: roles("earning"), Credit: roles("payable")},                                                     // of members

	"refund.approved":     {Debit: slices.Concat(bearers, roles("tips"), undone), Credit: roles("refund_due", "cost_of_service", "gateway_fee"), Held: true}, // gateway_fee: what the institution keeps and the merchant bears
	"dispute.compensated": {Debit: roles("payable", "reserve", "deposit", "receivable", "compensation"), Credit: roles("payable")},                           // to the customer
	"refund.withdrawn":    {Voids: "refund.approved"},
	"refund.succeeded":    {Settles: "refund.approved", Debit: roles("refund_due"), Credit: roles("clearing", "marketing")}, // what a promotion paid goes back to marketing
	"refund.given_up":     {Settles: "refund.approved"},
	"refund.goodwill":     {Debit: roles("compensation"), Credit: roles("refund_due")},
	"refund.imported":     {Debit: slices.Concat(bearers, roles("tips"), undone), Credit: roles("clearing", "cost_of_service")},

	"chargeback.received":    {Debit: roles("chargeback", "gateway_fee"), Credit: roles("clearing")},
	"chargeback.held":        {Debit: slices.Concat(bearers, roles("tips"), undone, roles("chargeback_loss")), Credit: roles("chargeback"), Held: true, Across: true},
	"chargeback.won":         {Voids: "chargeback.held", Debit: roles("clearing"), Credit: roles("chargeback", "gateway_fee")},
	"chargeback.lost":        {Settles: "chargeback.held"},
	"chargeback.partly_lost": {Settles: "chargeback.held", Part: true, Frees: true, Debit: slices.Concat(roles("clearing"), bearers, roles("tips"), undone, roles("chargeback_loss")), Credit: roles("chargeback"), Across: true},

	"payout.sent":     {Debit: roles("payable"), Credit: roles("clearing", "bank", "withholding"), Held: true},
	"payout.paid":     {Settles: "payout.sent"},
	"payout.failed":   {Voids: "payout.sent"},
	"payout.returned": {Debit: roles("clearing", "bank", "gateway_fee", "withholding"), Credit: roles("payable")},

	"split.made":     {Debit: roles("clearing"), Credit: roles("clearing")}, // from ours to those of the receivers
	"split.returned": {Debit: roles("clearing"), Credit: roles("clearing")},
	"split.owed":     {Debit: roles("receivable"), Credit: roles("clearing")}, // a share that does not come back is its receiver's own now

	"deposit.received":       {Debit: arrived, Credit: roles("deposit")},
	"deposit.applied":        {Debit: roles("deposit"), Credit: roles("penalty", "refund_due", "receivable")},
	"deposit.returned":       {Debit: roles("deposit"), Credit: roles("clearing", "bank"), Held: true},
	"deposit.paid":           {Settles: "deposit.returned"},
	"deposit.payment_failed": {Voids: "deposit.returned"},
	"fine.imposed":           {Debit: roles("payable", "reserve", "deposit", "receivable"), Credit: roles("penalty")},
	"fine.lifted":            {Debit: roles("penalty"), Credit: roles("payable")},

	"gateway.fee": {Debit: roles("gateway_fee", "input_tax"), Credit: roles("clearing")},
	"bank.swept":  {Debit: roles("bank"), Credit: roles("clearing")},

	"fee.invoiced":       {Debit: roles("receivable"), Credit: roles("deferred", "advertising", "output_tax")},
	"fee.recognised":     {Debit: roles("deferred"), Credit: roles("onboarding"), Ending: true},
	"ads.topped_up":      {Debit: arrived, Credit: roles("deferred")},
	"ads.consumed":       {Debit: roles("deferred"), Credit: roles("advertising", "output_tax")},
	"receipt.matched":    {Debit: arrived, Credit: roles("receivable")},
	"receipt.unapplied":  {Debit: arrived, Credit: roles("unapplied")},
	"receipt.applied":    {Debit: roles("unapplied"), Credit: roles("receivable")},
	"receivable.set_off": {Debit: roles("payable"), Credit: roles("receivable")},
	"dunning.fee_paid":   {Debit: roles("clearing", "bank", "unapplied"), Credit: roles("dunning_fee", "penalty", "output_tax")}, // penalty is the interest for delay
	"allowance.changed":  {Debit: roles("bad_debt", "allowance"), Credit: roles("allowance", "bad_debt"), Ending: true},
	"debt.claimed":       {Debit: roles("receivable"), Credit: roles("compensation", "chargeback_loss")}, // what the platform bore for the debtor
	"debt.written_off":   {Debit: roles("allowance", "bad_debt", "difference"), Credit: roles("receivable")},
	"debt.recovered":     {Debit: roles("receivable"), Credit: roles("allowance")},

	"claim.approved":       {Debit: roles("expense", "input_tax"), Credit: roles("payable")},
	"claim.sent":           {Debit: roles("payable"), Credit: roles("clearing", "bank"), Held: true},
	"claim.paid":           {Settles: "claim.sent"},
	"claim.payment_failed": {Voids: "claim.sent"},
	"advance.paid":         {Debit: roles("advance"), Credit: roles("bank")},
	"advance.offset":       {Debit: roles("payable"), Credit: roles("advance")},
	"claim.reclaimed":      {Debit: roles("receivable"), Credit: roles("expense", "input_tax")},
	"advance.returned":     {Debit: roles("bank"), Credit: roles("advance")},
	"reward.granted":       {Debit: roles("reward"), Credit: roles("payable", "withholding")},
	"payroll.accrued":      {Debit: roles("payroll"), Credit: roles("payable", "withholding")},
	"tax.paid":             {Debit: roles("output_tax", "withholding"), Credit: roles("input_tax", "bank")},

	"fx.converted":      {Debit: roles("bank", "exchange"), Credit: roles("exchange", "bank")}, // two halves, each of one currency
	"fx.revalued":       {Debit: roles("exchange", "difference"), Credit: roles("difference", "exchange"), Ending: true},
	"suspense.opened":   {Debit: roles("suspense", "clearing"), Credit: roles("clearing", "suspense")},
	"suspense.resolved": {Debit: found, Credit: found},
	"dormant.moved":     {Debit: roles("payable"), Credit: roles("unclaimed")},
	"dormant.claimed":   {Debit: roles("unclaimed"), Credit: roles("payable")},

	"budget.planned":   {Debit: roles("plan"), Credit: roles("free")},                             // of one line, as months begin
	"budget.committed": {Debit: roles("free"), Credit: roles("committed"), Across: true},          // a source may commit on several lines
	"budget.spent":     {Debit: roles("committed", "free"), Credit: roles("spent"), Across: true}, // what was spent above the commitment comes from free
	"budget.released":  {Debit: roles("committed"), Credit: roles("free"), Across: true},
	"budget.moved":     {Debit: roles("free", "plan"), Credit: roles("plan", "free"), Across: true}, // from line to line, or as an edition of the plan has it

	"transfer.made":    {Debit: roles("unapplied", "payable"), Credit: roles("payable", "unapplied", "commission", "output_tax")},
	"transfer.held":    {Debit: roles("unapplied", "payable"), Credit: roles("payable", "unapplied", "commission", "output_tax"), Held: true, Lapses: true},
	"transfer.settled": {Settles: "transfer.held", Part: true, Debit: roles("unapplied", "payable"), Credit: roles("payable", "unapplied", "commission", "output_tax")},
	"transfer.closed":  {Settles: "transfer.held", Part: true, Frees: true, Debit: roles("unapplied", "payable"), Credit: roles("payable", "unapplied", "commission", "output_tax")},
	"transfer.voided":  {Voids: "transfer.held"},

	"account.opened":   {Debit: onSide(debit), Credit: onSide(credit)}, // what other books left
	"order.taken_over": {Debit: roles("opening"), Credit: roles("escrow", "earning")},
	"year.closed":      {Debit: results(), Credit: results(), Ending: true}, // each on the side that empties it

	"journal.manual":   {Free: true}, // see [Service.Approve]
	"posting.reversed": {Free: true}, // see [Posting.Reverse]
}

// onSide are the roles whose balance other books may leave on this side: those
// of no order, in their normal direction, and what they are opened against.
func onSide(normal side) []string {
	names := roles("opening")
	for _, l := range chart {
		if l.Normal == normal && !l.Of && l.Role != "opening" {
			names = append(names, l.Role)
		}
	}
	return names
}

// results are the accounts of a year's result, and where it goes.
func results() []string { return append(append(ofClass(Income), ofClass(Expense)...), "retained") }

// ofClass are the roles of a class.
func ofClass(c Class) (names []string) {
	for _, l := range chart {
		if l.Class == c {
			names = append(names, l.Role)
		}
	}
	return names
}
