package pages

// merchantWords are those of the people who sell.
var merchantWords = map[string]word{
	"go.desk":     {"Today", "工作台"},
	"go.listings": {"Listings", "服务管理"},

	"title.desk":      {"What waits for you", "待处理事项"},
	"desk.answers":    {"Orders to answer", "待接单"},
	"desk.until":      {"Answer until", "答复截止"},
	"desk.silence":    {"An order without an answer is declined by itself, and the customer gets everything back.", "逾期未答复将自动拒单并全额退款。"},
	"desk.more":       {"There are more confirmed orders.", "还有更多已确认订单。"},
	"desk.disputes":   {"Disputes: your turn", "待答复的争议"},
	"desk.due":        {"To be proved", "待提交资料"},
	"desk.blocks":     {"otherwise blocked:", "否则将限制："},
	"desk.may":        {"Not possible now", "当前受限"},
	"desk.all":        {"All requirements", "全部资料要求"},
	"desk.money":      {"Your money", "资金"},
	"desk.available":  {"Goes out with the next payout", "下次打款"},
	"desk.earned":     {"Earned, order not closed yet", "待结算"},
	"desk.transit":    {"On its way to you", "打款中"},
	"desk.reserved":   {"Kept back", "预留"},
	"desk.debt":       {"You owe", "欠款"},
	"desk.statements": {"Statements and payouts", "对账单与打款记录"},
	"desk.noaccount":  {"No payout account is registered.", "尚未登记收款账户。"},
	"desk.nothing":    {"Nothing.", "无。"},

	"title.listings":   {"My listings", "我的服务"},
	"listings.none":    {"No listings yet.", "暂无服务。"},
	"listings.draft":   {"Draft:", "草稿："},
	"listings.since":   {"waits since", "等待自"},
	"listings.why":     {"Taken down:", "下架原因："},
	"listings.nothing": {"not live yet", "尚未上架"},

	"listing.unlisted":   {"Not live yet", "未上架"},
	"listing.live":       {"Live", "在售"},
	"listing.paused":     {"Paused", "已暂停"},
	"listing.taken_down": {"Taken down", "已下架"},

	"revision.draft":     {"in preparation", "准备中"},
	"revision.in_review": {"in review", "审核中"},
	"revision.approved":  {"approved, not live yet", "已通过，未上架"},
	"revision.rejected":  {"sent back", "已退回"},

	"move.pause":   {"Pause", "暂停"},
	"done.pause":   {"Paused: it cannot be ordered now.", "已暂停接单。"},
	"move.resume":  {"Sell again", "恢复"},
	"done.resume":  {"It can be ordered again.", "已恢复接单。"},
	"move.go-live": {"Show the approved draft", "上架"},
	"done.go-live": {"It is live.", "已上架。"},
}
