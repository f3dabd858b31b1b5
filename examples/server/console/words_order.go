package console

// orderWords are the words of orders and of who carries them out.
var orderWords = map[string]word{
	"order.awaiting_payment": {"Awaiting payment", "待付款"},
	"order.confirmed":        {"Confirmed", "已确认"},
	"order.assigned":         {"Assigned", "已派单"},
	"order.in_progress":      {"In progress", "进行中"},
	"order.delivered":        {"Delivered", "已交付"},
	"order.rework":           {"Rework", "返工"},
	"order.completed":        {"Completed", "已完成"},
	"order.closed":           {"Closed", "已关闭"},
	"order.expired":          {"Expired", "已过期"},
	"order.declined":         {"Declined", "已拒单"},
	"order.cancelled":        {"Cancelled", "已取消"},

	"fault.customer": {"Customer", "客户"},
	"fault.merchant": {"Merchant", "商家"},
	"fault.platform": {"Platform", "平台"},

	"screening.allow":    {"Allowed", "通过"},
	"screening.review":   {"Under review", "审核中"},
	"screening.cleared":  {"Cleared", "已放行"},
	"screening.rejected": {"Rejected", "已拒绝"},

	"timer.pay":    {"expires unpaid", "未付过期"},
	"timer.answer": {"declined without answer", "未应答拒单"},
	"timer.accept": {"accepted by itself", "自动验收"},
	"timer.rework": {"rework is overdue", "返工逾期"},
	"timer.close":  {"closes", "关闭"},

	"line.service": {"Service", "服务"},

	"cancel.what": {"Whose doing is it? The fee is kept of what was paid, the rest goes back.", "责任方是谁？费用从已付款中扣除，其余退回。"},

	"assignment.offered":       {"Offered", "已派出"},
	"assignment.accepted":      {"Accepted", "已接单"},
	"assignment.en_route":      {"En route", "在途"},
	"assignment.arrived":       {"Arrived", "已到达"},
	"assignment.working":       {"Working", "作业中"},
	"assignment.done":          {"Done", "已完工"},
	"assignment.declined":      {"Declined", "已拒单"},
	"assignment.expired":       {"Expired", "已过期"},
	"assignment.withdrawn":     {"Withdrawn", "已撤回"},
	"assignment.released":      {"Released", "已释放"},
	"assignment.staff_no_show": {"No show", "未到场"},

	"actor.customer": {"customer", "客户"},
	"actor.merchant": {"merchant", "商家"},
	"actor.staff":    {"staff", "人员"},
	"actor.operator": {"operator", "运营"},
	"actor.system":   {"system", "系统"},
	"actor.auditor":  {"auditor", "审计"},
}
