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
	errOpener       = platform.Err(platform.ErrDenied, "ledger.opener", "only operators open accounts", "仅运营人员可录入期初余额")
	ErrOpened       = platform.Err(platform.ErrState, "ledger.opened", "the account was opened by another balance", "该账户已录入其他期初余额")
	errOpenRole     = platform.Err(platform.ErrInvalid, "ledger.open_role", "an account of an order is opened with its order, and the account opening by the others", "订单账户须随订单录入，期初科目由其他科目形成")
	errOpenAmount   = platform.Err(platform.ErrInvalid, "ledger.open_amount", "an opening balance is above zero, in the account's normal direction", "期初余额须为账户正常方向的正数")
	errOpenTime     = platform.Err(platform.ErrInvalid, "ledger.open_time", "a balance is opened as of a moment that has passed", "期初时间须为过去时间")
	ErrOverflow     = platform.Err(platform.ErrInvalid, "money.overflow", "the sum is too large for a report", "合计超出范围")
	ErrFeeVersion   = platform.Err(platform.ErrInvalid, "fee.version", "a fee schedule needs its version", "费率表缺少版本")
	ErrFeeRange     = platform.Err(platform.ErrInvalid, "fee.range", "a fee rate lies between 0 and 1", "费率须在0与1之间")
)
