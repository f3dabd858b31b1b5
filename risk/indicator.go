package risk

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Direction is on which side of its bounds a figure is bad.
type Direction string

// The two directions.
const (
	Above Direction = "above"
	Below Direction = "below"
)

// Bound is where a level begins and where it is over: at Fire or beyond it is
// bad, at Recover or on its safe side it is good, in between it stays as it is.
type Bound struct {
	Fire    decimal.Decimal `json:"fire"`
	Recover decimal.Decimal `json:"recover"`
}

// Indicator says what is watched and when somebody must know.
type Indicator struct {
	Name      string    `json:"name" validate:"required,text=64"`
	Metric    string    `json:"metric" validate:"required,text=128"` // as Measure understands it
	Owner     string    `json:"owner" validate:"required,text=64"`   // the role that answers for it
	Direction Direction `json:"direction" validate:"oneof=above below"`
	Warn      Bound     `json:"warn"`
	Critical  *Bound    `json:"critical,omitempty"` // nil: there is no such level

	// Window is how far back a sample looks. If zero, an hour.
	Window time.Duration `json:"window"`

	// Least is the denominator below which a sample tells nothing: it neither
	// raises nor resolves. If zero, 1.
	Least int64 `json:"least" validate:"min=0"`

	Period      time.Duration  `json:"period"`                                    // between samples; if zero, a minute
	For         *time.Duration `json:"for,omitempty"`                             // beyond Fire before it fires; nil is 5 minutes
	KeepFiring  *time.Duration `json:"keep_firing,omitempty"`                     // safe before it resolves; nil is 10 minutes
	StaleAfter  time.Duration  `json:"stale_after"`                               // without a sample; if zero, 5 periods
	Instruction string         `json:"instruction,omitempty" validate:"text=500"` // what to do
}

// ready is the indicator with its defaults filled in.
func (i Indicator) ready() Indicator {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&i.Window, time.Hour)
	set(&i.Period, time.Minute)
	set(&i.StaleAfter, 5*i.Period)
	i.Least = max(i.Least, 1)
	if i.For == nil {
		i.For = new(5 * time.Minute)
	}
	if i.KeepFiring == nil {
		i.KeepFiring = new(10 * time.Minute)
	}
	return i
}

// Fault says what is wrong with the indicator: FieldErrors, or nil.
func (i Indicator) Fault() error {
	if err := platform.Validate(i); err != nil {
		return err
	}
	i = i.ready()
	switch {
	case i.Window < 0 || i.Period < 0 || *i.For < 0 || *i.KeepFiring < 0 || i.Window%time.Minute != 0 || i.Period%time.Minute != 0:
		return platform.Wrong("period", errDuration)
	case i.StaleAfter < 2*i.Period:
		return platform.Wrong("stale_after", errStale)
	case !i.sound(i.Warn):
		return platform.Wrong("warn", errBound)
	case i.Critical == nil:
		return nil
	case !i.sound(*i.Critical):
		return platform.Wrong("critical", errBound)
	case i.side(i.Critical.Fire, i.Warn.Fire) <= 0 || i.side(i.Critical.Recover, i.Warn.Recover) < 0:
		return platform.Wrong("critical", errBeyond)
	}
	return nil
}

func (i Indicator) sound(b Bound) bool { return i.side(b.Fire, b.Recover) > 0 }

// side is above 0 when a is worse than b.
func (i Indicator) side(a, b decimal.Decimal) int {
	if i.Direction == Below {
		return b.Cmp(a)
	}
	return a.Cmp(b)
}

// Sample is one measurement, an exact fraction.
type Sample struct {
	At          time.Time `json:"at"`
	Numerator   int64     `json:"numerator"`
	Denominator int64     `json:"denominator"` // 1 for a plain count
}

// String is the fraction as a decimal with four places, rounded, for reading.
func (s Sample) String() string {
	if s.Denominator == 0 {
		return fmt.Sprintf("%d/0", s.Numerator)
	}
	return decimal.NewFromInt(s.Numerator).DivRound(decimal.NewFromInt(s.Denominator), 4).String()
}

// worse compares the sample with a threshold without dividing. It must have a
// denominator above 0.
func (i Indicator) worse(s Sample, than decimal.Decimal) int {
	return i.side(decimal.NewFromInt(s.Numerator), than.Mul(decimal.NewFromInt(s.Denominator)))
}

// reading is what a sample says to an indicator.
type reading struct {
	level Level // beyond whose Fire
	told  bool  // it had enough events to say anything
	safe  bool  // at warn's Recover or on its safe side
	calm  bool  // the same for the level at hand
}

func (i Indicator) read(s Sample, at Level) reading {
	if s.Denominator < i.Least {
		return reading{}
	}
	r := reading{told: true, safe: i.worse(s, i.Warn.Recover) <= 0}
	r.calm = r.safe
	if i.worse(s, i.Warn.Fire) >= 0 {
		r.level = Warning
	}
	if i.Critical == nil {
		return r
	}
	if i.worse(s, i.Critical.Fire) >= 0 {
		r.level = Critical
	}
	if at == Critical {
		r.calm = i.worse(s, i.Critical.Recover) <= 0
	}
	return r
}
