package staff_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/memory"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// open is the service over an empty store, for an operator at noon.
func open() (context.Context, platform.Writer, *staff.Service) {
	db := memory.New(staff.Kinds(), nil)
	w := platform.Writer{Store: db, Now: func() time.Time { return noon }}
	ctx := platform.As(context.Background(), platform.Actor{ID: "opr_desk", Kind: platform.Operator})
	return ctx, w, staff.New(w, staff.StoreOn(db), staff.Ports{}, nil)
}

// hired is an active member of a live zone, who works on weekdays.
func hired(ctx context.Context, s *staff.Service) staff.Member {
	zone, _ := s.DraftZone(ctx, staff.DraftZone{Name: "North", TimeZone: "Europe/Berlin"})
	_, _ = s.PublishZone(ctx, staff.PublishZone{Zone: zone.ID})
	m, _ := s.Hire(ctx, staff.Hire{Zone: zone.ID, Positions: []string{"therapist"}})
	_, _ = s.Publish(ctx, staff.Publish{Member: m.ID, Shifts: []staff.Shift{{
		Weekdays: []string{"mon", "tue", "wed", "thu", "fri"}, Starts: "08:00", Ends: "17:00", First: "2026-01-01", Until: "2027-01-01",
	}}})
	m, _ = s.Activate(ctx, staff.Activate{Member: m.ID})
	return m
}

func ExampleService_Hire() {
	ctx, _, s := open()
	zone, _ := s.DraftZone(ctx, staff.DraftZone{Name: "North", TimeZone: "Europe/Berlin"})

	_, err := s.Hire(ctx, staff.Hire{Zone: zone.ID})
	fmt.Println(platform.Code(err))

	_, _ = s.PublishZone(ctx, staff.PublishZone{Zone: zone.ID})
	m, err := s.Hire(ctx, staff.Hire{Zone: zone.ID, Positions: []string{"therapist"}})
	fmt.Println(m.State, m.TimeZone, err)
	fmt.Println(m.Open(platform.Operator))
	// Output:
	// staff.zone_not_live
	// onboarding Europe/Berlin <nil>
	// [activate give_notice amend]
}

func ExampleDispatchable() {
	ctx, _, s := open()
	m := hired(ctx, s)
	berlin, _ := time.LoadLocation("Europe/Berlin")
	need, _ := staff.ParseNeed([]string{"massage:2"})

	why := staff.Dispatchable(m, staff.Facts{Place: berlin}, need, noon.Add(5*time.Hour), noon.Add(6*time.Hour))

	fmt.Println(why)
	// Output: [no_shift skill_missing:massage]
}

func ExampleService_Reasons() {
	ctx, _, s := open()
	m := hired(ctx, s)
	self := platform.As(ctx, platform.Actor{ID: m.ID, Kind: platform.Staff})

	why, err := s.Reasons(self, staff.Ask{Member: m.ID, Need: []string{"massage"}, From: noon, Until: noon.Add(time.Hour)})
	fmt.Println(why, err)

	_, _ = s.Grant(ctx, staff.Grant{Member: m.ID, Code: "massage", Level: 1, From: noon})
	why, err = s.Reasons(self, staff.Ask{Member: m.ID, Need: []string{"massage"}, From: noon, Until: noon.Add(time.Hour)})
	fmt.Println(why, err)
	// Output:
	// [skill_missing:massage] <nil>
	// [] <nil>
}

// appointment is a command of somebody else that books a member.
type appointment struct{ Member platform.ID }

func ExampleMembers_Vouch() {
	ctx, w, s := open()
	m := hired(ctx, s)
	take := func() error {
		_, err := platform.Update(ctx, w, appointment{m.ID}, func(ctx context.Context) (string, []platform.Change, error) {
			changes, err := s.Duty().Vouch(ctx, nil, noon, noon.Add(time.Hour), m.ID)
			return "", append(changes, platform.Happened("appointment.made", m.Ref(), nil)), err
		})
		return err
	}

	fmt.Println(take())
	err := take()
	fmt.Println(platform.Code(err), platform.Details(err)["reasons"])
	// Output:
	// <nil>
	// staff.not_dispatchable [overlap]
}
