package order

import "github.com/liangding/platform"

// Refusals that a caller is likely to act upon. Each carries what it needs to
// know as a detail (see [platform.Details]).
var (
	// ErrPriceChanged has the detail "quote", a [Quote].
	ErrPriceChanged = platform.Err(platform.ErrState, "order.price_changed", "the price has changed", "价格已变动")
	// ErrCancelFeeChanged has the detail "quote", a [CancelQuote].
	ErrCancelFeeChanged = platform.Err(platform.ErrState, "order.cancel_fee_changed", "the cancellation fee is higher than agreed", "取消费用高于已同意的金额")
	// ErrRefundExceeds has the detail "refundable", an amount.
	ErrRefundExceeds = platform.Err(platform.ErrState, "order.refund_exceeds", "more than can still be refunded", "超出可退金额")
	// ErrProofMissing has the detail "missing", kinds of proof.
	ErrProofMissing = platform.Err(platform.ErrState, "order.proof_missing", "a demanded proof is missing", "缺少所要求的凭证")
	// ErrNotPayable answers money that comes for an order which takes none.
	ErrNotPayable = platform.Err(platform.ErrState, "order.not_payable", "the order takes no payment now", "订单目前不可支付")
	// ErrSeatTaken answers the second who fills a seat.
	ErrSeatTaken = platform.Err(platform.ErrState, "order.seat_taken", "the seat is taken", "席位已被占用")
	// ErrDisputed answers what would end an order over which a dispute is open, and
	// a second dispute.
	ErrDisputed = platform.Err(platform.ErrState, "order.disputed", "a dispute over the order is open", "订单存在未结争议")
	// ErrChangeOpen has the detail "change", an id.
	ErrChangeOpen = platform.Err(platform.ErrState, "change.open", "another change of the order is open", "订单已有待处理的变更")
	// ErrChangePrice has the detail "quote", a [Proposal].
	ErrChangePrice = platform.Err(platform.ErrState, "change.price_changed", "the change is not the one that was seen", "变更内容与所见不符")
	// ErrBlocked never says which rule decided.
	ErrBlocked = platform.Err(platform.ErrDenied, "order.blocked", "the order cannot be accepted", "订单无法受理")
)

// What a state refuses; the details name the state.
var (
	errNotPlaceable   = platform.Err(platform.ErrState, "order.not_placeable", "the order is placed already", "订单已提交")
	errNotExpirable   = platform.Err(platform.ErrState, "order.not_expirable", "the order does not wait for payment", "订单并非待支付")
	errNotClearable   = platform.Err(platform.ErrState, "order.not_clearable", "the order does not wait for a review", "订单并非待审核")
	errNotConfirmable = platform.Err(platform.ErrState, "order.not_confirmable", "the order does not wait for the merchant's answer", "订单并非待商家确认")
	errNotDeclinable  = platform.Err(platform.ErrState, "order.not_declinable", "the order can no longer be declined", "订单已不可拒绝")
	errNotStaffable   = platform.Err(platform.ErrState, "order.not_staffable", "the order takes no staff now", "订单目前不可派单")
	errNotUnstaffable = platform.Err(platform.ErrState, "order.not_unstaffable", "the order's staff cannot be released now", "订单目前不可撤回派单")
	errNotStartable   = platform.Err(platform.ErrState, "order.not_startable", "the work cannot begin now", "目前不可开始服务")
	errNotDeliverable = platform.Err(platform.ErrState, "order.not_deliverable", "the work cannot be handed over now", "目前不可交付")
	errNotCompletable = platform.Err(platform.ErrState, "order.not_completable", "the order cannot be completed now", "目前不可完成订单")
	errNotAcceptable  = platform.Err(platform.ErrState, "order.not_acceptable", "there is nothing to accept now", "目前没有可验收的内容")
	errNotReworkable  = platform.Err(platform.ErrState, "order.not_reworkable", "no rework can be asked for now", "目前不可要求返工")
	errNotCancellable = platform.Err(platform.ErrState, "order.not_cancellable", "the order cannot be cancelled now", "订单目前不可取消")
	errNotChangeable  = platform.Err(platform.ErrState, "order.not_changeable", "the order cannot be changed so now", "订单目前不可如此变更")
	errNotMissable    = platform.Err(platform.ErrState, "order.not_missable", "nobody waits for the customer now", "目前无人等待客户")
	errNotWaivable    = platform.Err(platform.ErrState, "order.not_waivable", "no fee of a no-show can be waived now", "目前没有可免除的爽约费用")
	errNoShowEarly    = platform.Err(platform.ErrState, "order.no_show_early", "nobody has arrived and waited long enough", "尚无人员到达并等候足够时间")
	errNoShowContacts = platform.Err(platform.ErrState, "order.no_show_contacts", "the customer was not tried to be reached often enough", "联系客户的次数不足")
	errNotRefundable  = platform.Err(platform.ErrState, "order.not_refundable", "the order cannot be refunded now", "订单目前不可退款")
	errNotCombinable  = platform.Err(platform.ErrState, "order.not_combinable", "these orders cannot be paid together", "这些订单不能合并支付")
	errNotTippable    = platform.Err(platform.ErrState, "order.not_tippable", "the order takes no tips now", "订单目前不可打赏")
	errNotClosable    = platform.Err(platform.ErrState, "order.not_closable", "the order cannot be closed now", "订单目前不可关闭")
	errNotCaptured    = platform.Err(platform.ErrState, "order.not_captured", "the order's money has not been received in full", "订单款项尚未全部收到")
	errNotSecured     = platform.Err(platform.ErrState, "order.not_secured", "the order's money is not secured", "订单款项尚未保障")
	errTimerStale     = platform.Err(platform.ErrState, "order.timer_stale", "the deadline is no longer set", "该期限已失效")
	errNotDisputed    = platform.Err(platform.ErrState, "order.not_disputed", "this dispute is not open over the order", "订单并无此项未结争议")
	errSeatEmpty      = platform.Err(platform.ErrState, "order.seat_empty", "the seat is empty", "席位为空")
)

// What is wrong with an input.
var (
	errActor         = platform.Err(platform.ErrDenied, "order.actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")
	errCustomer      = platform.Err(platform.ErrInvalid, "order.customer", "an operator orders on behalf of a customer", "运营人员须代客户下单")
	errNoLines       = platform.Err(platform.ErrInvalid, "order.no_lines", "an order has at least one line", "订单至少须有一行")
	errTooManyLines  = platform.Err(platform.ErrInvalid, "order.too_many_lines", "an order has at most 200 lines", "订单至多200行")
	errExtra         = platform.Err(platform.ErrInvalid, "order.extra_not_allowed", "no such extra is sold here", "不支持此类附加费用")
	errTotal         = platform.Err(platform.ErrInvalid, "order.total", "the total that the customer saw is missing", "缺少客户所见的总额")
	errMerchants     = platform.Err(platform.ErrInvalid, "order.merchant_mixed", "all lines of an order are of one merchant", "同一订单的各行须属于同一商家")
	errTermsMixed    = platform.Err(platform.ErrInvalid, "order.terms_mixed", "these listings cannot be ordered together", "这些服务不能合并下单")
	errListing       = platform.Err(platform.ErrState, "order.listing_not_live", "the listing is not on sale", "该服务未在售")
	errTerms         = platform.Err(platform.ErrUnavailable, "order.terms_unreadable", "the terms of the listing cannot be read", "无法读取该服务的条款")
	errFees          = platform.Err(platform.ErrUnavailable, "order.fees_unreadable", "the fees do not fit the lines", "费用与订单行不符")
	errScreening     = platform.Err(platform.ErrUnavailable, "order.screening_unreadable", "the screening gave no known outcome", "筛查未给出有效结论")
	errTimerStuck    = platform.Err(platform.ErrUnavailable, "timer.stuck", "a deadline could not be carried out", "到期事项未能执行")
	errNoStaffing    = platform.Err(platform.ErrUnavailable, "order.staffing_missing", "orders with staff are not served here", "此处不支持派单")
	errPresence      = platform.Err(platform.ErrUnavailable, "order.presence_unreadable", "where the members are cannot be read", "无法读取人员到场情况")
	errNoHolds       = platform.Err(platform.ErrUnavailable, "order.capture_unsupported", "money cannot be taken later here", "此处不支持延后扣款")
	errNoSealer      = platform.Err(platform.ErrUnavailable, "order.note_unsealable", "personal notes cannot be kept here", "此处无法保存个人备注")
	errStartPast     = platform.Err(platform.ErrInvalid, "order.start_past", "the start lies in the past", "开始时间已过")
	errStartFar      = platform.Err(platform.ErrInvalid, "order.start_far", "the start lies too far ahead", "开始时间过远")
	errInterval      = platform.Err(platform.ErrInvalid, "order.interval", "the end must lie after the start", "结束时间须晚于开始时间")
	errZone          = platform.Err(platform.ErrInvalid, "time.zone", "not a time zone of the IANA database", "不是IANA时区")
	errSeatUnknown   = platform.Err(platform.ErrInvalid, "order.seat_unknown", "the order has no such seat", "订单没有此席位")
	errQuery         = platform.Err(platform.ErrInvalid, "order.query", "orders cannot be listed by this combination", "不支持以此组合查询订单")
	errLineUnknown   = platform.Err(platform.ErrInvalid, "order.line_unknown", "the order has no such line", "订单没有此行")
	errNotice        = platform.Err(platform.ErrInvalid, "order.notice_missing", "a force majeure is by a notice of its authority, and nothing else is", "不可抗力须注明公告编号，其他情形不得填写")
	errProofTime     = platform.Err(platform.ErrInvalid, "proof.time", "the proof was not taken during the work", "凭证时间不在服务期间")
	errProofTooMany  = platform.Err(platform.ErrState, "proof.too_many", "an order has at most 30 proofs", "一个订单至多30份凭证")
	errPolicyUnknown = platform.Err(platform.ErrUnavailable, "policy.unknown", "the cancellation policy is not known here", "取消政策未知")
	errPolicyGap     = platform.Err(platform.ErrInvalid, "policy.gap", "no row of the policy answers a case", "政策存在空缺")
	errPolicyOverlap = platform.Err(platform.ErrInvalid, "policy.overlap", "two rows of the policy answer one case", "政策存在重叠")
	errPolicyShares  = platform.Err(platform.ErrInvalid, "policy.shares", "shares and rates lie between 0 and 1", "份额与比率须在0至1之间")
	errPolicyRow     = platform.Err(platform.ErrInvalid, "policy.row", "a row has a name of its own, and names faults, states and ways that there are", "每行须有唯一名称，并使用已知的责任方、状态与到场情况")
	errPolicyFacts   = platform.Err(platform.ErrInvalid, "policy.facts", "no order has such a fact", "订单不存在此类事实")
	errPolicyRange   = platform.Err(platform.ErrInvalid, "policy.range", "a bound of a fee is negative, or the least above the most", "费用限额为负，或下限高于上限")
)

// ErrTakenOver answers an order that was taken over already and differs now.
var ErrTakenOver = platform.Err(platform.ErrState, "order.taken_over", "the order was taken over already, with other content", "订单已接管且内容不同")

// What is wrong with an order that is to be taken over.
var (
	errTakenState    = platform.Err(platform.ErrInvalid, "order.state_not_taken_over", "no state in which an order goes on here", "该状态的订单不可接管")
	errTakenAmount   = platform.Err(platform.ErrInvalid, "order.amount", "an amount that is missing, below zero, of another currency, or above that of which it is a part", "金额缺失、为负、币种不符或超出其所属金额")
	errTakenTotal    = platform.Err(platform.ErrInvalid, "order.total_differs", "the lines do not come to the total", "各行合计与总额不符")
	errTakenPaid     = platform.Err(platform.ErrInvalid, "order.paid_differs", "the payments come to the total, and to less while the order awaits payment", "付款合计须等于总额；待支付订单须少于总额")
	errTakenReturned = platform.Err(platform.ErrInvalid, "order.returned_differs", "what the payments gave back is not what the lines gave", "付款退回合计与各行退款不符")
	errTakenMoment   = platform.Err(platform.ErrInvalid, "order.moment", "a moment that the state needs and is missing, or that lies ahead, before the last one, or beyond the state", "时间缺失、未到、顺序有误或超出该状态")
	errTakenWindows  = platform.Err(platform.ErrInvalid, "order.windows", "a window is above 0 and at most 400 days", "期限须大于0且不超过400天")
	errTakenTerms    = platform.Err(platform.ErrInvalid, "order.terms", "no order can be carried out under these terms", "无法按此条款履行订单")
	errTakenPolicy   = platform.Err(platform.ErrInvalid, "order.policy", "the cancellation policy is not known here", "取消政策未知")
	errTakenSeats    = platform.Err(platform.ErrInvalid, "order.members", "more members or fewer than the state has", "人员数量与状态不符")
	errTakenReworks  = platform.Err(platform.ErrInvalid, "order.reworks", "more reworks or fewer than the state has", "返工次数与状态不符")
	errTakenAnswer   = platform.Err(platform.ErrInvalid, "order.unanswered", "only a confirmed order under manual confirmation waits for an answer", "仅人工确认且已付款的订单可待商家确认")
)

// Refusals of what becomes of a policy.
var (
	errPolicyNotDraft    = platform.Err(platform.ErrState, "policy.not_draft", "only a draft can be published or given up", "仅草稿可发布或放弃")
	errPolicyFourEyes    = platform.Err(platform.ErrDenied, "policy.four_eyes", "somebody else must publish this policy", "须由他人发布此政策")
	errPolicyRetroactive = platform.Err(platform.ErrInvalid, "policy.retroactive", "a version takes effect after the one before it, and not at once", "新版本须在前一版本之后生效，且不可立即生效")
)

// Refusals of refunds.
var (
	errRefundPlaced        = platform.Err(platform.ErrState, "refund.not_requestable", "the refund exists already", "退款已存在")
	errRefundAmount        = platform.Err(platform.ErrInvalid, "refund.amount", "the amount of a refund is positive and the sum of its lines", "退款金额须为正数且等于各行之和")
	errRefundLine          = platform.Err(platform.ErrInvalid, "refund.line_unknown", "the order has no such line", "订单没有此行")
	errRefundNotApprovable = platform.Err(platform.ErrState, "refund.not_approvable", "the refund cannot be approved now", "退款目前不可批准")
	errRefundNotRejectable = platform.Err(platform.ErrState, "refund.not_rejectable", "the refund cannot be rejected now", "退款目前不可驳回")
	errRefundNotWithdrawn  = platform.Err(platform.ErrState, "refund.not_withdrawable", "the refund cannot be withdrawn now", "退款目前不可撤回")
	errRefundNotSendable   = platform.Err(platform.ErrState, "refund.not_sendable", "the refund does not wait to be paid", "退款并非待支付")
	errRefundOutcome       = platform.Err(platform.ErrInvalid, "refund.outcome", "no such outcome of a refund", "未知的退款结果")
	errRefundPlans         = platform.Err(platform.ErrInvalid, "refund.plans", "refunds are not planned here", "此处不提供退款方案")
	errRefundSources       = platform.Err(platform.ErrUnavailable, "refund.sources", "the accounts that would give do not make the amount", "出款账户合计与退款金额不符")
	errRefundSelf          = platform.Err(platform.ErrDenied, "refund.four_eyes", "somebody else must approve this refund", "须由他人批准此退款")
	errFeeSplit            = platform.Err(platform.ErrState, "refund.fee_exceeds", "more than is left of the cancellation fee", "超出剩余的取消费用")
	errRefundNotYours      = platform.Err(platform.ErrDenied, "refund.not_requester", "only who asked for a refund may withdraw it", "仅申请人可撤回退款")
)

// Refusals of tips.
var (
	errTipGiven         = platform.Err(platform.ErrState, "tip.given", "the tip exists already", "打赏已存在")
	errTipNotDue        = platform.Err(platform.ErrState, "tip.not_due", "the tip does not wait for that", "打赏并非待此处理")
	errTipNotRefundable = platform.Err(platform.ErrState, "tip.not_refundable", "the tip cannot be given back now", "打赏目前不可退回")
	errTipAmount        = platform.Err(platform.ErrInvalid, "tip.amount", "tips are positive, the sum of their shares, and with the order's others within its total and the limit", "打赏须为正数、等于各份之和，且累计不超过订单总额与上限")
	errTipMember        = platform.Err(platform.ErrInvalid, "tip.member", "tips are for those who did the work", "仅可打赏提供服务的人员")
)

// Refusals of changes.
var (
	errChangeNotProposable   = platform.Err(platform.ErrState, "change.not_proposable", "the change is proposed already", "变更已提出")
	errChangeNotApprovable   = platform.Err(platform.ErrState, "change.not_approvable", "the change does not wait for this answer", "该变更目前不可同意")
	errChangeNotRejectable   = platform.Err(platform.ErrState, "change.not_rejectable", "the change cannot be rejected now", "该变更目前不可拒绝")
	errChangeNotWithdrawable = platform.Err(platform.ErrState, "change.not_withdrawable", "the change cannot be taken back now", "该变更目前不可撤回")
	errChangeNotAppliable    = platform.Err(platform.ErrState, "change.not_appliable", "the change cannot be applied now", "该变更目前不可执行")
	errChangeStale           = platform.Err(platform.ErrState, "change.stale", "the terms of the order are others by now", "订单条款已变动")
	errChangeLimit           = platform.Err(platform.ErrState, "change.limit", "the plan was moved three times already", "改期次数已达上限")
	errChangeRefunded        = platform.Err(platform.ErrState, "change.refunded", "lines that were given back are not priced anew", "已有退款的订单行不可变更")
	errChangeNothing         = platform.Err(platform.ErrInvalid, "change.nothing", "the proposal changes nothing", "未提出任何变更")
	errChangeNotYours        = platform.Err(platform.ErrDenied, "change.not_proposer", "only who proposed a change may take it back", "仅提出方可撤回变更")
)
