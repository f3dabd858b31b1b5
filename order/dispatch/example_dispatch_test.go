package dispatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/memory"
)

var (
	noon   = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	square = dispatch.Place{Lat: 52.52, Lon: 13.40}
)

func name(prefix string, n uint64) platform.ID { return platform.NewID(prefix, noon, 7, n) }

// snapshot is one order at the square, and three members on duty.
func snapshot() dispatch.Snapshot {
	near, far := dispatch.Place{Lat: 52.525, Lon: 13.37}, dispatch.Place{Lat: 52.60, Lon: 13.20}
	return dispatch.Snapshot{
		At: noon,
		Jobs: []dispatch.Job{{
			Order: name("ord", 1), Seat: 1, From: noon, Until: noon.Add(time.Hour), Place: &square,
			Eligible: []platform.ID{name("stf", 1), name("stf", 2)},
		}},
		Staff: []dispatch.Present{{Member: name("stf", 1), Place: &far}, {Member: name("stf", 2), Place: &near}, {Member: name("stf", 3), Place: &square}},
	}
}

func ExamplePolicy_Plan() {
	plan, err := dispatch.Policy{}.Plan(snapshot())
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, pair := range plan.Pairs {
		fmt.Println("second member:", pair.Member == name("stf", 2), "after", time.Duration(pair.Travel)*time.Minute/1000)
	}
	// Output: second member: true after 8m31.26s
}

func ExamplePlan_Explain() {
	plan, _ := dispatch.Policy{}.Plan(snapshot())

	for n := range uint64(3) {
		fmt.Println(n+1, plan.Explain(name("ord", 1), 1, name("stf", n+1)).Code)
	}
	// Output:
	// 1 beyond_radius
	// 2 chosen
	// 3 not_eligible
}

func ExamplePolicy_Fault() {
	err := dispatch.Policy{Rounds: 99, Radius: time.Minute}.Fault()
	fmt.Println(err)
	fmt.Println(dispatch.Policy{}.Fault())
	// Output:
	// radius_ns: outside its range; rounds: outside its range
	// <nil>
}

func ExamplePositions_Take() {
	var p dispatch.Positions
	_, _ = p.Take(noon, dispatch.Ping{Member: name("stf", 1), Lat: 52.52, Lon: 13.40, Accuracy: 15})
	later, _ := p.Take(noon.Add(time.Minute), dispatch.Ping{Member: name("stf", 1), Lat: 48.14, Lon: 11.58, Accuracy: 15})

	fmt.Println(later.Stale, *p.Of(name("stf", 1), noon.Add(time.Minute)))
	// Output: speed {52.52 13.4}
}

// booth takes one order with one seat; order.Seats is the real thing.
type booth struct{ zone platform.ID }

func (b booth) Need(_ context.Context, order platform.ID) (json.RawMessage, []platform.Change, error) {
	need, err := json.Marshal(map[string]any{
		"order": order, "zone": b.zone, "need": []string{"massage"}, "from": noon, "until": noon.Add(time.Hour), "open": []int{1},
	})
	return need, nil, err
}

func (booth) Fill(context.Context, platform.ID, int, platform.ID, platform.ID, time.Time) ([]platform.Change, error) {
	return nil, nil
}

func (booth) Free(context.Context, platform.ID, int, string, time.Time) ([]platform.Change, error) {
	return nil, nil
}

func ExampleService_DispatchOrder() {
	db := memory.New(append(dispatch.Kinds(), staff.Kinds()...), nil)
	w := platform.Writer{Store: db, Now: func() time.Time { return noon }}
	ctx := platform.As(context.Background(), platform.Actor{ID: "opr_desk", Kind: platform.Operator})

	people := staff.New(w, staff.StoreOn(db), staff.Ports{}, nil)
	zone, _ := people.DraftZone(ctx, staff.DraftZone{Name: "North", TimeZone: "UTC"})
	_, _ = people.PublishZone(ctx, staff.PublishZone{Zone: zone.ID})
	m, _ := people.Hire(ctx, staff.Hire{Zone: zone.ID})
	_, _ = people.Grant(ctx, staff.Grant{Member: m.ID, Code: "massage", Level: 1, From: noon})
	_, _ = people.Publish(ctx, staff.Publish{Member: m.ID, Shifts: []staff.Shift{{Starts: "08:00", Ends: "18:00", First: "2026-03-01", Until: "2026-04-01"}}})
	_, _ = people.Activate(ctx, staff.Activate{Member: m.ID})

	desk := dispatch.New(w, dispatch.StoreOn(db), dispatch.Ports{Members: people.Duty(), Orders: booth{zone.ID}}, nil)
	d, err := desk.DispatchOrder(ctx, dispatch.DispatchOrder{Order: name("ord", 1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	offer := d.Offers[0]
	fmt.Println(offer.State, "until", offer.Due.Format(time.TimeOnly))

	self := platform.As(ctx, platform.Actor{ID: m.ID, Kind: platform.Staff})
	offer, err = desk.Accept(self, dispatch.Accept{Assignment: offer.ID})
	fmt.Println(offer.State, err)
	// Output:
	// offered until 12:01:00
	// accepted <nil>
}
