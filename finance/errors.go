package finance

import "github.com/liangding/platform"

// Refusals of this package. An account that lacks the money is refused by the
// store, see the package comment.
var (
	ErrLegs         = platform.Err(platform.ErrInvalid, "ledger.legs", "a posting has 2 to 1,000 legs, one an account", "分录须有2至1000行，每账户一行")
	ErrUnbalanced   = platform.Err(platform.ErrInvalid, "ledger.unbalanced", "debits and credits differ", "借贷不平")
	ErrRole         = platform.Err(platform.ErrInvalid, "ledger.role", "no such account", "没有此账户")
	ErrRecipe       = platform.Err(platform.ErrInvalid, "ledger.recipe", "not how this fact is booked", "不符合此业务的记账规则")
	ErrEffective    = platform.Err(platform.ErrInvalid, "ledger.effective", "a fact needs its moment", "业务缺少发生时间")
	ErrPendingEnded = platform.Err(platform.ErrState, "ledger.pending_ended", "the hold was settled or voided already", "该冻结已结清或已解除")
	ErrReader       = platform.Err(platform.ErrDenied, "ledger.reader", "only operators and auditors read the whole book", "仅运营与审计人员可查看总账")
	ErrOverflow     = platform.Err(platform.ErrInvalid, "money.overflow", "the sum is too large for a report", "合计超出范围")
	ErrFeeVersion   = platform.Err(platform.ErrInvalid, "fee.version", "a fee schedule needs its version", "费率表缺少版本")
	ErrFeeRange     = platform.Err(platform.ErrInvalid, "fee.range", "a fee rate lies between 0 and 1", "费率须在0与1之间")
)
