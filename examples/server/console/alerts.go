package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/risk"
)

const alertsPage = "/console/alerts"

var alertMoves = map[string]move{
	"acknowledge": {action: "risk.acknowledge", back: alertsPage, do: console.acknowledge},
	"resolve":     {action: "risk.resolve", back: alertsPage, do: console.resolve},
	"dismiss":     {action: "risk.resolve", back: alertsPage, do: console.dismiss},
}

var endings = []string{"fixed", "other"}

type alertsView struct {
	State risk.State // empty for all that are open
	Tabs  []risk.State
	Rows  []alertRow
	First string
	Next  string
	Cut   bool // more are open than the page shows
}

type alertRow struct {
	risk.Alert
	Why     string // in a line
	Buttons []button
}

// alerts reads the open alerts, or a page of those in one state.
func (c console) alerts(r *http.Request) (any, error) {
	asked := r.URL.Query()
	v := alertsView{State: risk.State(asked.Get("state")), Tabs: []risk.State{"", risk.AlertFiring, risk.AlertAcknowledged, risk.AlertResolved, risk.AlertFalse}}
	shown := []risk.State{v.State}
	if v.State == "" {
		shown = []risk.State{risk.AlertFiring, risk.AlertAcknowledged}
	}
	for _, state := range shown {
		page, err := c.m.Risk.Alerts(r.Context(), state, asked.Get("cursor"), rows)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Items {
			v.Rows = append(v.Rows, alertRow{a, a.Explain(edge.Language(r.Context())), c.alertButtons(r.Context(), a)})
		}
		if v.State != "" {
			v.First, v.Next = turn(alertsPage, "state", string(v.State), asked.Get("cursor"), page.Next)
		} else {
			v.Cut = v.Cut || page.Next != ""
		}
	}
	return v, nil
}

// alertButtons are the alert's open moves.
func (c console) alertButtons(ctx context.Context, a risk.Alert) (all []button) {
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	open, action := a.Open(actor.Kind), alertsPage+"/"+url.PathEscape(string(a.ID))
	for _, verb := range []string{"acknowledge", "resolve", "dismiss"} {
		if !slices.Contains(open, verb) || !c.may(ctx, alertMoves[verb].action, a.Ref()) {
			continue
		}
		b := press(action, verb)
		if verb == "resolve" {
			b.Reasons = endings
		}
		all = append(all, b)
	}
	return all
}

func (c console) acknowledge(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Risk.Acknowledge(ctx, risk.Acknowledge{Alert: id})
	return err
}

func (c console) resolve(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Risk.Resolve(ctx, risk.Resolve{Alert: id, Outcome: risk.AlertResolved, Reason: form.Get("reason")})
	return err
}

func (c console) dismiss(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Risk.Resolve(ctx, risk.Resolve{Alert: id, Outcome: risk.AlertFalse, Reason: "false_alarm"})
	return err
}
