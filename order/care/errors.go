package care

import "github.com/liangding/platform"

// Refusals of reviews and feedback.
var (
	errActor        = platform.Err(platform.ErrDenied, "care.actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")
	errNotCompleted = platform.Err(platform.ErrState, "care.not_reviewable", "the order is not completed", "订单尚未完成")
	errTooLate      = platform.Err(platform.ErrState, "care.too_late", "the time to review the order is over", "评价期已过")
	errReviewed     = platform.Err(platform.ErrState, "care.reviewed", "the order has a review already", "订单已有评价")
	errNoSealer     = platform.Err(platform.ErrUnavailable, "care.text_unsealable", "personal texts cannot be kept here", "此处无法保存个人文本")
	errSale         = platform.Err(platform.ErrUnavailable, "care.sale_unreadable", "the order cannot be read", "无法读取订单")
)
