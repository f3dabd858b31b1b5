package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	routes "github.com/liangding/platform/examples/server/supervision"
	"github.com/liangding/platform/finance/supervision"
)

const (
	controlsPage = "/console/controls"
	findingsPage = "/console/findings/"
)

var controlMoves = map[string]move{
	"run-control": {action: "supervision.runControl", back: controlsPage, do: func(c console, ctx context.Context, id platform.ID, _ url.Values) error {
		_, err := c.m.Supervision.RunControl(ctx, supervision.RunControl{Control: string(id)})
		return err
	}},
}

var findingMoves = map[string]move{
	"plan-fix": {action: "supervision.planFix", back: findingsPage, do: console.planFix},
	"start-fix": {action: "supervision.startFix", back: findingsPage, do: func(c console, ctx context.Context, id platform.ID, _ url.Values) error {
		_, err := c.m.Supervision.StartFix(ctx, supervision.StartFix{Finding: id})
		return err
	}},
	"finish-fix": {action: "supervision.finishFix", back: findingsPage, do: func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Supervision.FinishFix(ctx, supervision.FinishFix{Finding: id, Evidence: strings.TrimSpace(form.Get("evidence"))})
		return err
	}},
	"verify-fix": {action: "supervision.verifyFix", back: findingsPage, do: func(c console, ctx context.Context, id platform.ID, _ url.Values) error {
		_, err := c.m.Supervision.VerifyFix(ctx, supervision.VerifyFix{Finding: id})
		return err
	}},
	"refuse-fix": {action: "supervision.refuseFix", back: findingsPage, do: func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Supervision.RefuseFix(ctx, supervision.RefuseFix{Finding: id, Reason: form.Get("reason")})
		return err
	}},
	"assign-finding": {action: "supervision.assign", back: findingsPage, do: func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Supervision.Assign(ctx, supervision.Assign{Finding: id, Owner: platform.ID(strings.TrimSpace(form.Get("owner")))})
		return err
	}},
	"refer-party": {action: "supervision.refer", back: findingsPage, do: func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Supervision.Refer(ctx, supervision.Refer{Finding: id, Party: platform.ID(strings.TrimSpace(form.Get("party"))), Reason: form.Get("reason")})
		return err
	}},
}

var (
	fixRefusals = []string{"fix_incomplete", "fix_unproved"}
	fixCauses   = []string{"cause_no_check", "cause_mistake", "cause_process", "cause_fraud"}
	fixActions  = []string{"action_reclaim", "action_correct", "action_train", "action_change_process"}
	guilt       = []string{"wilful", "repeated"}
)

// planFix plans by what the form offers; the plan ends with the day that it names.
func (c console) planFix(ctx context.Context, id platform.ID, form url.Values) error {
	until, err := time.Parse(time.DateOnly, form.Get("until"))
	if err != nil {
		return errForm
	}
	_, err = c.m.Supervision.PlanFix(ctx, supervision.PlanFix{Finding: id, Cause: form.Get("cause"), Actions: form["action"], Until: until})
	return err
}

type controlsView struct {
	Controls []controlRow
	Weeks    []weekBar
	Most     int // hits in a week
	Total    int
	LastWeek string
}

type controlRow struct {
	supervision.Standing
	Run     *supervision.Run
	Late    bool
	Buttons []button
}

// weekBar is a week of the chart: how many hits, and how many of them were new.
type weekBar struct {
	Week              string
	X, Y, Tall        int
	Hits, Fresh, Runs int
	FreshY, FreshTall int
}

// weeksShown is how far back the chart goes.
const weeksShown = 16

// controls reads how every control stands, and what they found by week.
func (c console) controls(r *http.Request) (any, error) {
	ctx := r.Context()
	all, err := c.m.Supervision.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	v, now := controlsView{}, c.m.Writer.Now()
	last, err := c.hitsByWeek(ctx, &v, now)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		row := controlRow{Standing: s, Late: !s.Wanted.IsZero() && now.Sub(s.Wanted) > time.Hour}
		if run, ran := last[s.Last]; ran {
			row.Run = &run
		}
		if c.may(ctx, controlMoves["run-control"].action, s.Ref()) && c.supervises(ctx) {
			row.Buttons = append(row.Buttons, press(controlsPage+"/"+s.Control, "run-control"))
		}
		v.Controls = append(v.Controls, row)
	}
	return v, nil
}

// supervises tells whether whoever looks is a supervisor.
func (c console) supervises(ctx context.Context) bool {
	actor, err := platform.ActorOf(ctx)
	return err == nil && actor.Has(supervision.Supervisor)
}

// hitsByWeek counts what the runs of the last weeks found. It returns the runs.
func (c console) hitsByWeek(ctx context.Context, v *controlsView, now time.Time) (map[platform.ID]supervision.Run, error) {
	monday := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -(int(now.UTC().Weekday())+6)%7)
	first := monday.AddDate(0, 0, -7*(weeksShown-1))
	for n := range weeksShown {
		v.Weeks = append(v.Weeks, weekBar{Week: first.AddDate(0, 0, 7*n).Format(time.DateOnly), X: n * (barWide + barGap)})
	}
	runs := map[platform.ID]supervision.Run{}
	for cursor := ""; ; {
		page, err := c.m.Supervision.RunsSince(ctx, first, cursor)
		if err != nil {
			return nil, err
		}
		for _, run := range page.Items {
			runs[run.ID] = run
			if n := int(run.At.Sub(first) / (7 * 24 * time.Hour)); n < weeksShown {
				v.Weeks[n].Runs++
				v.Weeks[n].Hits += run.Hits
				v.Weeks[n].Fresh += run.Fresh
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	v.LastWeek = v.Weeks[weeksShown-1].Week
	for _, w := range v.Weeks {
		v.Most, v.Total = max(v.Most, w.Hits), v.Total+w.Hits
	}
	for n := range v.Weeks {
		w := &v.Weeks[n]
		w.Tall, w.FreshTall = w.Hits*barTall/max(v.Most, 1), w.Fresh*barTall/max(v.Most, 1)
		w.Y, w.FreshY = barTall-w.Tall, barTall-w.FreshTall
	}
	return runs, nil
}

type findingsView struct {
	State supervision.State
	Tabs  []supervision.State
	Rows  []findingRow
	Ages  []findingAge
	First string
	Next  string
}

type findingRow struct {
	supervision.Finding
	Found []string
	About string // the object, as a table has room for it
	Days  int
	Late  bool
}

// findingAge is how many findings of a severity are how old.
type findingAge struct {
	Severity supervision.Severity
	Ages     [4]int // to 3 days, 7, 30, and older
	Late     int
	Sum      int
}

// findings reads those in a state.
func (c console) findings(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	v := findingsView{State: supervision.State(asked.Get("state")), Tabs: []supervision.State{
		supervision.Open, supervision.Planned, supervision.Fixing, supervision.Fixed, supervision.Closed,
	}}
	if !slices.Contains(v.Tabs, v.State) {
		v.State = supervision.Open
	}
	page, err := c.m.Supervision.Findings(ctx, v.State, asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	for _, s := range []supervision.Severity{supervision.High, supervision.Medium, supervision.Low} {
		v.Ages = append(v.Ages, findingAge{Severity: s})
	}
	now := c.m.Writer.Now()
	for _, f := range page.Items {
		row := findingRow{Finding: f, Found: plain(f.Codes), About: brief(f.Object), Days: int(now.Sub(f.RaisedAt) / (24 * time.Hour)), Late: f.Late(now)}
		v.Rows = append(v.Rows, row)
		at := slices.IndexFunc(v.Ages, func(a findingAge) bool { return a.Severity == f.Severity })
		old := 0
		for _, days := range []int{3, 7, 30} {
			if row.Days >= days {
				old++
			}
		}
		v.Ages[at].Ages[old]++
		v.Ages[at].Sum++
		if row.Late {
			v.Ages[at].Late++
		}
	}
	v.First, v.Next = turn("/console/findings", "state", string(v.State), asked.Get("cursor"), page.Next)
	return v, nil
}

// plain are the codes of hits without the day or month that tells some apart.
func plain(codes []string) (all []string) {
	for _, code := range codes {
		code, _, _ = strings.Cut(code, ":")
		if !slices.Contains(all, code) {
			all = append(all, code)
		}
	}
	return all
}

// brief is an object as a table shows it; its whole text stands in a title.
func brief(object string) string {
	if text := short(object); text != object || len(object) <= 28 {
		return text
	}
	return object[:12] + "…" + object[len(object)-8:]
}

type findingView struct {
	supervision.Finding
	Found   []string
	Late    bool
	Hits    []supervision.Known
	Cut     bool
	Plan    *planForm
	Finish  *button // a form that names the proof
	Assign  *button // a form that names the owner
	Refer   *button // a form that names the party
	Buttons []button
}

// planForm is what a plan can be made of.
type planForm struct {
	button
	Causes, Actions []string
	Until           string
}

// finding reads one finding, and what whoever looks may do about it.
func (c console) finding(r *http.Request) (any, error) {
	ctx, id := r.Context(), platform.ID(r.PathValue("id"))
	f, err := c.m.Supervision.Finding(ctx, id)
	if err != nil {
		return nil, err
	}
	hits, err := c.m.Supervision.Hits(ctx, id, "")
	if err != nil {
		return nil, err
	}
	v := findingView{Finding: f, Found: plain(f.Codes), Late: f.Late(c.m.Writer.Now()), Hits: hits.Items, Cut: hits.Next != ""}
	for n := range v.Hits {
		v.Hits[n].Code = plain([]string{v.Hits[n].Code})[0]
	}
	c.findingForms(ctx, &v)
	return v, nil
}

// findingForms are the steps that the finding's state and the guard allow, without
// those that are refused because of who looks.
func (c console) findingForms(ctx context.Context, v *findingView) {
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	mine := v.Owner == "" || v.Owner == actor.For()
	page, supervisor := findingsPage+url.PathEscape(string(v.ID)), c.supervises(ctx)
	may := func(verb string) bool { return c.may(ctx, findingMoves[verb].action, v.Ref()) }
	form := func(verb string, reasons ...string) *button {
		b := press(page, verb, reasons...).seen(v.Version)
		return &b
	}
	for _, verb := range v.Open() {
		switch {
		case verb == "plan" && mine && !supervisor && may("plan-fix"):
			until := c.m.Writer.Now().AddDate(0, 0, 5).Format(time.DateOnly)
			v.Plan = &planForm{*form("plan-fix"), fixCauses, fixActions, until}
		case verb == "start" && mine && !supervisor && may("start-fix"):
			v.Buttons = append(v.Buttons, *form("start-fix"))
		case verb == "done" && (mine || v.Fixer == actor.For()) && !supervisor && may("finish-fix"):
			v.Finish = form("finish-fix")
		case verb == "verify" && supervisor && may("verify-fix") && actor.For() != v.Owner && actor.For() != v.Fixer:
			v.Buttons = append(v.Buttons, *form("verify-fix"), *form("refuse-fix", fixRefusals...))
		case verb == "assign" && supervisor && may("assign-finding"):
			v.Assign = form("assign-finding")
		case verb == "refer" && supervisor && may("refer-party"):
			v.Refer = form("refer-party", guilt...)
		}
	}
}

// pack sends the pack of an engagement.
func (c console) pack(w http.ResponseWriter, r *http.Request) {
	if err := edge.Only(r.Context(), platform.Operator, platform.Auditor); err != nil {
		edge.Refuse(w, r, err)
		return
	}
	routes.Pack(w, r, c.m.Supervision)
}
