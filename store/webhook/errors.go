package webhook

import (
	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Refusals of an endpoint's settings and of messages.
var (
	ErrURL       = platform.Err(platform.ErrInvalid, "webhook.url", "not an https address that may be called", "回调地址须为允许访问的 https 地址")
	ErrSecret    = platform.Err(platform.ErrInvalid, "webhook.secret", "one or two secrets of 24 to 64 bytes in base64", "须有一至两个24至64字节的base64密钥")
	ErrSignature = platform.Err(platform.ErrDenied, "webhook.signature", "the signature does not fit", "签名不符")
	ErrStale     = platform.Err(platform.ErrDenied, "webhook.stale", "the message is too old, or of the future", "消息时间超出允许范围")
)

// Why an event was not delivered. The last two are for good.
var (
	ErrUnreachable = platform.Err(platform.ErrUnavailable, "webhook.unreachable", "the receiver does not answer", "接收方无应答")
	ErrPrivate     = platform.Err(platform.ErrUnavailable, "webhook.private", "the receiver's address is not a public one", "接收方地址非公网地址")
	ErrFailing     = platform.Err(platform.ErrUnavailable, "webhook.failing", "the receiver fails", "接收方出错")
	ErrBusy        = platform.Err(platform.ErrUnavailable, "webhook.busy", "the receiver asks to wait", "接收方要求稍后再试")
	ErrRefused     = platform.Err(platform.ErrUnavailable, "webhook.refused", "the receiver refused the message", "接收方拒绝该消息")
	ErrGone        = platform.Err(store.ErrHopeless, "webhook.gone", "the receiver is gone; the endpoint is disabled", "接收方已撤销，端点已停用")
	ErrTooLarge    = platform.Err(store.ErrHopeless, "webhook.too_large", "the event is larger than a message may be", "事件超出消息大小上限")
)
