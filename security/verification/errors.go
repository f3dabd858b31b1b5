package verification

import "github.com/liangding/platform"

// Refusals that callers act on. Every refusal has a stable code.
var (
	ErrDecided = platform.Err(platform.ErrState, "review.already_decided", "it is decided already", "已有审核决定")
	ErrSelf    = platform.Err(platform.ErrDenied, "review.self", "nobody decides on what is their own or what they entered", "不得审核本人或本人录入的内容")
	ErrTie     = platform.Err(platform.ErrDenied, "review.tie", "nobody decides on whom they introduced", "不得审核本人引荐的对象")
	ErrSame    = platform.Err(platform.ErrDenied, "review.same_person", "another person has to decide", "须由另一人决定")
	ErrTooMany = platform.Err(platform.ErrState, "verification.too_many", "handed in too often or too soon", "提交过于频繁")
	ErrClosed  = platform.Err(platform.ErrState, "verification.closed", "this capability is not open", "此权限未开放")
	ErrDue     = platform.Err(platform.ErrState, "verification.currently_due", "something has to be proved first", "须先完成认证")
	ErrPast    = platform.Err(platform.ErrState, "verification.past_due", "the time to prove something is over", "认证已逾期")
	ErrRevoked = platform.Err(platform.ErrState, "verification.revoked", "a proof was revoked", "认证已被撤销")
)

var (
	errCode       = platform.Err(platform.ErrInvalid, "verification.code_unknown", "no such requirement", "无此认证项")
	errScope      = platform.Err(platform.ErrInvalid, "verification.not_applicable", "this is not asked of the party", "此认证项不适用")
	errFile       = platform.Err(platform.ErrInvalid, "verification.file", "at most 20 files, PDF, JPEG or PNG, each with its SHA-256 and at most 20 MiB", "最多20个文件，须为PDF、JPEG或PNG，附SHA-256，单个不超过20 MiB")
	errValidity   = platform.Err(platform.ErrInvalid, "verification.validity", "valid from now on, for five years at most", "有效期须晚于当前且不超过五年")
	errConsent    = platform.Err(platform.ErrInvalid, "verification.consent", "needs consent", "须取得同意")
	errSealer     = platform.Err(platform.ErrInvalid, "verification.not_sealable", "personal data cannot be kept here", "此处无法保存个人信息")
	errMissing    = platform.Err(platform.ErrInvalid, "verification.missing", "is required", "为必填项")
	errOpen       = platform.Err(platform.ErrState, "verification.open", "one is open already", "已有进行中的提交")
	errParty      = platform.Err(platform.ErrInvalid, "verification.party", "neither merchant, staff nor customer", "须为商家、服务人员或用户")
	errCheck      = platform.Err(platform.ErrInvalid, "verification.check_unknown", "no such check", "无此核验")
	errNotDue     = platform.Err(platform.ErrState, "verification.not_due", "its time has not come", "时间未到")
	errWaivable   = platform.Err(platform.ErrInvalid, "verification.not_waivable", "identity, sanction lists and legal licences cannot be waived", "身份、制裁名单与法定资质不可豁免")
	errWaiver     = platform.Err(platform.ErrInvalid, "verification.waiver", "a waiver ends within 180 days", "豁免期限须在180天内")
	errWaived     = platform.Err(platform.ErrState, "verification.waiver_decided", "the waiver is decided already", "豁免已有决定")
	errNoReopen   = platform.Err(platform.ErrState, "verification.nothing_reopened", "nothing verified depends on that", "没有已认证项依赖于此")
	errDraftable  = platform.Err(platform.ErrState, "verification.not_draftable", "cannot be begun", "不可开始")
	errSubmit     = platform.Err(platform.ErrState, "verification.not_submittable", "cannot be handed in", "不可提交")
	errVerifiable = platform.Err(platform.ErrState, "verification.not_verifiable", "cannot be verified", "不可认证通过")
	errRejectable = platform.Err(platform.ErrState, "verification.not_rejectable", "cannot be rejected", "不可驳回")
	errExpirable  = platform.Err(platform.ErrState, "verification.not_expirable", "cannot expire", "不可过期")
	errRevocable  = platform.Err(platform.ErrState, "verification.not_revocable", "cannot be revoked", "不可撤销")
	errReopenable = platform.Err(platform.ErrState, "verification.not_reopenable", "cannot be reopened", "不可重新核验")
	errWithdraw   = platform.Err(platform.ErrState, "verification.not_withdrawable", "cannot be withdrawn", "不可撤回")
	errSupersede  = platform.Err(platform.ErrState, "verification.not_supersedable", "cannot be superseded", "不可替代")
)

// Refusals of requirement sets.
var (
	errPredicate = platform.Err(platform.ErrInvalid, "requirement.predicate", "the scope is no predicate: operators, depth 5, 50 terms", "适用范围条件无效")
	errInstead   = platform.Err(platform.ErrInvalid, "requirement.alternatives", "at most five others of the set, without a circle", "替代项最多五个，须属于同一集合且不得循环")
	errRule      = platform.Err(platform.ErrInvalid, "requirement.invalid", "not a requirement", "认证项无效")
	errTwice     = platform.Err(platform.ErrInvalid, "requirement.twice", "another requirement has this code", "认证项编码重复")
	errBasis     = platform.Err(platform.ErrInvalid, "rule.basis_missing", "needs a legal basis and an owner", "须有法律依据与负责人")
	errPublished = platform.Err(platform.ErrState, "rule.published", "a published version never changes", "已发布的版本不可更改")
	errEffective = platform.Err(platform.ErrInvalid, "rule.effective", "takes effect in the future, after the version before", "生效时间须晚于当前及上一版本")
	errWithdrawn = platform.Err(platform.ErrState, "rule.not_withdrawable", "is not in the book of rules", "不在规则目录中")
)

// Refusals of numbers by [Number.Check].
var (
	ErrNumberLength = platform.Err(platform.ErrInvalid, "number.length", "not the right length", "位数不正确")
	ErrNumberFormat = platform.Err(platform.ErrInvalid, "number.format", "contains what such a number cannot", "格式不正确")
	ErrNumberPart   = platform.Err(platform.ErrInvalid, "number.component", "a part of it, such as the date of birth, does not exist", "其中的日期等部分不存在")
	ErrNumberSum    = platform.Err(platform.ErrInvalid, "number.checksum", "the check digit does not fit", "校验码不正确")
)
