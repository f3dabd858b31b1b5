package claim

import "github.com/liangding/platform"

// Refusals of this package.
var (
	ErrVoucher          = platform.Err(platform.ErrInvalid, "claim.voucher", "each item needs its voucher: file, seller and purpose", "每项须附凭证：文件、销售方与用途")
	ErrDuplicateVoucher = platform.Err(platform.ErrConflict, "claim.duplicate_voucher", "a voucher was claimed already", "凭证已被报销")
	ErrAge              = platform.Err(platform.ErrInvalid, "claim.age", "the expense is of the future, or too long ago", "费用日期在未来或已过期")
	ErrLimit            = platform.Err(platform.ErrInvalid, "claim.limit", "above the limit, which needs a reason", "超出标准，须说明原因")
	ErrCurrency         = platform.Err(platform.ErrInvalid, "claim.currency", "a claim is in one currency, and its budget lines too", "报销单与预算须为同一币种")
	ErrAmount           = platform.Err(platform.ErrInvalid, "claim.amount", "an amount is above zero, and its tax a part of it", "金额须为正数，税额为其一部分")
	ErrMatrix           = platform.Err(platform.ErrInvalid, "claim.matrix", "the matrix has no row for every amount", "审批矩阵未覆盖所有金额")

	ErrSelfApproval = platform.Err(platform.ErrDenied, "claim.self_approval", "nobody decides on their own claim", "不得审批本人的报销单")
	ErrTurn         = platform.Err(platform.ErrDenied, "claim.turn", "it is not your turn", "未轮到您审批")
	ErrPayer        = platform.Err(platform.ErrDenied, "claim.payer", "claiming, approving, paying and confirming a payment take different people", "报销、审批、付款与付款确认须由不同人员执行")

	ErrNotDraft        = platform.Err(platform.ErrState, "claim.not_draft", "the claim is on its way already", "报销单已提交")
	ErrNotPending      = platform.Err(platform.ErrState, "claim.not_pending", "the claim waits for no approval", "报销单不在审批中")
	ErrNotWithdrawable = platform.Err(platform.ErrState, "claim.not_withdrawable", "too late to withdraw", "已无法撤回")
	ErrNotApproved     = platform.Err(platform.ErrState, "claim.not_approved", "the claim waits to be booked no more", "报销单不待入账")
	ErrNotPayable      = platform.Err(platform.ErrState, "claim.not_payable", "nothing is due on the claim", "报销单无应付款")
	ErrNotPaying       = platform.Err(platform.ErrState, "claim.not_paying", "no payment is under way", "没有进行中的付款")
	ErrNotReclaimable  = platform.Err(platform.ErrState, "claim.not_reclaimable", "only what was paid is reclaimed", "仅已付款的报销可追回")
	ErrNothingNew      = platform.Err(platform.ErrState, "claim.nothing_new", "that was known already", "没有新的信息")

	ErrAdvanceOpen = platform.Err(platform.ErrState, "claim.advance_open", "one advance at a time", "尚有未结清的备用金")
	ErrAdvance     = platform.Err(platform.ErrState, "claim.advance_state", "not possible for this advance now", "备用金目前不可操作")
	ErrAdvanceSelf = platform.Err(platform.ErrDenied, "claim.advance_self", "nobody grants or settles their own advance", "不得审批或结清本人的备用金")

	errSealer = platform.Err(platform.ErrUnavailable, "claim.unsealable", "vouchers cannot be kept here", "此处无法保存凭证信息")
	errActor  = platform.Err(platform.ErrDenied, "claim.actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")
	errLines  = platform.Err(platform.ErrUnavailable, "claim.lines", "what the budget tells of its lines cannot be read", "无法读取预算科目")
)
