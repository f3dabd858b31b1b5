package closing

import "github.com/liangding/platform"

// Refusals of this package. Months out of order and reopening are refused by
// [finance.Periods].
var (
	ErrChecklist = platform.Err(platform.ErrState, "close.checklist", "an item of the checklist is neither green nor waived", "结账检查项未通过且未豁免")
	ErrWaiver    = platform.Err(platform.ErrInvalid, "close.waiver", "only an open item that is no proof of the books can be waived", "仅可豁免未通过且非账务证明的检查项")
	ErrOperator  = platform.Err(platform.ErrDenied, "close.operator", "only operators close periods", "仅运营人员可结账")
	ErrReader    = platform.Err(platform.ErrDenied, "close.reader", "only operators and auditors read statements", "仅运营与审计人员可查看报表")
	ErrMonth     = platform.Err(platform.ErrInvalid, "close.month", "a month is written 2026-03, a quarter 2026-Q1", "月份格式为2026-03，季度格式为2026-Q1")
	ErrCutoff    = platform.Err(platform.ErrState, "close.cut_off", "auditors rely on the month: it stays closed", "该月已被审计依赖，不得重新打开")
	ErrYear      = platform.Err(platform.ErrState, "close.year", "a year is closed once, in its soft-closed December", "年度仅可在十二月软关账后结转一次")
	ErrQuarter   = platform.Err(platform.ErrState, "tax.quarter", "a quarter is reported when its months are closed for good", "季度各月结账后方可申报")
	ErrExemption = platform.Err(platform.ErrState, "tax.exemption", "an exemption has a term that is not over and overlaps no other", "免税期限须未结束且不得重叠")
	ErrUnchanged = platform.Err(platform.ErrState, "tax.unchanged", "nothing has changed since the last version", "自上一版本以来没有变化")
)
