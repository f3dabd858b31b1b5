package insight

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday
	operator = platform.Actor{ID: platform.NewID("opr", noon, 1, 1), Kind: platform.Operator}
	buyer    = platform.Actor{ID: platform.NewID("cus", noon, 1, 2), Kind: platform.Customer}
	shop     = platform.NewID("mer", noon, 1, 3)
	rival    = platform.NewID("mer", noon, 1, 4)
	north    = platform.NewID("zon", noon, 1, 5)
)

func as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

func customer(n int) platform.ID { return platform.NewID("cus", noon, platform.Slot(n), uint64(n)) }

// story makes the events of one order, told one after the other.
type story struct {
	order, customer, merchant platform.ID
	events                    []platform.Event
}

func order(n int) *story {
	return &story{order: platform.NewID("ord", noon, platform.Slot(n*7%4096), uint64(n)), customer: customer(n), merchant: shop}
}

func cny(minor int64) platform.Money {
	m, err := platform.FromMinor(minor, platform.MustMoney("0", "CNY").Currency())
	if err != nil {
		panic(err)
	}
	return m
}

type data map[string]any

// then tells an event of the order, or of a child of it, named by its kind.
func (s *story) then(what string, at time.Time, of ...data) *story {
	return s.by(platform.SystemActor("clock"), platform.Ref{Kind: "order", ID: s.order}, what, at, of...)
}

func (s *story) child(kind, prefix string, n int, what string, at time.Time, of ...data) *story {
	of = append(of, data{"order": s.order})
	return s.by(platform.SystemActor("clock"), platform.Ref{Kind: kind, ID: platform.NewID(prefix, noon, s.order.Slot(), uint64(n))}, what, at, of...)
}

func (s *story) by(who platform.Actor, on platform.Ref, what string, at time.Time, of ...data) *story {
	all := data{"customer": s.customer, "merchant": s.merchant}
	for _, d := range of {
		maps.Copy(all, d)
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	n := uint64(len(s.events)) + uint64(s.order.Time().UnixMilli())<<20 + uint64(s.order.Slot())<<32
	u := s.order.UUID()
	n += uint64(u[15])<<8 + uint64(u[14])<<16
	s.events = append(s.events, platform.Event{
		ID: platform.NewID("evt", at, s.order.Slot(), n), Type: what, Subject: on, At: at, Actor: who, Data: text,
	})
	return s
}

// sold is an order of an amount, placed at a moment and completed two days later.
func sold(n int, at time.Time, minor int64) *story {
	return order(n).then("order.placed", at, data{"amount": cny(minor)}).
		then("order.confirmed", at.Add(time.Hour)).
		then("order.started", at.Add(day)).
		then("order.delivered", at.Add(2*day)).
		then("order.completed", at.Add(2*day), data{"amount": cny(minor), "fee": cny(minor / 10)})
}

func (s *story) refund(n int, minor int64, at time.Time, fault string) *story {
	all := data{"amount": cny(minor), "fault": fault}
	return s.child("order.refund", "rfd", n, "refund.requested", at, all).
		child("order.refund", "rfd", n, "refund.approved", at.Add(time.Hour), all, data{"fee": cny(minor / 10)}).
		child("order.refund", "rfd", n, "refund.succeeded", at.Add(2*time.Hour), all)
}

// measured is a service over a store of its own, with the stories in its log and
// read back.
func measured(t require.TestingT, terms Terms, ports Ports, stories ...*story) *Service {
	s, _ := open(t, terms, ports, stories...)
	_, err := s.Tick(as(platform.SystemActor("clock")), noon, 5000)
	require.NoError(t, err)
	return s
}

func open(t require.TestingT, terms Terms, ports Ports, stories ...*story) (*Service, *memory.DB) {
	db := memory.New(Kinds(), nil)
	for _, s := range stories {
		for _, e := range s.events {
			_, err := db.Commit(as(operator), platform.Set{Changes: []platform.Change{{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: e.ID}, Value: e}}})
			require.NoError(t, err)
		}
	}
	return New(platform.Writer{Store: db, Now: func() time.Time { return noon }}, StoreOn(db), ports, &terms), db
}

// march is the window of that month in UTC.
var march = Ask{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}

func report(t require.TestingT, s *Service, a Ask, names ...string) Figures {
	f, err := s.Report(as(operator), a, names...)
	require.NoError(t, err)
	return f
}

// figure is that of a name and key.
func figure(t require.TestingT, f Figures, name, key string) Figure {
	for _, one := range f.Figures {
		if one.Name == name && one.Key == key {
			return one
		}
	}
	require.FailNow(t, "no figure", "%s/%s", name, key)
	return Figure{}
}
