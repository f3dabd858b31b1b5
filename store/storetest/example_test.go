package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

type ticket struct {
	platform.Head
	Seat int `json:"seat" class:"public"`
}

func (t ticket) Ref() platform.Ref { return platform.Ref{Kind: "ticket", ID: t.ID} }

type Sell struct {
	Seat int `json:"seat"`
}

// A customer whose answer was lost repeats the command under the same key, and
// still buys one ticket only.
func Example() {
	shape := platform.Shape[ticket]{Name: "ticket", Prefix: "tkt"}
	sound := memory.New([]platform.Kind{shape.Kind()}, nil)
	lost := false
	db := storetest.NewFaulty(sound, storetest.Faults{Seed: 1, Lose: 0.5})
	clock := storetest.NewClock(time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC))
	w := platform.Writer{Store: db, Now: clock.Now, IDs: storetest.IDs(1)}

	ctx := platform.As(context.Background(), platform.SystemActor("desk"))
	for n := range 10 {
		ctx := platform.WithKey(ctx, fmt.Sprint("sale-", n))
		in := Sell{Seat: n}
		err := platform.ErrUnavailable
		for errors.Is(err, platform.ErrUnavailable) {
			t := ticket{Head: platform.Head{ID: w.NewRoot(ctx, "tkt")}, Seat: in.Seat}
			_, err = platform.Update(ctx, w, in, func(context.Context) (ticket, []platform.Change, error) {
				return t, []platform.Change{platform.Put(t), platform.Happened("ticket.sold", t.Ref(), in)}, nil
			})
			lost = lost || err != nil
		}
		clock.Advance(time.Minute)
	}

	page, err := sound.Scan(ctx, platform.Query{Kind: "ticket"})
	fmt.Println("answers were lost:", lost)
	fmt.Println("tickets:", len(page.Items), err)
	// Output:
	// answers were lost: true
	// tickets: 10 <nil>
}
