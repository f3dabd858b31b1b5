package console

// accessWords are the words of grants, emergency access, reviews of access and sealed values.
var accessWords = map[string]word{
	"access.what":      {"Who holds which role. One operator proposes a grant and another puts it in force; nobody gives to himself.", "账户与角色。授权由一人提议、另一人生效，任何人不得授予自己。"},
	"access.scope":     {"Merchant or zone; empty for all", "商家或区域；空为全部"},
	"access.ask":       {"Ask", "查询"},
	"access.proposed":  {"Proposed", "已提议"},
	"access.active":    {"In force", "生效"},
	"access.expired":   {"Expired", "已过期"},
	"access.revoked":   {"Revoked", "已撤销"},
	"access.requested": {"Requested", "已申请"},
	"access.granted":   {"Granted", "已批准"},
	"access.used":      {"Used", "已使用"},
	"access.reviewed":  {"Reviewed", "已复核"},
	"access.refused":   {"Refused", "已拒绝"},
	"access.open":      {"Open", "进行中"},
	"access.closed":    {"Closed", "已结束"},

	"breaks.what":   {"A few looks at sealed fields of one record, for a short time, for somebody whose roles do not permit them. Another person grants it, and its use is reviewed by the end of the next business day.", "角色不允许时，短时查看某一记录的少数密封字段。须由另一人批准，使用后须在下一工作日内复核。"},
	"breaks.silent": {"The person is not told:", "不告知当事人："},
	"breaks.late":   {"not reviewed in time", "逾期未复核"},
	"breaks.text":   {"The case; no personal data", "案情；勿填个人信息"},

	"campaigns.what": {"Every 90 days each grant is kept or revoked by somebody who does not hold it. What nobody decides in time lapses.", "每90天由非持有人逐项决定保留或撤销授权，逾期未决的自动失效。"},

	"outcome.open":    {"To be decided", "待决定"},
	"outcome.kept":    {"Kept", "保留"},
	"outcome.revoked": {"Revoked", "撤销"},
	"outcome.lapsed":  {"Lapsed", "失效"},
	"outcome.ended":   {"Had ended", "已先行终止"},

	"reveal.what": {"Shown once, here. The receipt says who asked, for what and why.", "仅在此处显示一次。回执记录查看人、用途与原因。"},
	"reveal.back": {"Back", "返回"},

	"sealed.note":               {"Note", "备注"},
	"sealed.profile.legal_name": {"Legal name", "法定名称"},
	"sealed.profile.licence":    {"Licence", "营业执照号"},
	"sealed.profile.contact":    {"Contact", "联系方式"},

	"use.sealing":     {"sealing of others", "密封他人信息"},
	"use.employment":  {"employment", "用工"},
	"use.review":      {"review", "评价"},
	"use.fulfilment":  {"carrying the order out", "履行订单"},
	"use.agreement":   {"the merchant's agreement", "商家签约"},
	"use.dispute":     {"settling a dispute", "处理纠纷"},
	"use.supervision": {"a duty towards an authority", "监管义务"},
}
