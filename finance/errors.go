package finance

import "github.com/liangding/platform"

// Refusals of this package. An account that lacks the money is refused by the
// store, code floor; [Service.Transfer] and its like say ErrInsufficient instead.
var (
	ErrLegs         = platform.Err(platform.ErrInvalid, "ledger.legs", "a posting has 2 to 1,000 legs, one an account", "分录须有2至1000行，每账户一行")
	ErrUnbalanced   = platform.Err(platform.ErrInvalid, "ledger.unbalanced", "debits and credits differ", "借贷不平")
	ErrRole         = platform.Err(platform.ErrInvalid, "ledger.role", "no such account", "没有此账户")
	ErrRecipe       = platform.Err(platform.ErrInvalid, "ledger.recipe", "not how this fact is booked", "不符合此业务的记账规则")
	ErrMemoMixed    = platform.Err(platform.ErrInvalid, "ledger.memo_mixed", "memo accounts are booked among themselves", "备查账户只能相互记账")
	ErrEffective    = platform.Err(platform.ErrInvalid, "ledger.effective", "a fact needs its moment, at most a day ahead; one of more than three days ago its reason", "业务须有发生时间，至多提前一天；早于三天的须说明原因")
	ErrPendingEnded = platform.Err(platform.ErrState, "ledger.pending_ended", "the hold is over: settled, voided or expired", "该冻结已结清、已解除或已到期")
	ErrPendingOpen  = platform.Err(platform.ErrState, "ledger.pending_open", "the hold is not due yet", "该冻结尚未到期")

	ErrPart          = platform.Err(platform.ErrInvalid, "ledger.part", "without a key, the n of a part is how many came before it", "无幂等键时，部分结算的序号须为此前已结算的次数")
	ErrPeriodClosed  = platform.Err(platform.ErrState, "ledger.period_closed", "the period is closed", "会计期间已关闭")
	ErrPeriod        = platform.Err(platform.ErrState, "close.order", "months are closed one after the other, each when it has been over for a day", "月份须依次关闭，且须在月末一天之后")
	ErrNotLast       = platform.Err(platform.ErrState, "close.not_last", "only the last closed period can be opened again, once it was asked for", "仅可申请重开最近关闭的期间")
	ErrCloseFourEyes = platform.Err(platform.ErrDenied, "close.four_eyes", "two operators open a period again", "重开期间须两名运营人员")

	ErrPendingExceeds  = platform.Err(platform.ErrState, "ledger.pending_exceeds", "more than the hold has left", "超出冻结余额")
	ErrReversalExceeds = platform.Err(platform.ErrState, "ledger.reversal_exceeds", "more than is left of the posting to reverse", "超出可冲销余额")
	ErrInsufficient    = platform.Err(platform.ErrState, "ledger.insufficient", "the account has not enough", "账户余额不足")
	ErrFrozen          = platform.Err(platform.ErrState, "ledger.frozen", "the account is frozen in this direction", "账户在此方向已冻结")
	ErrAccountClosed   = platform.Err(platform.ErrState, "ledger.account_closed", "the account is closed", "账户已关闭")
	ErrAccountInUse    = platform.Err(platform.ErrState, "ledger.account_in_use", "only an account that is frozen both ways and empty can be closed", "仅双向冻结且余额为零的账户可关闭")
	ErrKeyReused       = platform.Err(platform.ErrInvalid, "ledger.key_reused", "the fact is in the books already, with other legs", "该业务已入账，但分录不同")
	ErrSubject         = platform.Err(platform.ErrInvalid, "ledger.subject", "a transfer needs a key, or each of its steps a subject", "转账须有幂等键，或每一步均有业务对象")
	ErrRestless        = platform.Err(platform.ErrConflict, "ledger.restless", "the account did not stand still; try again", "账户变动频繁，请重试")
	ErrAccountant      = platform.Err(platform.ErrDenied, "ledger.accountant", "only operators with the role accountant write free legs", "仅会计角色可录入自由分录")
	ErrFourEyes        = platform.Err(platform.ErrDenied, "ledger.four_eyes", "whoever proposed it cannot decide on it", "提出人不得自行审批")
	ErrJournalEnded    = platform.Err(platform.ErrState, "ledger.journal_ended", "the journal was decided on already", "该凭证已审批")
	errDesk            = platform.Err(platform.ErrDenied, "ledger.desk", "only operators work on the ledger", "仅运营人员可操作总账")
	errSize            = platform.Err(platform.ErrInvalid, "ledger.size", "a batch has 1 to 10,000 groups", "批次须有1至10000组")

	ErrReader     = platform.Err(platform.ErrDenied, "ledger.reader", "only operators and auditors read the whole book", "仅运营与审计人员可查看总账")
	errOpener     = platform.Err(platform.ErrDenied, "ledger.opener", "only operators open accounts", "仅运营人员可录入期初余额")
	ErrOpened     = platform.Err(platform.ErrState, "ledger.opened", "the account was opened by another balance", "该账户已录入其他期初余额")
	errOpenRole   = platform.Err(platform.ErrInvalid, "ledger.open_role", "an account of an order is opened with its order, and the account opening by the others", "订单账户须随订单录入，期初科目由其他科目形成")
	errOpenAmount = platform.Err(platform.ErrInvalid, "ledger.open_amount", "an opening balance is above zero, in the account's normal direction", "期初余额须为账户正常方向的正数")
	errOpenTime   = platform.Err(platform.ErrInvalid, "ledger.open_time", "a balance is opened as of a moment that has passed", "期初时间须为过去时间")
	ErrOverflow   = platform.Err(platform.ErrInvalid, "money.overflow", "the sum is too large for a report", "合计超出范围")
)
