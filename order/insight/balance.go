package insight

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Balance is the seats that are wanted on one day against the members who could
// take them, by zone and hour.
type Balance struct {
	Version int     `json:"version"`
	Day     string  `json:"day"`
	Zone    string  `json:"zone"` // the tenant's, of the hours
	Hours   []Hour  `json:"hours"`
	Error   float64 `json:"error"`       // of forecasts of the four weeks before: mean absolute share of what was wanted
	Errors  int64   `json:"error_cells"` // on how many cells with demand that rests; 0: nothing is known
}

// Hour is an hour of a zone in which staff is or was wanted.
type Hour struct {
	Zone     platform.ID `json:"zone"`
	Hour     int         `json:"hour"`
	Seats    Figure      `json:"seats"`              // wanted on the day, so far
	Forecast Figure      `json:"forecast"`           // median of the same weekday in the eight weeks before
	Eligible *int64      `json:"eligible,omitempty"` // members on duty; absent when nobody knows
}

// How many weeks a forecast looks back, and over how many its error is taken.
const (
	forecastWeeks = 8
	errorWeeks    = 4
)

type zoneHour struct {
	zone platform.ID
	hour int
}

// wants are the seats wanted in an hour, by how many weeks ago.
type wants struct {
	seats [1 + errorWeeks + forecastWeeks]int64
	today people
	who   people // of the forecast's weeks
}

// forecast is the median of the eight weeks before a week.
func (w *wants) forecast(week int) int64 {
	past := slices.Sorted(slices.Values(w.seats[week+1 : week+1+forecastWeeks]))
	return past[rank(50, forecastWeeks)]
}

// Balance tells how supply meets demand on a day of the tenant's zone, in all
// zones or in one. Hours in which nobody was wanted for nine weeks are left out. It
// fails with [ErrWindow] and [ErrSubject], and as the roster does.
func (s *Service) Balance(ctx context.Context, of platform.Ref, on string) (Balance, error) {
	b := Balance{Version: 1, Day: on, Zone: s.terms.Zone.String()}
	begun, err := time.ParseInLocation(time.DateOnly, on, s.terms.Zone)
	if err != nil {
		return b, fmt.Errorf("balance of %.10s: %w", on, ErrWindow)
	}
	if err := s.asked(ctx, Ask{Of: of, From: begun, Until: begun.AddDate(0, 0, 1)}); err != nil {
		return b, fmt.Errorf("balance of %s: %w", on, err)
	}
	hours := map[zoneHour]*wants{}
	for week := range errorWeeks + forecastWeeks + 1 {
		from := begun.AddDate(0, 0, -7*week)
		err := s.each(ctx, Ask{Of: of, From: from, Until: from.AddDate(0, 0, 1)}, byWanted, func(j Journey) error {
			if j.apart() != "" {
				return nil
			}
			at := zoneHour{j.Zone, j.wanted().In(s.terms.Zone).Hour()}
			if hours[at] == nil {
				hours[at] = &wants{today: people{}, who: people{}}
			}
			w := hours[at]
			w.seats[week] += int64(j.Seats)
			switch {
			case week == 0:
				w.today.add(j.Customer, s.terms.Least)
			case week <= forecastWeeks:
				w.who.add(j.Customer, s.terms.Least)
			}
			return nil
		})
		if err != nil {
			return b, fmt.Errorf("balance of %s: %w", on, err)
		}
	}
	b.err(hours)
	for _, at := range slices.SortedFunc(maps.Keys(hours), func(a, b zoneHour) int {
		return cmp.Or(cmp.Compare(a.zone, b.zone), cmp.Compare(a.hour, b.hour))
	}) {
		h, err := s.hour(ctx, at, hours[at], begun)
		if err != nil {
			return b, fmt.Errorf("balance of %s: %w", on, err)
		}
		if h.Seats.Numerator > 0 || h.Seats.Suppressed || h.Forecast.N > 0 || h.Forecast.Suppressed {
			b.Hours = append(b.Hours, h)
		}
	}
	return b, nil
}

// err is how far the forecasts of the last weeks lay from what was wanted.
func (b *Balance) err(hours map[zoneHour]*wants) {
	var off, wanted int64
	sum := 0.0
	for _, at := range slices.SortedFunc(maps.Keys(hours), func(a, b zoneHour) int {
		return cmp.Or(cmp.Compare(a.zone, b.zone), cmp.Compare(a.hour, b.hour))
	}) {
		w := hours[at]
		for week := 1; week <= errorWeeks; week++ {
			if wanted = w.seats[week]; wanted > 0 {
				off = w.forecast(week) - wanted
				sum += float64(max(off, -off)) / float64(wanted)
				b.Errors++
			}
		}
	}
	if b.Errors > 0 {
		b.Error = sum / float64(b.Errors)
	}
}

// hour is what may be shown of an hour.
func (s *Service) hour(ctx context.Context, at zoneHour, w *wants, begun time.Time) (Hour, error) {
	h := Hour{
		Zone: at.zone, Hour: at.hour,
		Seats:    Figure{Name: "seats", Version: 1, Numerator: w.seats[0], Denominator: 1, N: w.seats[0]},
		Forecast: Figure{Name: "forecast", Version: 1, Numerator: w.forecast(0), Denominator: 1},
	}
	for _, n := range w.seats[1 : 1+forecastWeeks] {
		h.Forecast.N += n
	}
	if w.seats[0] > 0 && len(w.today) < s.terms.Least {
		h.Seats = h.Seats.hidden()
	}
	if h.Forecast.N > 0 && len(w.who) < s.terms.Least {
		h.Forecast = h.Forecast.hidden()
	}
	if s.ports.Roster == nil {
		return h, nil
	}
	y, m, d := begun.Date()
	from := time.Date(y, m, d, at.hour, 0, 0, 0, s.terms.Zone)
	on, err := s.ports.Roster.OnDuty(ctx, at.zone, nil, from, from.Add(time.Hour))
	n := int64(len(on))
	h.Eligible = &n
	return h, err
}
