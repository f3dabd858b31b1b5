package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Sink takes events out of the platform, or to a part of it that follows the
// log. It gets each event at least once, under the event's id; a subject's
// events are ordered by their Version, not by arrival.
//
// An error leaves all events for later, in ever smaller lots, so that one that
// can never be taken holds up no other; a [*LeftError] leaves some. ctx ends after
// eight seconds: a sink that has not returned then has failed, and is not called
// again until it has.
type Sink interface {
	Publish(ctx context.Context, events []platform.Event) error
}

// LeftError is the error of a sink that did not take all it was handed. What it does
// not name was taken.
type LeftError struct {
	Failed  map[platform.ID]error // was tried
	Untried []platform.ID         // was not, and may be at any time
	Wait    time.Duration         // the sink wants no call before; 0: whenever
}

// Error tells how many are left.
func (l *LeftError) Error() string {
	return fmt.Sprintf("%d events failed and %d were not tried", len(l.Failed), len(l.Untried))
}

// Unwrap are the failures.
func (l *LeftError) Unwrap() []error {
	all := make([]error, 0, len(l.Failed))
	for _, err := range l.Failed {
		all = append(all, err)
	}
	return all
}

// Errors of the relay and its sinks.
var (
	// ErrHopeless is what a sink fails with, or wraps, when no later try can
	// succeed: the delivery is parked at once.
	ErrHopeless = platform.Err(platform.ErrState, "sink.hopeless", "the receiver will never take this", "接收方不会接受此事件")

	// ErrParked reports deliveries that the relay has given up.
	ErrParked = platform.Err(platform.ErrUnavailable, "relay.parked", "deliveries were given up and wait for somebody to send them again", "投递已搁置，等待人工重发")

	errSlow  = platform.Err(platform.ErrUnavailable, "sink.slow", "the sink did not return in time", "接收端超时")
	errPanic = platform.Err(platform.ErrUnavailable, "sink.panic", "the sink panicked", "接收端异常")
	errRelay = platform.Err(platform.ErrInvalid, "relay.sinks", "a relay needs an outbox, and each of its sinks a name", "中继须有发件箱且每个接收端须有名称")
)

func hopeless(err error) bool { return errors.Is(err, ErrHopeless) }

// Inbox returns a ctx in which a consumer gives its next command on account of
// an event: however often the event comes, the command has one effect, since it
// goes under the event's id as its key, by the consumer as its actor. The command
// must follow from the event alone.
func Inbox(ctx context.Context, consumer string, e platform.Event) context.Context {
	return platform.WithKey(platform.As(ctx, platform.SystemActor(consumer)), string(e.ID))
}
