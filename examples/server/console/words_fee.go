package console

// feeWords are the words of fee schedules.
var feeWords = map[string]word{
	"nav.fees":   {"Fees", "费率"},
	"title.fees": {"Fee schedules", "费率表"},
	"title.fee":  {"Fee schedule", "费率表"},

	"fees.what":    {"One operator drafts a version, another publishes it at least seven days before it starts; then it never changes. Drafts are made through the API.", "一人起草，另一人至少提前七天发布；发布后永不更改。草稿通过接口提交。"},
	"fees.more":    {"Difference for each merchant, last month's orders priced anew", "按上月订单重新计价，各商家的差额"},
	"fees.partial": {"Only a part of the month was looked at.", "仅统计了当月的一部分订单。"},
	"fees.nosales": {"Last month no order was priced by this schedule.", "上月没有订单按此费率表计价。"},
	"fees.always":  {"everything", "全部"},
	"fees.open":    {"until the next", "至下一版本"},

	"part.rules":    {"Rules", "规则"},
	"part.whatif":   {"What if", "试算"},
	"part.feelines": {"Fees as they were stated", "费用说明"},

	"field.version":   {"Version", "版本"},
	"field.component": {"Component", "项目"},
	"field.payer":     {"Paid by", "承担方"},
	"field.per":       {"Reckoned by", "计费单位"},
	"field.back":      {"When refunded", "退款时"},
	"fee_tax.tax":     {"Tax", "税"},
	"field.when":      {"Of", "适用于"},
	"fee.price":       {"Rate", "费率"},
	"field.bounds":    {"Bounds", "上下限"},
	"field.drafted":   {"Drafted by", "起草人"},
	"field.published": {"Published by", "发布人"},
	"field.month":     {"Month", "月份"},
	"field.orders":    {"Orders", "订单数"},
	"field.before":    {"Before", "原费用"},
	"field.after":     {"After", "新费用"},
	"field.more":      {"Difference", "差额"},
	"field.payers":    {"Payer", "承担方"},

	"fee_state.draft":     {"Draft", "草稿"},
	"fee_state.published": {"Published", "已发布"},
	"fee_state.discarded": {"Discarded", "已作废"},

	"fee.commission":  {"Commission", "佣金"},
	"fee.payment_fee": {"Payment fee", "支付手续费"},
	"fee.service_fee": {"Service fee", "服务费"},
	"fee.placement":   {"Placement", "推广费"},

	"fee_payer.merchant": {"merchant", "商家"},
	"fee_payer.customer": {"customer", "客户"},
	"fee_per.order":      {"order", "订单"},
	"fee_per.line":       {"line", "行"},

	"fee_back.pro_rata":               {"given back as the line is", "随退款按比例退还"},
	"fee_back.kept":                   {"kept", "不退"},
	"fee_back.kept_if_customer_fault": {"kept if the customer is at fault", "因客户原因退款时不退"},

	"fee_by.marginal": {"each slice at its rate", "分段计费"},
	"fee_by.whole":    {"all at one rate", "全额按所在级计费"},
	"fee_by.volume":   {"by last month's volume", "按上月交易额"},

	"fee_tax.inside": {"inside", "含税"},
	"fee_tax.ontop":  {"on top", "另加"},

	"move.publish-fees": {"Publish", "发布"},
	"move.discard-fees": {"Discard", "作废"},
	"done.publish-fees": {"The schedule is published.", "费率表已发布。"},
	"done.discard-fees": {"The draft is discarded.", "草稿已作废。"},
	"reason.mistake":    {"A mistake", "有误"},

	"event.fee.drafted":   {"Fee schedule drafted", "起草费率表"},
	"event.fee.published": {"Fee schedule published", "发布费率表"},
	"event.fee.discarded": {"Fee schedule discarded", "作废费率表"},
	"event.fee.bound":     {"Merchant bound to a fee schedule", "商家适用费率表"},
	"event.fee.continued": {"A fee schedule goes on without a successor", "费率表到期后继续沿用"},

	"part_of.fee.schedule": {"fee schedule", "费率表"},
	"part_of.fee.binding":  {"fee binding", "费率适用"},
}
