package dispatch

import (
	"time"

	"github.com/liangding/platform"
)

// Policy is how members are found, as data. A zero field has its default, and a
// negative Fairness or CoolDown means none. Durations are nanoseconds in JSON.
type Policy struct {
	Version      string        `json:"version,omitempty"` // the caller's own text, for the record
	Every        time.Duration `json:"every_ns"`          // between rounds that found nobody; 60 s, 5 s to 10 min
	EveryPlanned time.Duration `json:"every_planned_ns"`  // the same for planned work; 15 min, 1 min to 24 h
	Lead         time.Duration `json:"lead_ns"`           // work that starts later than this is planned; 2 h, 10 min to 48 h
	MaxWait      time.Duration `json:"max_wait_ns"`       // of a search, from its start; planned work waits until Lead before its own start; 10 min, 1 min to 24 h
	Radius       time.Duration `json:"radius_ns"`         // most travel; grows by half until MaxWait; 25 min, 5 min to 2 h
	Fairness     time.Duration `json:"fairness_ns"`       // price of each order that a member holds already; 8 min, up to 30 min
	Offer        time.Duration `json:"offer_ns"`          // time to answer; 60 s, 15 s to 24 h
	OfferPlanned time.Duration `json:"offer_planned_ns"`  // the same for planned work; 30 min, 15 s to 24 h
	CoolDown     time.Duration `json:"cool_down_ns"`      // before the same pair is offered again; 10 min, up to 24 h
	NoShow       time.Duration `json:"no_show_ns"`        // after the start, before a member who is not there counts as missing; 20 min, 1 min to 4 h
	FanOut       int           `json:"fan_out"`           // open offers of one seat in a round; 1, up to 10
	Rounds       int           `json:"rounds"`            // of offers, then the order is unfilled; 5, up to 50
	Quota        int           `json:"quota"`             // open offers of one member; 2, up to 20
	Speed        int           `json:"speed"`             // km/h; 20, up to 130
	Winding      int           `json:"winding"`           // way against straight line in percent; 135, 100 to 300
}

// span is a duration of the policy with its default and range.
type span struct {
	path               string
	value              *time.Duration
	standard, low, top time.Duration
}

func (p *Policy) spans() []span {
	const s, m, h = time.Second, time.Minute, time.Hour
	return []span{
		{"every_ns", &p.Every, 60 * s, 5 * s, 10 * m},
		{"every_planned_ns", &p.EveryPlanned, 15 * m, m, 24 * h},
		{"lead_ns", &p.Lead, 2 * h, 10 * m, 48 * h},
		{"max_wait_ns", &p.MaxWait, 10 * m, m, 24 * h},
		{"radius_ns", &p.Radius, 25 * m, 5 * m, 2 * h},
		{"fairness_ns", &p.Fairness, 8 * m, 0, 30 * m},
		{"offer_ns", &p.Offer, 60 * s, 15 * s, 24 * h},
		{"offer_planned_ns", &p.OfferPlanned, 30 * m, 15 * s, 24 * h},
		{"cool_down_ns", &p.CoolDown, 10 * m, 0, 24 * h},
		{"no_show_ns", &p.NoShow, 20 * m, m, 4 * h},
	}
}

// count is a number of the policy with its default and range.
type count struct {
	path               string
	value              *int
	standard, low, top int
}

func (p *Policy) counts() []count {
	return []count{
		{"fan_out", &p.FanOut, 1, 1, 10},
		{"rounds", &p.Rounds, 5, 1, 50},
		{"quota", &p.Quota, 2, 1, 20},
		{"speed", &p.Speed, 20, 1, 130},
		{"winding", &p.Winding, 135, 100, 300},
	}
}

// Ready is the policy with its defaults filled in.
func (p Policy) Ready() Policy {
	for _, d := range p.spans() {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	for _, n := range p.counts() {
		if *n.value == 0 {
			*n.value = n.standard
		}
	}
	return p
}

// Fault names every field outside its range, as FieldErrors with the code of
// ErrRange; nil when there is none.
func (p Policy) Fault() error {
	var wrong platform.FieldErrors
	none := func(d span) bool { return d.low == 0 && *d.value < 0 }
	p = p.Ready()
	for _, d := range p.spans() {
		if !none(d) && (*d.value < d.low || *d.value > d.top) {
			wrong = append(wrong, platform.Wrong(d.path, ErrRange)...)
		}
	}
	for _, n := range p.counts() {
		if *n.value < n.low || *n.value > n.top {
			wrong = append(wrong, platform.Wrong(n.path, ErrRange)...)
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// planned tells whether work that starts then is planned, seen from now.
func (p Policy) planned(now, start time.Time) bool { return start.Sub(now) > p.Lead }

// answer is how long a member has to answer an offer.
func (p Policy) answer(now, start time.Time) time.Duration {
	if p.planned(now, start) {
		return p.OfferPlanned
	}
	return p.Offer
}

// pause is how long a search rests after it found nobody.
func (p Policy) pause(now, start time.Time) time.Duration {
	if p.planned(now, start) {
		return p.EveryPlanned
	}
	return p.Every
}

// reach is the most travel after a wait, in thousandths of a minute: the radius,
// and half as much more at MaxWait.
func (p Policy) reach(waited time.Duration) int64 {
	waited = min(max(waited, 0), p.MaxWait)
	return milli(p.Radius) + milli(p.Radius)*milli(waited)/(2*milli(p.MaxWait))
}

// price is what a member's load adds to the cost of one more order, at most
// half the radius, in thousandths of a minute.
func (p Policy) price(load int) int64 {
	return min(max(milli(p.Fairness), 0)*int64(max(load, 0)), milli(p.Radius)/2)
}

// milli is a duration in thousandths of a minute.
func milli(d time.Duration) int64 { return int64(d / (time.Minute / 1000)) }
