package invoice

import "github.com/liangding/platform"

// Refusals.
var (
	ErrTitle      = platform.Err(platform.ErrInvalid, "invoice.title", "a title is 1 to 100 visible characters", "发票抬头须为1至100个可见字符")
	ErrTaxID      = platform.Err(platform.ErrInvalid, "invoice.tax_id", "not a unified social credit code (GB 32100)", "统一社会信用代码无效（GB 32100）")
	ErrLine       = platform.Err(platform.ErrInvalid, "invoice.line", "no such line, or twice", "没有此行，或重复")
	ErrAmount     = platform.Err(platform.ErrInvalid, "invoice.amount", "an amount is positive", "金额须为正数")
	ErrKind       = platform.Err(platform.ErrInvalid, "invoice.kind", "invoices of this kind are not issued here", "此处不开具该类发票")
	ErrExceeds    = platform.Err(platform.ErrState, "invoice.exceeds", "more than can be invoiced", "超过可开票金额")
	ErrRedExceeds = platform.Err(platform.ErrState, "invoice.red_exceeds", "more than the invoice has left", "超过发票可红冲余额")
	ErrTooMany    = platform.Err(platform.ErrState, "invoice.too_many", "there are too many invoices of this", "同一业务的发票过多")
	ErrNothingNew = platform.Err(platform.ErrState, "invoice.nothing_new", "known already", "没有新的信息")
	ErrNotDue     = platform.Err(platform.ErrState, "invoice.not_due", "not due yet", "尚未到期")
	ErrRequester  = platform.Err(platform.ErrDenied, "invoice.requester", "only who asked for it may do that", "仅申请人可操作")

	ErrNotRequestable = platform.Err(platform.ErrState, "invoice.not_requestable", "asked for already", "已申请")
	ErrNotIssuable    = platform.Err(platform.ErrState, "invoice.not_issuable", "the invoice is under way or over", "发票正在开具或已结束")
	ErrNotCancellable = platform.Err(platform.ErrState, "invoice.not_cancellable", "an invoice that was sent can only be reversed", "已提交的发票只能红冲")
	ErrNotHeld        = platform.Err(platform.ErrState, "invoice.not_held", "the invoice has no red letter that waits for an operator", "该发票没有待人工处理的红字发票")
	ErrNotReversible  = platform.Err(platform.ErrState, "invoice.not_reversible", "only an issued invoice can be reversed, by one letter at a time", "仅已开具的发票可红冲，且一次一张")

	errSale     = platform.Err(platform.ErrUnavailable, "invoice.sale_unreadable", "what is to be invoiced cannot be read", "无法读取待开票业务")
	errNoSealer = platform.Err(platform.ErrUnavailable, "invoice.title_unsealable", "titles cannot be kept here", "此处无法保存发票抬头")
)
