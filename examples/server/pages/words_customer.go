package pages

// customerWords are those of finding and ordering a service.
var customerWords = map[string]word{
	"title.services": {"Services", "服务"},
	"title.service":  {"Service", "服务"},
	"field.search":   {"What do you need?", "您需要什么服务？"},
	"services.order": {"In the order of the catalogue. Nobody pays for a place, and everybody sees the same.", "按目录顺序排列。无付费排名，所有人看到的一致。"},
	"services.none":  {"Nothing found.", "未找到。"},
	"services.all":   {"Show everything", "显示全部"},

	"service.lowest":    {"lowest price of the last 30 days:", "近30日最低价："},
	"service.scope":     {"What is done", "服务内容"},
	"service.result":    {"What you can expect", "服务标准"},
	"service.warranty":  {"If it is not right", "售后保障"},
	"service.time":      {"How long", "所需时间"},
	"service.minutes":   {"minutes", "分钟"},
	"service.people":    {"Who comes", "服务人员"},
	"service.merchant":  {"the merchant itself", "商家自行服务"},
	"service.confirmed": {"Confirmation", "确认方式"},
	"confirmation.auto": {"at once when paid", "付款后立即确认"},

	"confirmation.manual": {"by the merchant, after you have paid", "付款后由商家确认"},

	"service.ask":      {"What would it cost?", "查询价格"},
	"service.price":    {"Show the whole price", "查看总价"},
	"service.reviews":  {"Last ratings of the merchant", "商家最近评分"},
	"service.reviewed": {"Only who had an order completed can rate.", "仅完成订单的客户可评分。"},
	"field.quantity":   {"How many", "数量"},
	"field.start":      {"When (leave empty for as soon as possible)", "开始时间（留空为尽快）"},
	"hint.start":       {"By the clock of", "按时区："},

	"quote.title": {"The whole price", "总价"},
	"quote.lines": {"Everything that you pay", "您需支付的全部费用"},
	"quote.total": {"Total", "合计"},
	"quote.all":   {"Taxes and fees are included. Nothing is added later without your consent.", "已含税费。未经您同意不会增加任何费用。"},
	"quote.later": {"You pay on the next page. Until then cancelling is free.", "下一步付款。付款前取消免费。"},

	"field.note": {"Note for whoever comes (optional)", "备注（选填）"},
	"hint.note":  {"Kept sealed. Please no card numbers.", "加密保存。请勿填写卡号。"},

	"cancel.terms": {"What cancelling costs", "取消费用"},
	"cancel.when":  {"If you cancel", "取消时间"},
	"cancel.fee":   {"Fee", "费用"},
	"cancel.ours":  {"You pay nothing when the merchant or the platform cannot keep the order.", "因商家或平台原因取消时，您无需付费。"},

	"move.place": {"Order with obligation to pay", "提交订单"},
	"done.place": {"Ordered. Now pay, so that it is confirmed.", "已下单，请付款以确认。"},
}
