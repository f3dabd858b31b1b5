package nats

import (
	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Refusals of a sink's settings and of a stream's.
var (
	ErrPrefix    = platform.Err(platform.ErrInvalid, "nats.prefix", "not a subject that events may begin with", "主题前缀无效")
	ErrReconnect = platform.Err(platform.ErrInvalid, "nats.reconnect", "the connection would give up: connect with MaxReconnects(-1)", "连接会放弃重连，请以 MaxReconnects(-1) 建立")
	ErrDiffers   = platform.Err(platform.ErrConflict, "nats.stream_differs",
		"the stream is there with other settings: change it by hand, or ask for what it has", "同名流的设置不同，请手动修改或按其现有设置申请")
)

// Why an event was not delivered. The last two are for good.
var (
	ErrUnreachable = platform.Err(platform.ErrUnavailable, "nats.unreachable", "the broker does not answer", "消息服务无应答")
	ErrNoStream    = platform.Err(platform.ErrUnavailable, "nats.no_stream",
		"no stream takes the events: make one with Ensure, on servers with JetStream", "没有流接收这些事件，请在启用 JetStream 的服务器上用 Ensure 创建")
	ErrRefused  = platform.Err(platform.ErrUnavailable, "nats.refused", "the broker refused", "消息服务拒绝")
	ErrTooLarge = platform.Err(store.ErrHopeless, "nats.too_large", "the event is larger than a message may be", "事件超出消息大小上限")
	ErrType     = platform.Err(store.ErrHopeless, "nats.type", "the event's type is too long for a subject", "事件类型过长，无法作为主题")
)
