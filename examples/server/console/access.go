package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/access"
)

const (
	grantsPage    = "/console/grants"
	breaksPage    = "/console/breaks"
	campaignsPage = "/console/campaigns"
)

var grantMoves = map[string]move{
	"propose":  {action: "access.propose", back: grantsPage, do: console.propose},
	"activate": {action: "access.activate", back: grantsPage, do: console.activate},
	"revoke":   {action: "access.revoke", back: grantsPage, do: console.revoke},
}

var breakMoves = map[string]move{
	"ask":          {action: "access.request", back: breaksPage, do: console.ask},
	"grant-break":  {action: "access.approve", back: breaksPage, do: console.grantBreak},
	"refuse-break": {action: "access.refuse", back: breaksPage, do: console.refuseBreak},
	"review-break": {action: "access.review", back: breaksPage, do: console.reviewBreak},
}

var campaignMoves = map[string]move{
	"begin": {action: "access.begin", back: campaignsPage, do: console.begin},
	"keep":  {action: "access.decide", back: campaignsPage, do: console.keep},
	"drop":  {action: "access.decide", back: campaignsPage, do: console.drop},
}

// Why a role is given or taken, and emergency access refused; what a review of
// its use comes to.
var (
	grantReasons  = []string{"new_duty", "cover", "other"}
	revokeReasons = []string{"left", "not_needed", "misuse", "other"}
	breakRefusals = []string{"not_justified", "other"}
	verdicts      = []string{"justified", "unjustified"}
)

type grantsView struct {
	State   access.State
	Tabs    []access.State
	Rows    []grantRow
	First   string
	Next    string
	Roles   []string // that can be granted
	Propose *button  // nil for those who may not
	Asked   whoCan
}

type grantRow struct {
	access.Grant
	Buttons []button
}

// whoCan is a question, and who could.
type whoCan struct {
	Action, Kind, Field string
	Roles               []string
	Grants              []access.Grant
}

// grants reads a page of the grants, and who can do what is asked for.
func (c console) grants(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	v := grantsView{State: access.State(asked.Get("state")), Tabs: []access.State{"", access.Proposed, access.Active, access.Expired, access.Revoked}}
	page, err := c.m.Access.Grants(ctx, v.State, asked.Get("cursor"), rows)
	if err != nil {
		return nil, err
	}
	for _, g := range page.Items {
		buttons, err := accessButtons(ctx, c, grantsPage, g, grantMoves, map[string]string{"activate": "activate", "revoke": "revoke"}, map[string][]string{"revoke": revokeReasons})
		if err != nil {
			return nil, err
		}
		v.Rows = append(v.Rows, grantRow{g, buttons})
	}
	v.First, v.Next = turn(grantsPage, "state", string(v.State), asked.Get("cursor"), page.Next)
	policy, err := c.m.Access.Policy(ctx)
	if err != nil {
		return nil, err
	}
	for _, role := range policy.Rules.Roles {
		if say("en", "actor."+role.Name) == "actor."+role.Name { // one that comes with the kind of actor is not granted
			v.Roles = append(v.Roles, role.Name)
		}
	}
	v.Propose = c.open(ctx, grantsPage, "propose", grantMoves, grantReasons...)
	v.Asked = whoCan{Action: strings.TrimSpace(asked.Get("action")), Kind: strings.TrimSpace(asked.Get("kind")), Field: strings.TrimSpace(asked.Get("field"))}
	if v.Asked.Action != "" {
		v.Asked.Roles, v.Asked.Grants, err = c.m.Access.WhoCan(ctx, v.Asked.Action, v.Asked.Kind, v.Asked.Field)
	}
	return v, err
}

// open is the form that makes a new record, for those who may.
func (c console) open(ctx context.Context, page, verb string, moves map[string]move, reasons ...string) *button {
	if !c.may(ctx, moves[verb].action, platform.Ref{}) {
		return nil
	}
	b := press(page+"/new", verb, reasons...)
	return &b
}

// accessButtons are the moves that the actor can make on a record of access, by
// the names that the console has for them.
func accessButtons[T access.Grant | access.Break](ctx context.Context, c console, page string, of T, moves map[string]move, names map[string]string, reasons map[string][]string) (all []button, err error) {
	var open []string
	var on platform.Ref
	switch v := any(of).(type) {
	case access.Grant:
		on = v.Ref()
		open, err = access.Allowed(ctx, c.m.Access, v)
	case access.Break:
		on = v.Ref()
		open, err = access.Allowed(ctx, c.m.Access, v)
	}
	for _, verb := range open {
		name, simple := names[verb]
		if simple && c.may(ctx, moves[name].action, on) {
			all = append(all, press(page+"/"+url.PathEscape(string(on.ID)), name, reasons[name]...))
		}
	}
	return all, err
}

func (c console) propose(ctx context.Context, _ platform.ID, form url.Values) error {
	_, err := c.m.Access.Propose(ctx, access.Propose{
		Account: platform.ID(strings.TrimSpace(form.Get("account"))), Role: form.Get("role"), Scope: platform.ID(strings.TrimSpace(form.Get("scope"))), Reason: form.Get("reason"),
	})
	return err
}

func (c console) activate(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Access.Activate(ctx, access.Activate{Grant: id})
	return err
}

func (c console) revoke(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Access.Revoke(ctx, access.Revoke{Grant: id, Reason: form.Get("reason")})
	return err
}

type breaksView struct {
	State access.State
	Tabs  []access.State
	Rows  []breakRow
	First string
	Next  string
	Ask   *button // nil for those who may not

	Purposes, Reasons []string
}

type breakRow struct {
	access.Break
	Buttons []button
}

// breaks reads a page of emergency accesses.
func (c console) breaks(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	v := breaksView{Purposes: uses, Reasons: occasion, State: access.State(asked.Get("state")), Tabs: []access.State{"", access.Requested, access.Granted, access.Used, access.Reviewed, access.Refused, access.Expired}}
	page, err := c.m.Access.Breaks(ctx, v.State, asked.Get("cursor"), rows)
	if err != nil {
		return nil, err
	}
	for _, b := range page.Items {
		buttons, err := accessButtons(ctx, c, breaksPage, b, breakMoves,
			map[string]string{"approve": "grant-break", "refuse": "refuse-break", "review": "review-break"},
			map[string][]string{"refuse-break": breakRefusals, "review-break": verdicts})
		if err != nil {
			return nil, err
		}
		v.Rows = append(v.Rows, breakRow{b, buttons})
	}
	v.First, v.Next = turn(breaksPage, "state", string(v.State), asked.Get("cursor"), page.Next)
	v.Ask = c.open(ctx, breaksPage, "ask", breakMoves)
	return v, nil
}

// ask makes a request out of what was typed.
func (c console) ask(ctx context.Context, _ platform.ID, form url.Values) error {
	var on platform.Ref
	if err := on.UnmarshalText([]byte(strings.TrimSpace(form.Get("on")))); err != nil {
		return platform.Wrong("on", err)
	}
	minutes, err := strconv.Atoi(form.Get("minutes"))
	if err != nil {
		return platform.Wrong("minutes", platform.ErrInvalid)
	}
	_, err = c.m.Access.Request(ctx, access.Request{
		On: on, Fields: strings.Fields(strings.ReplaceAll(form.Get("fields"), ",", " ")), Purpose: form.Get("purpose"), Reason: form.Get("reason"),
		Ticket: form.Get("ticket"), Text: form.Get("text"), Minutes: minutes,
	})
	return err
}

func (c console) grantBreak(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Access.Approve(ctx, access.Approve{Break: id})
	return err
}

func (c console) refuseBreak(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Access.Refuse(ctx, access.Refuse{Break: id, Reason: form.Get("reason")})
	return err
}

func (c console) reviewBreak(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Access.Review(ctx, access.Review{Break: id, Outcome: form.Get("reason")})
	return err
}

type campaignsView struct {
	Open   []campaignRow
	Closed []access.Campaign
	Cut    bool
	Begin  *button // nil for those who may not
}

type campaignRow struct {
	access.Campaign
	Items []itemRow
}

type itemRow struct {
	access.Item
	Buttons []button
}

// campaigns reads the open review of access, grant by grant, and those before.
func (c console) campaigns(r *http.Request) (any, error) {
	ctx, v := r.Context(), campaignsView{}
	open, err := c.m.Access.Campaigns(ctx, access.Open, "", rows)
	if err != nil {
		return nil, err
	}
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	for _, one := range open.Items {
		row := campaignRow{Campaign: one}
		allowed, err := access.Allowed(ctx, c.m.Access, one)
		if err != nil {
			return nil, err
		}
		may := slices.Contains(allowed, "decide") && c.may(ctx, "access.decide", one.Ref())
		for _, item := range one.Items {
			next := itemRow{Item: item}
			if may && item.Outcome == "" && item.Account != actor.ID {
				for _, verb := range []string{"keep", "drop"} {
					b := press(campaignsPage+"/"+url.PathEscape(string(one.ID)), verb)
					b.Hidden = map[string]string{"grant": string(item.Grant)}
					next.Buttons = append(next.Buttons, b)
				}
			}
			row.Items = append(row.Items, next)
		}
		v.Open = append(v.Open, row)
	}
	closed, err := c.m.Access.Campaigns(ctx, access.Closed, "", rows)
	v.Closed, v.Cut = closed.Items, closed.Next != ""
	if len(v.Open) == 0 {
		v.Begin = c.open(ctx, campaignsPage, "begin", campaignMoves)
	}
	return v, err
}

func (c console) begin(ctx context.Context, _ platform.ID, _ url.Values) error {
	_, err := c.m.Access.Begin(ctx, access.Begin{})
	return err
}

func (c console) keep(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Access.Decide(ctx, access.Decide{Campaign: id, Grant: platform.ID(form.Get("grant")), Keep: true})
	return err
}

func (c console) drop(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Access.Decide(ctx, access.Decide{Campaign: id, Grant: platform.ID(form.Get("grant"))})
	return err
}
