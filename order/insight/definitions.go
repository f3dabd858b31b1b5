package insight

import (
	"cmp"
	"fmt"
	"strconv"
)

// definitions are the measures. Every figure comes from one row.
var definitions = []Definition{
	{
		Name: "placed", Version: 1, Sort: Count, By: ByPlaced,
		Numerator: Text{"orders placed", "已下订单数"}, Denominator: Text{"one", "一"},
		of: func(Journey, Terms) []sample { return []sample{{over: 1, under: 1}} },
	},
	{
		Name: "gmv_gross", Version: 1, Sort: Amount, By: ByCompleted,
		Numerator: Text{"price of completed orders at completion", "订单完成时的成交金额"}, Denominator: Text{"one", "一"},
		of: func(j Journey, _ Terms) []sample { return amount(j.Sold) },
	},
	{
		Name: "gmv", Version: 1, Sort: Amount, By: ByCompleted,
		Numerator: Text{"price of completed orders at completion, less refunds paid in the 30 days after", "成交金额减去完成后30天内已退款额"}, Denominator: Text{"one", "一"},
		of: func(j Journey, t Terms) []sample {
			sold := amount(j.Sold)
			for i := range sold {
				back, _ := j.back(t.Net)
				sold[i].over -= back
			}
			return sold
		},
	},
	{
		Name: "take_rate", Version: 1, Sort: Ratio, By: ByCompleted,
		Numerator:   Text{"the platform's fees of completed orders, less what it gave of refunds in the 30 days after", "平台费用减去完成后30天内退还的部分"},
		Denominator: Text{"gmv", "净成交金额"},
		of: func(j Journey, t Terms) []sample {
			sold := amount(j.Sold)
			for i := range sold {
				back, fee := j.back(t.Net)
				sold[i].over, sold[i].under = j.Fee.Minor()-fee, sold[i].over-back
			}
			return sold
		},
	},
	{
		Name: "funnel", Version: 1, Sort: Rate, By: ByPlaced, Cells: "step",
		Numerator:   Text{"orders that reached the step within 7 days of being placed", "下单后7天内到达该步骤的订单数"},
		Denominator: Text{"orders that reached the step before", "到达上一步骤的订单数"},
		of: func(j Journey, t Terms) []sample {
			steps := []struct {
				name    string
				reached bool
			}{{"confirmed", j.within(j.Confirmed, t.Convert)}, {"started", j.within(j.Started, t.Convert)}, {"completed", j.within(j.Completed, t.Convert)}}
			var all []sample
			for i, s := range steps {
				all = append(all, sample{key: fmt.Sprintf("%d.%s", i+1, s.name), over: one(s.reached), under: 1})
				if !s.reached {
					break
				}
			}
			return all
		},
	},
	{
		Name: "fill_rate", Version: 1, Sort: Rate, By: ByConfirmed,
		Numerator: Text{"seats that a member accepted", "已被接受的岗位数"}, Denominator: Text{"seats of confirmed orders", "已确认订单的岗位数"},
		of: func(j Journey, _ Terms) []sample {
			n, _ := j.accepted()
			if j.Seats == 0 {
				return nil
			}
			return []sample{{over: n, under: int64(j.Seats)}}
		},
	},
	{
		Name: "time_to_accept", Version: 1, Sort: Median, By: ByConfirmed,
		Numerator: Text{"seconds from a seat's first offer to its acceptance, median", "岗位首次派单到接受的秒数，中位数"}, Denominator: Text{"one", "一"},
		of: func(j Journey, _ Terms) []sample { _, after := j.accepted(); return after },
	},
	{
		Name: "time_to_accept_p90", Version: 1, Sort: P90, By: ByConfirmed,
		Numerator: Text{"seconds from a seat's first offer to its acceptance, 90th percentile", "岗位首次派单到接受的秒数，九成分位"}, Denominator: Text{"one", "一"},
		of: func(j Journey, _ Terms) []sample { _, after := j.accepted(); return after },
	},
	{
		Name: "on_time_start", Version: 1, Sort: Rate, By: ByStarted,
		Numerator:   Text{"of those, begun no later than 15 minutes after the planned start", "其中于计划时间后15分钟内开始的订单数"},
		Denominator: Text{"orders begun that had a planned start, but for those delayed by customer or force majeure", "有计划开始时间且非因客户或不可抗力延误的已开始订单数"},
		of: func(j Journey, t Terms) []sample {
			onTime := !j.Started.After(j.Planned.Add(t.Late))
			return rate(!j.Planned.IsZero() && !j.excused(), onTime)
		},
	},
	{
		Name: "first_time_right", Version: 1, Sort: Rate, By: ByCompleted,
		Numerator:   Text{"of those, without rework, dispute, or a refund by anybody's fault but the customer's", "其中无返工、无争议且无非客户过错退款的订单数"},
		Denominator: Text{"orders completed", "已完成订单数"},
		of: func(j Journey, _ Terms) []sample {
			_, forFault := j.refunded()
			return rate(true, j.Reworked.IsZero() && j.Disputed.IsZero() && !forFault)
		},
	},
	{
		Name: "cancellation_rate", Version: 1, Sort: Rate, By: ByConfirmed,
		Numerator: Text{"of those, cancelled", "其中已取消的订单数"}, Denominator: Text{"orders confirmed", "已确认订单数"},
		of: func(j Journey, _ Terms) []sample { return rate(true, !j.Cancelled.IsZero()) },
	},
	{
		Name: "cancellation_by_fault", Version: 1, Sort: Rate, By: ByConfirmed, Cells: "fault",
		Numerator: Text{"of those, cancelled by the fault", "其中因该方过错取消的订单数"}, Denominator: Text{"orders confirmed", "已确认订单数"},
		of: func(j Journey, _ Terms) []sample { return byFault(j.Fault, !j.Cancelled.IsZero()) },
	},
	{
		Name: "no_show_rate", Version: 1, Sort: Rate, By: ByConfirmed, Cells: "who",
		Numerator: Text{"of those, orders to which they did not come", "其中该方未到场的订单数"}, Denominator: Text{"orders confirmed", "已确认订单数"},
		of: func(j Journey, _ Terms) []sample {
			return []sample{{key: "customer", over: one(j.absent("customer")), under: 1}, {key: "staff", over: one(j.absent("staff")), under: 1}}
		},
	},
	{
		Name: "refund_rate", Version: 1, Sort: Rate, By: ByCompleted,
		Numerator: Text{"of those, with money paid back after completion", "其中完成后发生退款的订单数"}, Denominator: Text{"orders completed", "已完成订单数"},
		of: func(j Journey, _ Terms) []sample { paid, _ := j.refunded(); return rate(true, paid) },
	},
	{
		Name: "refund_by_fault", Version: 1, Sort: Rate, By: ByCompleted, Cells: "fault",
		Numerator: Text{"of those, with money paid back after completion by the fault", "其中完成后因该方过错退款的订单数"}, Denominator: Text{"orders completed", "已完成订单数"},
		of: refundFaults,
	},
	{
		Name: "refund_amount_rate", Version: 1, Sort: Ratio, By: ByCompleted,
		Numerator: Text{"money paid back in the 30 days after completion", "完成后30天内的退款额"}, Denominator: Text{"gmv_gross", "成交金额"},
		of: func(j Journey, t Terms) []sample {
			sold := amount(j.Sold)
			for i := range sold {
				back, _ := j.back(t.Net)
				sold[i].over, sold[i].under = back, sold[i].over
			}
			return sold
		},
	},
	{
		Name: "dispute_rate", Version: 1, Sort: Rate, By: ByConfirmed,
		Numerator: Text{"of those, with a dispute or a chargeback", "其中发生争议或拒付的订单数"}, Denominator: Text{"orders confirmed", "已确认订单数"},
		of: func(j Journey, _ Terms) []sample { return rate(true, !j.Disputed.IsZero()) },
	},
	{
		Name: "basket", Version: 1, Sort: Median, By: ByPlaced,
		Numerator: Text{"price of an order as placed, median", "下单金额，中位数"}, Denominator: Text{"one", "一"},
		of: func(j Journey, _ Terms) []sample { return amount(j.Asked) },
	},
	{
		Name: "lead_time", Version: 1, Sort: Median, By: ByPlaced,
		Numerator: Text{"seconds from placing to the planned start, median", "下单到计划开始的秒数，中位数"}, Denominator: Text{"one", "一"},
		of: func(j Journey, _ Terms) []sample { return lasted(j.Placed, j.Planned) },
	},
	{
		Name: "time_to_complete", Version: 1, Sort: Median, By: ByCompleted,
		Numerator: Text{"seconds from placing to completion, median", "下单到完成的秒数，中位数"}, Denominator: Text{"one", "一"},
		of: func(j Journey, _ Terms) []sample { return lasted(j.Placed, j.Completed) },
	},
	{
		Name: "by_hour", Version: 1, Sort: Count, By: ByPlaced, Cells: "hour", Disjoint: true, keys: numbered("%02d", 0, 24),
		Numerator: Text{"orders placed in the hour of the day", "该小时下单数"}, Denominator: Text{"one", "一"},
		of: func(j Journey, t Terms) []sample {
			return []sample{{key: j.Placed.In(t.Zone).Format("15"), over: 1, under: 1}}
		},
	},
	{
		Name: "by_weekday", Version: 1, Sort: Count, By: ByPlaced, Cells: "weekday", Disjoint: true, keys: numbered("%d", 1, 8),
		Numerator: Text{"orders placed on the day of the week, Monday 1", "该星期几的下单数，周一为1"}, Denominator: Text{"one", "一"},
		of: func(j Journey, t Terms) []sample {
			return []sample{{key: strconv.Itoa((int(j.Placed.In(t.Zone).Weekday())+6)%7 + 1), over: 1, under: 1}}
		},
	},
	{
		Name: "by_zone", Version: 1, Sort: Count, By: ByPlaced, Cells: "zone", Disjoint: true,
		Numerator: Text{"orders placed in the zone", "该区域下单数"}, Denominator: Text{"one", "一"},
		of: func(j Journey, _ Terms) []sample {
			return []sample{{key: cmp.Or(string(j.Zone), "none"), over: 1, under: 1}}
		},
	},
}

// refundFaults is an observation for each fault; an order with several refunds
// may have several.
func refundFaults(j Journey, _ Terms) []sample {
	all := byFault("", false)
	for _, r := range j.Refunds {
		for i := range all {
			if !r.Paid.IsZero() && !r.Paid.Before(j.Completed) && faultOf(r.Fault) == all[i].key {
				all[i].over = 1
			}
		}
	}
	return all
}

func numbered(format string, from, until int) (keys []string) {
	for n := from; n < until; n++ {
		keys = append(keys, fmt.Sprintf(format, n))
	}
	return keys
}
