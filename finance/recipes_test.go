package finance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// who stands for a letter in what is written below.
var (
	member     = platform.NewID("stf", noon, 9, 6)
	employee   = platform.NewID("emp", noon, 9, 7)
	customer   = platform.NewID("cus", noon, 9, 8)
	checkout   = platform.NewID("cko", noon, 9, 15)
	dispute    = platform.Ref{Kind: "finance.chargeback", ID: platform.NewID("cbk", noon, 7, 9)}
	contract   = platform.Ref{Kind: "merchant.agreement", ID: platform.NewID("agr", noon, 9, 10)}
	budget     = platform.Ref{Kind: "finance.budget", ID: platform.NewID("bgt", noon, 9, 11)}
	otherLine  = platform.Ref{Kind: "finance.budget", ID: platform.NewID("bgt", noon, 9, 12)}
	claim      = platform.Ref{Kind: "finance.claim", ID: platform.NewID("clm", noon, 9, 13)}
	transferID = platform.Ref{Kind: "finance.transfer", ID: platform.NewID("trf", noon, 9, 14)}

	letters = []string{
		string(order.ID), "O", string(merchant), "M", string(member), "S", string(employee), "E", string(customer), "C",
		string(dispute.ID), "D", string(contract.ID), "A", string(budget.ID), "B", string(otherLine.ID), "L", string(checkout), "K",
	}
)

// line is one recipe at work, in short: legs as "account amount", debits
// positive; on is the record to which it happens.
type writing struct {
	what string
	on   platform.Ref
	legs string
	adds string

	after []writing // what is booked before; if nil, what given says
}

var writings = []writing{
	{what: "pay.reversed", on: attempt, legs: "escrow:O 1 earning:O:M 2 payable:M 3 reserve:M 4 deposit:M 5 receivable:M 6 commission 7 cancel_fee 8 revenue:home 9 output_tax:vat6 10 clearing:sandbox -55", adds: "posted:escrow:O +100, available:escrow:O -100 ≥0, posted:earning:O:M +200, available:earning:O:M -200 ≥0, posted:payable:M +300, available:payable:M -300 ≥0, posted:reserve:M +400, available:reserve:M -400 ≥0, posted:deposit:M +500, available:deposit:M -500 ≥0, posted:receivable:M +600, available:receivable:M +600 ≥0, posted:commission +700, posted:cancel_fee +800, posted:revenue:home +900, posted:output_tax:vat6 +1000, posted:clearing:sandbox -5500"},
	{what: "order.completed.principal", on: order, legs: "escrow:O 100 cost_of_service:cleaning 80 revenue:cleaning -94.34 output_tax:vat6 -5.66 earning:O:S -80", adds: "posted:escrow:O +10000, available:escrow:O -10000 ≥0, posted:cost_of_service:cleaning +8000, posted:revenue:cleaning -9434, posted:output_tax:vat6 -566, posted:earning:O:S -8000, available:earning:O:S +8000 ≥0"},
	{what: "cancel.compensation", on: order, legs: "payable:M 1 reserve:M 2 deposit:M 3 receivable:M 4 compensation 5 payable:S -15", adds: "posted:payable:M +100, available:payable:M -100 ≥0, posted:reserve:M +200, available:reserve:M -200 ≥0, posted:deposit:M +300, available:deposit:M -300 ≥0, posted:receivable:M +400, available:receivable:M +400 ≥0, posted:compensation +500, posted:payable:S -1500, available:payable:S +1500 ≥0"},
	{what: "cancel.released", on: order, legs: "earning:O:S 10 payable:S -10", adds: "posted:earning:O:S +1000, available:earning:O:S -1000 ≥0, posted:payable:S -1000, available:payable:S +1000 ≥0"},
	{what: "refund.approved", on: refund(1), legs: "escrow:O 1 earning:O:M 2 payable:M 3 reserve:M 4 deposit:M 5 receivable:M 6 tips:O 7 commission 8 cancel_fee 9 revenue 10 output_tax 11 refund_due:O -58 cost_of_service -6 gateway_fee:sandbox -2", adds: "available:escrow:O -100 ≥0, available:earning:O:M -200 ≥0, available:payable:M -300 ≥0, available:reserve:M -400 ≥0, available:deposit:M -500 ≥0, available:tips:O -700 ≥0"},
	{what: "dispute.compensated", on: refund(1), legs: "payable:M 1 reserve:M 2 deposit:M 3 receivable:M 4 compensation 5 payable:S -15", adds: "posted:payable:M +100, available:payable:M -100 ≥0, posted:reserve:M +200, available:reserve:M -200 ≥0, posted:deposit:M +300, available:deposit:M -300 ≥0, posted:receivable:M +400, available:receivable:M +400 ≥0, posted:compensation +500, posted:payable:S -1500, available:payable:S +1500 ≥0"},
	{what: "refund.goodwill", on: refund(1), legs: "compensation 10 refund_due:O -10", adds: "posted:compensation +1000, posted:refund_due:O -1000, available:refund_due:O +1000 ≥0"},
	{what: "refund.imported", on: refund(1), legs: "escrow:O 1 earning:O:M 2 payable:M 3 reserve:M 4 deposit:M 5 receivable:M 6 tips:O 7 commission 8 cancel_fee 9 revenue 10 output_tax 11 clearing:sandbox -60 cost_of_service -6", adds: "posted:escrow:O +100, available:escrow:O -100 ≥0, posted:earning:O:M +200, available:earning:O:M -200 ≥0, posted:payable:M +300, available:payable:M -300 ≥0, posted:reserve:M +400, available:reserve:M -400 ≥0, posted:deposit:M +500, available:deposit:M -500 ≥0, posted:receivable:M +600, available:receivable:M +600 ≥0, posted:tips:O +700, available:tips:O -700 ≥0, posted:commission +800, posted:cancel_fee +900, posted:revenue +1000, posted:output_tax +1100, posted:clearing:sandbox -6000, posted:cost_of_service -600"},
	{what: "chargeback.received", on: dispute, legs: "chargeback:D 100 gateway_fee:sandbox 15 clearing:sandbox -115", adds: "posted:chargeback:D +10000, available:chargeback:D +10000 ≥0, posted:gateway_fee:sandbox +1500, posted:clearing:sandbox -11500"},
	{what: "chargeback.held", on: dispute, legs: "escrow:O 1 earning:O:M 2 payable:M 3 reserve:M 4 deposit:M 5 receivable:M 6 tips:O 12 commission 7 cancel_fee 8 revenue 9 output_tax 10 chargeback_loss 11 chargeback:D -78", adds: "available:escrow:O -100 ≥0, available:earning:O:M -200 ≥0, available:payable:M -300 ≥0, available:reserve:M -400 ≥0, available:deposit:M -500 ≥0, available:tips:O -1200 ≥0, available:chargeback:D -7800 ≥0"},
	{what: "chargeback.won", on: dispute, legs: "clearing:sandbox 115 chargeback:D -100 gateway_fee:sandbox -15", adds: "available:payable:M +10000 ≥0, available:chargeback:D +10000 ≥0, posted:clearing:sandbox +11500, posted:chargeback:D -10000, available:chargeback:D -10000 ≥0, posted:gateway_fee:sandbox -1500"},
	{what: "chargeback.lost", on: dispute, legs: "", adds: "posted:payable:M +10000, posted:chargeback:D -10000"},
	{what: "chargeback.partly_lost", on: dispute, legs: "clearing:sandbox 40 payable:M 60 chargeback:D -100", adds: "posted:clearing:sandbox +4000, posted:payable:M +6000, posted:chargeback:D -10000, available:payable:M +4000 ≥0"},
	{what: "chargeback.partly_lost", on: dispute, legs: "clearing:sandbox 34 escrow:O 1 earning:O:M 2 payable:M 3 reserve:M 4 deposit:M 5 receivable:M 6 tips:O 1 commission 7 cancel_fee 8 revenue 9 output_tax 10 chargeback_loss 10 chargeback:D -100", adds: "posted:clearing:sandbox +3400, posted:escrow:O +100, posted:earning:O:M +200, posted:payable:M +300, posted:reserve:M +400, posted:deposit:M +500, posted:receivable:M +600, available:receivable:M +600 ≥0, posted:tips:O +100, posted:commission +700, posted:cancel_fee +800, posted:revenue +900, posted:output_tax +1000, posted:chargeback_loss +1000, posted:chargeback:D -10000, available:escrow:O +100 ≥0, available:tips:O +100 ≥0", after: shared},
	{what: "split.made", on: payout, legs: "clearing:sandbox.mer 70 clearing:sandbox.stf 10 clearing:sandbox -80", adds: "posted:clearing:sandbox.mer +7000, posted:clearing:sandbox.stf +1000, posted:clearing:sandbox -8000"},
	{what: "split.returned", on: payout, legs: "clearing:sandbox 30 clearing:sandbox.mer -30", adds: "posted:clearing:sandbox +3000, posted:clearing:sandbox.mer -3000"},
	{what: "split.owed", on: payout, legs: "receivable:M 30 clearing:sandbox.mer -30", adds: "posted:receivable:M +3000, available:receivable:M +3000 ≥0, posted:clearing:sandbox.mer -3000"},
	{what: "payout.returned", on: payout, legs: "clearing:sandbox 80 bank:house 9 gateway_fee:sandbox 1 payable:M -90", adds: "posted:clearing:sandbox +8000, posted:bank:house +900, posted:gateway_fee:sandbox +100, posted:payable:M -9000, available:payable:M +9000 ≥0"},
	{what: "payout.sent", on: payout, legs: "payable:S 90 clearing:sandbox -72 withholding:income -18", adds: "available:payable:S -9000 ≥0"},
	{what: "payout.returned", on: payout, legs: "clearing:sandbox 72 withholding:income 18 payable:S -90", adds: "posted:clearing:sandbox +7200, posted:withholding:income +1800, posted:payable:S -9000, available:payable:S +9000 ≥0"},
	{what: "payout.sent", on: payout, legs: "payable:M 90 clearing:sandbox -50 bank:house -40", adds: "available:payable:M -9000 ≥0"},
	{what: "deposit.received", on: contract, legs: "clearing:sandbox 20 bank:house 30 deposit:M -50", adds: "posted:clearing:sandbox +2000, posted:bank:house +3000, posted:deposit:M -5000, available:deposit:M +5000 ≥0"},
	{what: "deposit.applied", on: contract, legs: "deposit:M 60 penalty -10 refund_due:O -20 receivable:M -30", adds: "posted:deposit:M +6000, available:deposit:M -6000 ≥0, posted:penalty -1000, posted:refund_due:O -2000, available:refund_due:O +2000 ≥0, posted:receivable:M -3000, available:receivable:M -3000 ≥0"},
	{what: "deposit.returned", on: contract, legs: "deposit:M 50 clearing:sandbox -20 bank:house -30", adds: "available:deposit:M -5000 ≥0"},
	{what: "deposit.paid", on: contract, legs: "", adds: "posted:deposit:M +5000, posted:bank:house -5000"},
	{what: "deposit.payment_failed", on: contract, legs: "", adds: "available:deposit:M +5000 ≥0"},
	{what: "fine.imposed", on: contract, legs: "payable:M 1 reserve:M 2 deposit:M 3 receivable:M 4 penalty -10", adds: "posted:payable:M +100, available:payable:M -100 ≥0, posted:reserve:M +200, available:reserve:M -200 ≥0, posted:deposit:M +300, available:deposit:M -300 ≥0, posted:receivable:M +400, available:receivable:M +400 ≥0, posted:penalty -1000"},
	{what: "fine.lifted", on: contract, legs: "penalty 10 payable:M -10", adds: "posted:penalty +1000, posted:payable:M -1000, available:payable:M +1000 ≥0"},
	{what: "fee.invoiced", on: contract, legs: "receivable:M 1060 deferred:A -600 advertising -400 output_tax:vat6 -60", adds: "posted:receivable:M +106000, available:receivable:M +106000 ≥0, posted:deferred:A -60000, available:deferred:A +60000 ≥0, posted:advertising -40000, posted:output_tax:vat6 -6000"},
	{what: "fee.recognised", on: contract, legs: "deferred:A 50 onboarding -50", adds: "posted:deferred:A +5000, available:deferred:A -5000 ≥0, posted:onboarding -5000"},
	{what: "ads.topped_up", on: contract, legs: "clearing:sandbox 60 bank:house 40 deferred:A -100", adds: "posted:clearing:sandbox +6000, posted:bank:house +4000, posted:deferred:A -10000, available:deferred:A +10000 ≥0"},
	{what: "ads.consumed", on: contract, legs: "deferred:A 10 advertising:search -9.43 output_tax:vat6 -0.57", adds: "posted:deferred:A +1000, available:deferred:A -1000 ≥0, posted:advertising:search -943, posted:output_tax:vat6 -57"},
	{what: "receipt.matched", on: contract, legs: "clearing:sandbox 60 bank:house 40 receivable:M -100", adds: "posted:clearing:sandbox +6000, posted:bank:house +4000, posted:receivable:M -10000, available:receivable:M -10000 ≥0"},
	{what: "receipt.unapplied", on: contract, legs: "clearing:sandbox 60 bank:house 40 unapplied:C -100", adds: "posted:clearing:sandbox +6000, posted:bank:house +4000, posted:unapplied:C -10000, available:unapplied:C +10000 ≥0"},
	{what: "receipt.applied", on: contract, legs: "unapplied:C 100 receivable:C -100", adds: "posted:unapplied:C +10000, available:unapplied:C -10000 ≥0, posted:receivable:C -10000, available:receivable:C -10000 ≥0"},
	{what: "receivable.set_off", on: contract, legs: "payable:M 30 receivable:M -30", adds: "posted:payable:M +3000, available:payable:M -3000 ≥0, posted:receivable:M -3000, available:receivable:M -3000 ≥0"},
	{what: "dunning.fee_paid", on: contract, legs: "clearing:sandbox 3 bank:house 7.60 dunning_fee -10 output_tax:vat6 -0.60", adds: "posted:clearing:sandbox +300, posted:bank:house +760, posted:dunning_fee -1000, posted:output_tax:vat6 -60"},
	{what: "allowance.changed", on: contract, legs: "bad_debt 10 allowance:merchants -10", adds: "posted:bad_debt +1000, posted:allowance:merchants -1000, available:allowance:merchants +1000 ≥0"},
	{what: "allowance.changed", on: contract, legs: "allowance:merchants 10 bad_debt -10", adds: "posted:allowance:merchants +1000, available:allowance:merchants -1000 ≥0, posted:bad_debt -1000"},
	{what: "debt.written_off", on: contract, legs: "allowance:merchants 7 bad_debt 2 difference 1 receivable:M -10", adds: "posted:allowance:merchants +700, available:allowance:merchants -700 ≥0, posted:bad_debt +200, posted:difference +100, posted:receivable:M -1000, available:receivable:M -1000 ≥0"},
	{what: "dunning.fee_paid", on: contract, legs: "unapplied:M 10 dunning_fee -6 penalty -3.43 output_tax -0.57", after: []writing{lent}, adds: "posted:unapplied:M +1000, available:unapplied:M -1000 ≥0, posted:dunning_fee -600, posted:penalty -343, posted:output_tax -57"},
	{what: "debt.claimed", on: dispute, legs: "receivable:M 30 compensation -20 chargeback_loss -10", adds: "posted:receivable:M +3000, available:receivable:M +3000 ≥0, posted:compensation -2000, posted:chargeback_loss -1000"},
	{what: "debt.recovered", on: contract, legs: "receivable:M 10 allowance:merchants -10", adds: "posted:receivable:M +1000, available:receivable:M +1000 ≥0, posted:allowance:merchants -1000, available:allowance:merchants +1000 ≥0"},
	{what: "claim.approved", on: claim, legs: "expense:hq.travel 20 input_tax:vat6 1.20 payable:E -21.20", adds: "posted:expense:hq.travel +2000, posted:input_tax:vat6 +120, posted:payable:E -2120, available:payable:E +2120 ≥0"},
	{what: "claim.sent", on: claim, legs: "payable:E 20 bank:house -20", adds: "available:payable:E -2000 ≥0"},
	{what: "claim.sent", on: claim, legs: "payable:E 20 clearing:sandbox -20", adds: "available:payable:E -2000 ≥0"},
	{what: "claim.paid", on: claim, legs: "", adds: "posted:payable:E +2000, posted:bank:house -2000"},
	{what: "claim.reclaimed", on: claim, legs: "receivable:E 21.20 expense:hq.travel -20 input_tax:vat6 -1.20", adds: "posted:receivable:E +2120, available:receivable:E +2120 ≥0, posted:expense:hq.travel -2000, posted:input_tax:vat6 -120"},
	{what: "claim.payment_failed", on: claim, legs: "", adds: "available:payable:E +2000 ≥0"},
	{what: "advance.paid", on: claim, legs: "advance:E 100 bank:house -100", adds: "posted:advance:E +10000, available:advance:E +10000 ≥0, posted:bank:house -10000"},
	{what: "advance.offset", on: claim, legs: "payable:E 80 advance:E -80", adds: "posted:payable:E +8000, available:payable:E -8000 ≥0, posted:advance:E -8000, available:advance:E -8000 ≥0"},
	{what: "advance.returned", on: claim, legs: "bank:house 20 advance:E -20", adds: "posted:bank:house +2000, posted:advance:E -2000, available:advance:E -2000 ≥0"},
	{what: "reward.granted", on: contract, legs: "reward:cleaning 100 payable:S -80 withholding:income -20", adds: "posted:reward:cleaning +10000, posted:payable:S -8000, available:payable:S +8000 ≥0, posted:withholding:income -2000"},
	{what: "payroll.accrued", on: contract, legs: "payroll:cleaning 100 payable:S -80 withholding:income -20", adds: "posted:payroll:cleaning +10000, posted:payable:S -8000, available:payable:S +8000 ≥0, posted:withholding:income -2000"},
	{what: "tax.paid", on: contract, legs: "output_tax:vat6 57 withholding:income 20 input_tax:vat6 -7 bank:house -70", adds: "posted:output_tax:vat6 +5700, posted:withholding:income +2000, posted:input_tax:vat6 -700, posted:bank:house -7000"},
	{what: "fx.converted", on: contract, legs: "bank:house 70/CNY exchange:cny-eur -70/CNY exchange:cny-eur 10/EUR bank:house -10/EUR", adds: "posted:bank:house +7000, posted:exchange:cny-eur -7000, posted:exchange:cny-eur/EUR +1000, posted:bank:house/EUR -1000"},
	{what: "fx.revalued", on: contract, legs: "exchange:cny-eur 3 difference -3", adds: "posted:exchange:cny-eur +300, posted:difference -300"},
	{what: "fx.revalued", on: contract, legs: "difference 3 exchange:cny-eur -3", adds: "posted:difference +300, posted:exchange:cny-eur -300"},
	{what: "suspense.opened", on: contract, legs: "suspense:sandbox 3 clearing:sandbox -3", adds: "posted:suspense:sandbox +300, posted:clearing:sandbox -300"},
	{what: "suspense.opened", on: contract, legs: "clearing:sandbox 3 suspense:sandbox -3", adds: "posted:clearing:sandbox +300, posted:suspense:sandbox -300"},
	{what: "suspense.resolved", on: contract, legs: "suspense:a 1 clearing:a 2 bank:a 3 difference 4 gateway_fee:a 5 receivable:M 6 unapplied:C 7 suspense:b -28", adds: "posted:suspense:a +100, posted:clearing:a +200, posted:bank:a +300, posted:difference +400, posted:gateway_fee:a +500, posted:receivable:M +600, available:receivable:M +600 ≥0, posted:unapplied:C +700, available:unapplied:C -700 ≥0, posted:suspense:b -2800"},
	{what: "suspense.resolved", on: contract, legs: "suspense:b 28 suspense:a -1 clearing:a -2 bank:a -3 difference -4 gateway_fee:a -5 receivable:M -6 unapplied:C -7", adds: "posted:suspense:b +2800, posted:suspense:a -100, posted:clearing:a -200, posted:bank:a -300, posted:difference -400, posted:gateway_fee:a -500, posted:receivable:M -600, available:receivable:M -600 ≥0, posted:unapplied:C -700, available:unapplied:C +700 ≥0"},
	{what: "dormant.moved", on: contract, legs: "payable:M 5 unclaimed:M -5", adds: "posted:payable:M +500, available:payable:M -500 ≥0, posted:unclaimed:M -500, available:unclaimed:M +500 ≥0"},
	{what: "dormant.claimed", on: contract, legs: "unclaimed:M 5 payable:M -5", adds: "posted:unclaimed:M +500, available:unclaimed:M -500 ≥0, posted:payable:M -500, available:payable:M +500 ≥0"},
	{what: "budget.planned", on: budget, legs: "plan:B 100 free:B -100", adds: "posted:plan:B +10000, posted:free:B -10000, available:free:B +10000 ≥0"},
	{what: "budget.committed", on: budget, legs: "free:B 30 committed:B -30", adds: "posted:free:B +3000, available:free:B -3000 ≥0, posted:committed:B -3000, available:committed:B +3000 ≥0"},
	{what: "budget.spent", on: budget, legs: "committed:B 30 free:B 5 spent:B -35", adds: "posted:committed:B +3000, available:committed:B -3000 ≥0, posted:free:B +500, available:free:B -500 ≥0, posted:spent:B -3500"},
	{what: "budget.released", on: budget, legs: "committed:B 30 free:B -30", adds: "posted:committed:B +3000, available:committed:B -3000 ≥0, posted:free:B -3000, available:free:B +3000 ≥0"},
	{what: "budget.moved", on: budget, legs: "free:B 10 plan:L 10 plan:B -10 free:L -10", adds: "posted:free:B +1000, available:free:B -1000 ≥0, posted:plan:L +1000, posted:plan:B -1000, posted:free:L -1000, available:free:L +1000 ≥0"},
	{what: "transfer.made", on: transferID, legs: "unapplied:C 100 payable:M 1 payable:S -80 unapplied:M -1 commission:cleaning -18.87 output_tax:vat6 -1.13", adds: "posted:unapplied:C +10000, available:unapplied:C -10000 ≥0, posted:payable:M +100, available:payable:M -100 ≥0, posted:payable:S -8000, available:payable:S +8000 ≥0, posted:unapplied:M -100, available:unapplied:M +100 ≥0, posted:commission:cleaning -1887, posted:output_tax:vat6 -113"},
	{what: "transfer.held", on: transferID, legs: "unapplied:C 100 payable:M 1 payable:S -80 unapplied:M -1 commission:cleaning -18.87 output_tax:vat6 -1.13", adds: "available:unapplied:C -10000 ≥0, available:payable:M -100 ≥0"},
	{what: "transfer.settled", on: transferID, legs: "unapplied:C 20 payable:M 10 payable:S -24 unapplied:M -3 commission -2 output_tax -1", adds: "posted:unapplied:C +2000, posted:payable:M +1000, posted:payable:S -2400, available:payable:S +2400 ≥0, posted:unapplied:M -300, available:unapplied:M +300 ≥0, posted:commission -200, posted:output_tax -100"},
	{what: "transfer.settled", on: transferID, legs: "", adds: "posted:unapplied:C +6000, posted:payable:M +4000, posted:payable:S -8000, available:payable:S +8000 ≥0, posted:unapplied:M -500, available:unapplied:M +500 ≥0, posted:commission -1300, posted:output_tax -200"},
	{what: "transfer.closed", on: transferID, legs: "unapplied:C 20 payable:M 10 payable:S -24 unapplied:M -3 commission -2 output_tax -1", adds: "posted:unapplied:C +2000, posted:payable:M +1000, posted:payable:S -2400, available:payable:S +2400 ≥0, posted:unapplied:M -300, available:unapplied:M +300 ≥0, posted:commission -200, posted:output_tax -100, available:unapplied:C +4000 ≥0, available:payable:M +3000 ≥0"},
	{what: "transfer.voided", on: transferID, legs: "", adds: "available:unapplied:C +6000 ≥0, available:payable:M +4000 ≥0"},
	{what: "account.opened", on: opening, legs: "opening 1 receivable:M 2 advance:E 3 bank:house 4 input_tax:vat6 5 gateway_fee:sandbox 6 marketing 7 clearing:sandbox 8 payable:M -36", adds: "posted:opening +100, posted:receivable:M +200, available:receivable:M +200 ≥0, posted:advance:E +300, available:advance:E +300 ≥0, posted:bank:house +400, posted:input_tax:vat6 +500, posted:gateway_fee:sandbox +600, posted:marketing +700, posted:clearing:sandbox +800, posted:payable:M -3600, available:payable:M +3600 ≥0"},
	{what: "account.opened", on: opening, legs: "opening 28 payable:M -1 reserve:M -2 deposit:M -3 unapplied:C -4 output_tax -5 commission -6 cancel_fee -7", adds: "posted:opening +2800, posted:payable:M -100, available:payable:M +100 ≥0, posted:reserve:M -200, available:reserve:M +200 ≥0, posted:deposit:M -300, available:deposit:M +300 ≥0, posted:unapplied:C -400, available:unapplied:C +400 ≥0, posted:output_tax -500, posted:commission -600, posted:cancel_fee -700"},
	{what: "year.closed", on: opening, legs: "revenue 1 commission 2 cancel_fee 3 onboarding 4 advertising 5 dunning_fee 6 penalty 7 difference 8 cost_of_service -1 gateway_fee:sandbox -2 bad_debt -3 chargeback_loss -4 compensation -5 reward -6 payroll -7 marketing -8 expense -9 retained 9", adds: "posted:revenue +100, posted:commission +200, posted:cancel_fee +300, posted:onboarding +400, posted:advertising +500, posted:dunning_fee +600, posted:penalty +700, posted:difference +800, posted:cost_of_service -100, posted:gateway_fee:sandbox -200, posted:bad_debt -300, posted:chargeback_loss -400, posted:compensation -500, posted:reward -600, posted:payroll -700, posted:marketing -800, posted:expense -900, posted:retained +900"},
	{what: "year.closed", on: opening, legs: "revenue -1 commission -2 cancel_fee -3 onboarding -4 advertising -5 dunning_fee -6 penalty -7 difference -8 cost_of_service 1 gateway_fee:sandbox 2 bad_debt 3 chargeback_loss 4 compensation 5 reward 6 payroll 7 marketing 8 expense 9 retained -9", adds: "posted:revenue -100, posted:commission -200, posted:cancel_fee -300, posted:onboarding -400, posted:advertising -500, posted:dunning_fee -600, posted:penalty -700, posted:difference -800, posted:cost_of_service +100, posted:gateway_fee:sandbox +200, posted:bad_debt +300, posted:chargeback_loss +400, posted:compensation +500, posted:reward +600, posted:payroll +700, posted:marketing +800, posted:expense +900, posted:retained -900"},
	{what: "year.closed", on: opening, legs: "revenue 10 difference -3 retained -7", adds: "posted:revenue +1000, posted:difference -300, posted:retained -700"},
}

// given are the bookings that must be there before a fact that ends a hold.
var given = map[string][]writing{
	"chargeback.won": {lent, charged, secured}, "chargeback.lost": {lent, charged, secured}, "chargeback.partly_lost": {lent, charged, secured},
	"deposit.paid": {deposited, returning}, "deposit.payment_failed": {deposited, returning},
	"claim.paid": {claimed, paying}, "claim.payment_failed": {claimed, paying},
	"transfer.settled": {lent, moving}, "transfer.closed": {lent, moving}, "transfer.voided": {lent, moving},
}

var (
	lent      = writing{what: "account.opened", on: opening, legs: "opening 160 payable:M -100 unapplied:C -60"}
	charged   = writing{what: "chargeback.received", on: dispute, legs: "chargeback:D 100 clearing:sandbox -100"}
	secured   = writing{what: "chargeback.held", on: dispute, legs: "payable:M 100 chargeback:D -100"}
	deposited = writing{what: "deposit.received", on: contract, legs: "bank:house 50 deposit:M -50"}
	returning = writing{what: "deposit.returned", on: contract, legs: "deposit:M 50 bank:house -50"}
	claimed   = writing{what: "claim.approved", on: claim, legs: "expense:hq.travel 20 payable:E -20"}
	paying    = writing{what: "claim.sent", on: claim, legs: "payable:E 20 bank:house -20"}
	moving    = writing{what: "transfer.held", on: transferID, legs: "unapplied:C 60 payable:M 40 payable:S -80 unapplied:M -5 commission -13 output_tax -2"}

	// shared is a chargeback that everybody bears a part of, of which more is held
	// than is lost.
	shared = []writing{
		{what: "order.taken_over", on: order, legs: "opening 4 escrow:O -2 earning:O:M -2"},
		{what: "account.opened", on: opening, legs: "opening 12 payable:M -3 reserve:M -4 deposit:M -5"},
		{what: "tip.captured", on: attempt, legs: "clearing:sandbox 2 tips:O -2"},
		charged,
		{what: "chargeback.held", on: dispute, legs: "escrow:O 2 earning:O:M 2 payable:M 3 reserve:M 4 deposit:M 5 receivable:M 6 tips:O 2 commission 7 cancel_fee 8 revenue 9 output_tax 10 chargeback_loss 42 chargeback:D -100"},
	}
)

func (w writing) booking(t testing.TB) booking {
	t.Helper()
	long := map[string]string{}
	for i := 0; i < len(letters); i += 2 {
		long[letters[i+1]] = letters[i]
	}
	var legs []platform.Leg
	words := strings.Fields(w.legs)
	for i := 0; i < len(words); i += 2 {
		parts := strings.Split(words[i], ":")
		for j, part := range parts[1:] {
			if id, known := long[part]; known {
				parts[j+1] = id
			}
		}
		a, err := ParseAccount(strings.Join(parts, ":"))
		require.NoError(t, err, w.what)
		amount, code, foreign := strings.Cut(words[i+1], "/")
		if !foreign {
			code = "CNY"
		}
		legs = append(legs, platform.Leg{Role: a.Role, Of: a.Of, Party: a.Party, Amount: platform.MustMoney(amount, code)})
	}
	return booked(w.what, w.on, legs...)
}

// written are the cases above as those of TestEveryRecipeMovesExactlyItsAccounts.
func written(t testing.TB) (all []recipeCase) {
	t.Helper()
	for _, w := range writings {
		c := recipeCase{booking: w.booking(t)}
		if w.after == nil {
			w.after = given[w.what]
		}
		for _, before := range w.after {
			c.given = append(c.given, before.booking(t))
		}
		for add := range strings.SplitSeq(w.adds, ", ") {
			if add != "" {
				c.adds = append(c.adds, add)
			}
		}
		all = append(all, c)
	}
	return all
}
