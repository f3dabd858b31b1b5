package risk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// State is where an alert stands.
type State string

// The states of an alert.
const (
	AlertFiring       State = "firing"
	AlertAcknowledged State = "acknowledged"
	AlertResolved     State = "resolved"
	AlertFalse        State = "false_alarm"
)

var alertMoves = platform.Moves[State]{
	{Verb: "acknowledge", From: []State{AlertFiring}, To: AlertAcknowledged, By: []platform.ActorKind{platform.Operator}, Refusal: ErrNotAcknowledgeable},
	{Verb: "resolve", From: []State{AlertFiring, AlertAcknowledged}, To: AlertResolved, By: []platform.ActorKind{platform.Operator, platform.System}, Refusal: ErrEnded},
	{Verb: "dismiss", From: []State{AlertFiring, AlertAcknowledged}, To: AlertFalse, By: []platform.ActorKind{platform.Operator}, Refusal: ErrEnded},
}

// Alert calls people because of an indicator. It keeps what it fired on, who is
// called, and every notice with whether it was sent.
type Alert struct {
	platform.Head
	State          State          `json:"state" class:"internal"`
	Indicator      string         `json:"indicator" class:"internal"`
	Level          Level          `json:"level" class:"internal"`
	Dark           bool           `json:"dark,omitempty" class:"internal"`  // there were no samples, rather than a bad one
	Sample         Sample         `json:"sample,omitzero" class:"internal"` // the last before the level was reached
	Owner          string         `json:"owner" class:"internal"`           // the role that answers for the indicator
	Instruction    string         `json:"instruction,omitempty" class:"internal"`
	Calls          []platform.Ref `json:"calls" class:"internal"` // never empty
	Notices        []Notice       `json:"notices" class:"internal"`
	FiredAt        time.Time      `json:"fired_at" class:"internal"`
	AcknowledgedAt time.Time      `json:"acknowledged_at,omitzero" class:"internal"`
	AcknowledgedBy platform.ID    `json:"acknowledged_by,omitempty" class:"internal"`
	EndedAt        time.Time      `json:"ended_at,omitzero" class:"internal"`
	EndedBy        platform.ID    `json:"ended_by,omitempty" class:"internal"`
	Reason         string         `json:"reason,omitempty" class:"internal"` // a code, of the end
	Due            time.Time      `json:"due,omitzero" class:"internal"`     // of the first notice that is not sent
}

// Ref names the alert.
func (a Alert) Ref() platform.Ref { return platform.Ref{Kind: kindAlert, ID: a.ID} }

// Open lists the moves that a kind of actor may make now.
func (a Alert) Open(by platform.ActorKind) []string { return alertMoves.Open(a.State, by) }

func (a Alert) ended() bool { return a.State == AlertResolved || a.State == AlertFalse }

func (a Alert) happened(verb string) platform.Change {
	facts := map[string]any{"indicator": a.Indicator, "level": a.Level, "state": a.State, "dark": a.Dark, "calls": a.Calls}
	return platform.Happened("alert."+verb, a.Ref(), facts)
}

// follow is the alert after a move of its gauge, with what happened to it, ""
// for nothing. The receiver is zero when no alert is open.
func (a Alert) follow(move Move, g Gauge, i Indicator, now time.Time) (Alert, string) {
	open := a.State != ""
	switch {
	case (move == Fired || move == WentDark) && !open:
		a = Alert{
			State: AlertFiring, Indicator: i.Name, Level: g.Condition.Level, Dark: move == WentDark,
			Sample: g.Sample, Owner: i.Owner, Instruction: i.Instruction, FiredAt: now,
		}
		if a.Dark {
			a.Level = Warning
		}
		return a.notice(move, now), "fired"
	case !open:
		return a, ""
	case move == Raised:
		a.Level, a.Sample = Critical, g.Sample
		return a.notice(move, now), "raised"
	case move == Lowered:
		a.Level, a.Sample = Warning, g.Sample
		return a, "lowered"
	case move == Resolved, move == CameBack && a.Dark:
		a.State, a.EndedAt, a.EndedBy, a.Reason = AlertResolved, now, platform.SystemActor("risk").ID, string(move)
		return a.notice(Resolved, now), "resolved"
	}
	return a, ""
}

// Acknowledge takes an alert on.
type Acknowledge struct {
	Alert platform.ID `json:"alert" validate:"required,id=alr"`
}

// Subject is the alert.
func (in Acknowledge) Subject() platform.Ref { return platform.Ref{Kind: kindAlert, ID: in.Alert} }

// Acknowledge is the alert once somebody has taken it on. It fails with
// [ErrNotAcknowledgeable] unless it is firing.
func (a Alert) Acknowledge(by platform.Actor, at time.Time) (Alert, error) {
	state, err := alertMoves.Take(a.State, "acknowledge", by.Kind)
	if err != nil {
		return Alert{}, err
	}
	a.State, a.AcknowledgedAt, a.AcknowledgedBy = state, at, by.ID
	return a, nil
}

// Acknowledge says that the actor has taken the alert on. Of several at once
// one succeeds.
func (s *Service) Acknowledge(ctx context.Context, in Acknowledge) (Alert, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Alert, []platform.Change, error) {
		a, by, err := s.alert(ctx, in.Alert)
		if err != nil {
			return Alert{}, nil, err
		}
		next, err := a.Acknowledge(by, s.w.Now())
		if err != nil {
			return Alert{}, nil, fmt.Errorf("acknowledge %s: %w", a.ID, err)
		}
		return next, []platform.Change{platform.Put(next), next.happened("acknowledged")}, nil
	})
}

// Resolve ends an alert by hand.
type Resolve struct {
	Alert   platform.ID `json:"alert" validate:"required,id=alr"`
	Outcome State       `json:"outcome" validate:"oneof=resolved false_alarm"`
	Reason  string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the alert.
func (in Resolve) Subject() platform.Ref { return platform.Ref{Kind: kindAlert, ID: in.Alert} }

// Resolve is the alert once it has ended. It fails with [ErrEnded] when it has
// ended before.
func (a Alert) Resolve(outcome State, reason string, by platform.Actor, at time.Time) (Alert, error) {
	verb := "resolve"
	if outcome == AlertFalse {
		verb = "dismiss"
	}
	state, err := alertMoves.Take(a.State, verb, by.Kind)
	if err != nil {
		return Alert{}, err
	}
	a.State, a.EndedAt, a.EndedBy, a.Reason = state, at, by.ID, reason
	return a.notice(Resolved, at), nil
}

// Resolve ends the alert, and lets the watch of its indicator begin anew in the
// same set: what still goes on fires another alert after its time.
func (s *Service) Resolve(ctx context.Context, in Resolve) (Alert, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Alert, []platform.Change, error) {
		a, by, err := s.alert(ctx, in.Alert)
		if err != nil {
			return Alert{}, nil, err
		}
		next, err := a.Resolve(in.Outcome, in.Reason, by, s.w.Now())
		if err != nil {
			return Alert{}, nil, fmt.Errorf("resolve %s: %w", a.ID, err)
		}
		g, err := s.store.Gauge(ctx, gaugeID(a.Indicator))
		if err != nil {
			return Alert{}, nil, err
		}
		verb := map[State]string{AlertResolved: "resolved", AlertFalse: "dismissed"}[next.State]
		return next, []platform.Change{platform.Put(next), platform.Put(g.anew()), next.happened(verb).Because(in.Reason)}, nil
	})
}

// alert reads an alert for whoever acts in ctx; most have none.
func (s *Service) alert(ctx context.Context, id platform.ID) (Alert, platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Alert{}, by, err
	}
	if !watches(by) {
		return Alert{}, by, platform.NotFound(platform.Ref{Kind: kindAlert, ID: id})
	}
	a, err := s.store.Alert(ctx, id)
	return a, by, err
}

func watches(by platform.Actor) bool {
	return by.Kind == platform.Operator || by.Kind == platform.Auditor || by.Kind == platform.System
}

// Alert is one alert.
func (s *Service) Alert(ctx context.Context, id platform.ID) (Alert, error) {
	a, _, err := s.alert(ctx, id)
	return a, err
}

// Alerts is a page of the alerts in a state, the newest first. limit is 1 to
// 500; 0 is 50. cursor is Next of the page before.
func (s *Service) Alerts(ctx context.Context, state State, cursor string, limit int) (platform.Page[Alert], error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Alert]{}, err
	}
	if !watches(by) {
		return platform.Page[Alert]{}, fmt.Errorf("list alerts: %w", errReader)
	}
	q := platform.Query{By: []string{"state", "fired"}, Equal: []any{state}, Backward: true, Cursor: cursor, Limit: limit}
	return s.store.Alerts(ctx, q)
}

// Explain says in a line why the alert is there; in Chinese for "zh…",
// otherwise in English.
func (a Alert) Explain(lang string) string {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		if a.Dark {
			return fmt.Sprintf("指标 %s 已无数据（负责人：%s）", a.Indicator, a.Owner)
		}
		level := map[Level]string{Warning: "预警", Critical: "严重"}[a.Level]
		return fmt.Sprintf("%s：指标 %s 为 %s（%d/%d，负责人：%s）", level, a.Indicator, a.Sample, a.Sample.Numerator, a.Sample.Denominator, a.Owner)
	}
	if a.Dark {
		return fmt.Sprintf("indicator %s has no samples (owner %s)", a.Indicator, a.Owner)
	}
	return fmt.Sprintf("%s: indicator %s is %s (%d/%d, owner %s)", a.Level, a.Indicator, a.Sample, a.Sample.Numerator, a.Sample.Denominator, a.Owner)
}
