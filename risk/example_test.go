package risk_test

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/store/memory"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func refundRate() risk.Indicator {
	return risk.Indicator{
		Name: "refund_rate", Metric: "refund.requested/order.completed", Owner: "care", Direction: risk.Above,
		Warn: risk.Bound{Fire: decimal.RequireFromString("0.10"), Recover: decimal.RequireFromString("0.05")},
	}
}

func event(what string, n uint64) platform.Event {
	id := platform.NewID("evt", noon, 7, n)
	return platform.Event{ID: id, Type: what, At: noon.Add(-time.Minute), Subject: platform.Ref{Kind: "order", ID: id.As("ord")}}
}

// speaker prints what people are told.
type speaker struct{}

func (speaker) Notify(_ context.Context, to []platform.Ref, _, text string) error {
	fmt.Println(to[0], text)
	return nil
}

func ExampleService_Tick() {
	db := memory.New(risk.Kinds(), nil)
	counts := risk.NewCounts(db, refundRate())
	clock := noon
	s, err := risk.New(platform.Writer{Store: db, Now: func() time.Time { return clock }}, risk.StoreOn(db),
		risk.Ports{Meter: counts, Notifier: speaker{}}, &risk.Options{Indicators: []risk.Indicator{refundRate()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := platform.As(context.Background(), platform.Actor{ID: "opr-1", Kind: platform.Operator})
	for n := range uint64(4) {
		_ = counts.Publish(ctx, []platform.Event{event("order.completed", n)})
	}
	_ = counts.Publish(ctx, []platform.Event{event("refund.requested", 9)})

	for range 6 {
		if _, err := s.Tick(ctx, clock, 0); err != nil {
			fmt.Println(err)
		}
		clock = clock.Add(time.Minute)
	}
	firing, err := s.Alerts(ctx, risk.AlertFiring, "", 0)
	fmt.Println(len(firing.Items), err)
	a, err := s.Acknowledge(ctx, risk.Acknowledge{Alert: firing.Items[0].ID})
	fmt.Println(a.State, err)
	// Output:
	// role/operator fired: warning: indicator refund_rate is 0.25 (1/4, owner care)
	// 1 <nil>
	// acknowledged <nil>
}

func ExampleIndicator_Step() {
	var c risk.Condition
	for n, refunds := range []int64{12, 12, 12, 7, 4, 4, 4} {
		at := noon.Add(time.Duration(n) * 5 * time.Minute)
		var moves []risk.Move
		c, moves = refundRate().Step(c, &risk.Sample{At: at, Numerator: refunds, Denominator: 100}, at)
		fmt.Println(c.Phase, moves)
	}
	// Output:
	// pending []
	// firing [fired]
	// firing []
	// firing []
	// recovering []
	// recovering []
	// inactive [resolved]
}

func ExampleCounts() {
	counts := risk.NewCounts(memory.New(risk.Kinds(), nil), refundRate())
	again := event("refund.requested", 1)
	_ = counts.Publish(context.Background(), []platform.Event{again, again, event("order.completed", 2), event("order.completed", 3)})

	fmt.Println(counts.Measure(context.Background(), "refund.requested/order.completed", noon.Add(-time.Hour), noon))
	// Output:
	// 1 2 <nil>
}
