package console

// policyWords are the words of cancellation policies and no-shows.
var policyWords = map[string]word{
	"nav.policies":   {"Cancellation", "取消政策"},
	"title.policies": {"Cancellation policies", "取消政策"},
	"title.policy":   {"Cancellation policy", "取消政策"},

	"policies.what":    {"What cancelling costs whom. An order keeps the version that was in effect when it was placed. One operator drafts a version through the API, another publishes it; then it never changes.", "规定取消费用由谁承担。订单沿用下单时生效的版本。一人通过接口起草，另一人发布；发布后永不更改。"},
	"policies.built":   {"from the start", "自始生效"},
	"policies.broken":  {"It cannot be published:", "无法发布："},
	"policies.try":     {"What would it cost?", "费用试算"},
	"policies.with":    {"and of", "另一责任方"},
	"policies.way":     {"Members", "人员"},
	"policies.hours":   {"Hours to start", "距开始（小时）"},
	"policies.minutes": {"Minutes since payment", "付款后（分钟）"},
	"policies.moved":   {"Moved before", "改期次数"},
	"policies.done":    {"Done, %", "完成 %"},
	"policies.price":   {"Price it", "试算"},
	"policies.fee":     {"Fee", "费用"},
	"policies.amends":  {"Amends to the customer", "对客户的补偿"},
	"policies.bearer":  {"borne by", "承担方："},
	"policies.when":    {"When", "条件"},
	"policies.tostart": {"start in", "距开始"},
	"policies.since":   {"paid", "付款后"},
	"policies.athome":  {"nobody has set out", "尚未出发"},
	"policies.share":   {"or the share done", "或按完成比例"},
	"policies.shares":  {"Platform / merchant / members, %", "平台/商家/人员 %"},
	"policies.sale":    {"as a sale", "同销售"},

	"policy_state.draft":     {"Draft", "草稿"},
	"policy_state.published": {"Published", "已发布"},
	"policy_state.discarded": {"Discarded", "已作废"},

	"policy_way.en_route": {"on the way", "在途"},
	"policy_way.arrived":  {"there", "已到达"},
	"policy_way.no_show":  {"there, customer absent", "到达而客户不在"},

	"policy_bearer.merchant": {"merchant", "商家"},
	"policy_bearer.operator": {"platform", "平台"},

	"fault.staff_no_show": {"Member did not come", "人员爽约"},
	"fault.force_majeure": {"Force majeure", "不可抗力"},
	"fault.both":          {"Both", "双方"},

	"no_show.no_show_charged": {"Customer absent, charged", "客户爽约，已收费"},
	"no_show.no_show_waived":  {"Customer absent, waived", "客户爽约，已免除"},

	"assignment.customer_no_show": {"Customer absent", "客户爽约"},
	"timer.staff":                 {"cancelled unless others come", "无人到场则取消"},

	"move.publish-policy":  {"Publish", "发布"},
	"done.publish-policy":  {"Published.", "已发布。"},
	"move.discard-policy":  {"Discard", "作废"},
	"done.discard-policy":  {"Discarded.", "已作废。"},
	"move.waive":           {"Waive the fee of the no-show", "免除爽约费"},
	"done.waive":           {"The fee goes back.", "爽约费已退回。"},
	"reason.good_customer": {"Good customer", "优质客户"},

	"event.policy.drafted":              {"Policy drafted", "政策起草"},
	"event.policy.published":            {"Policy published", "政策发布"},
	"event.policy.discarded":            {"Policy discarded", "政策作废"},
	"event.order.no_show":               {"No-show", "爽约"},
	"event.order.no_show_waived":        {"Fee of the no-show waived", "爽约费免除"},
	"event.assignment.contacted":        {"Customer called on", "尝试联系客户"},
	"event.assignment.customer_no_show": {"Customer absent", "客户爽约"},
	"event.assignment.moved":            {"Moved with its order", "随订单改期"},
	"kind.order.policy":                 {"Cancellation policy", "取消政策"},
	"kind.order.absence":                {"Absence of a customer", "客户缺席"},
}
