package pages

// commonWords stand on the pages of everybody.
var commonWords = map[string]word{
	"site":    {"Services", "服务市场"},
	"skip":    {"To the content", "跳到正文"},
	"nav":     {"Main", "主导航"},
	"logout":  {"Log out", "退出"},
	"problem": {"That did not work.", "操作未成功。"},
	"zone":    {"Times are those of", "时间所在时区："},
	"first":   {"First page", "首页"},
	"next":    {"Next page", "下一页"},
	"reason":  {"Reason", "原因"},
	"choose":  {"Please choose", "请选择"},
	"search":  {"Search", "搜索"},

	"go.services": {"Services", "服务"},
	"go.orders":   {"Orders", "订单"},
	"go.disputes": {"Disputes", "争议"},
	"go.due":      {"What is due", "待办资料"},

	"hint.hashed":  {"Its fingerprint was taken. The picture stays on your device.", "已提取指纹，图片保留在您的设备上。"},
	"hint.picture": {"Its fingerprint (SHA-256) is kept, not the picture; keep the picture. Without a script it may have 1 MB at most.", "仅保存指纹（SHA-256），不保存图片；请自行保留图片。未启用脚本时不超过 1 MB。"},
	"hint.sealed":  {"Kept sealed: only who must read it can have it opened.", "加密保存：仅有权人员可申请查看。"},

	"cancel.before":   {"Before it is paid and confirmed", "付款并确认之前"},
	"cancel.begun":    {"Once the work has begun", "服务开始之后"},
	"cancel.over":     {"More than %s before the start", "距开始超过 %s"},
	"cancel.between":  {"From %s to %s before the start", "距开始 %s至 %s"},
	"cancel.under":    {"Less than %s before the start, or no start was agreed", "距开始不足 %s，或未约定开始时间"},
	"cancel.fresh":    {"within %s of paying", "付款后 %s内"},
	"cancel.settled":  {"later than %s after paying", "付款超过 %s"},
	"cancel.and":      {", ", "，"},
	"cancel.free":     {"free", "免费"},
	"cancel.share":    {"%s, or as much as is done", "%s，或按已完成比例（取高）"},
	"cancel.least":    {", at least %s", "，至少 %s"},
	"cancel.most":     {", at most %s", "，最多 %s"},
	"span.hours":      {"%d h", "%d 小时"},
	"span.minutes":    {"%d min", "%d 分钟"},
	"change.priced":   {"waits for an answer", "待答复"},
	"change.approved": {"agreed, waits for the payment", "已同意，待付款"},
}
