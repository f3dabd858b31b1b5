package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/verification"
)

const (
	verificationsPage = "/console/verifications"
	duePage           = "/console/due"
)

var verificationMoves = map[string]move{
	"verify-submission": {action: "verification.verify", back: verificationsPage, do: console.verifySubmission},
	"reject-submission": {action: "verification.reject", back: verificationsPage, do: console.rejectSubmission},
	"grant-waiver":      {action: "verification.decideWaiver", back: verificationsPage, do: console.grantWaiver},
	"refuse-waiver":     {action: "verification.decideWaiver", back: verificationsPage, do: console.refuseWaiver},
}

// flaws are why a submission is refused: each is the remedy, too.
var flaws = []string{"unreadable", "incomplete", "mismatch", "outdated", "forged"}

type verificationsView struct {
	Rows    []reviewRow
	Waivers []waiverRow
	Late    int
	Cut     bool
}

// reviewRow is a submission that waits for a person.
type reviewRow struct {
	verification.Submission
	Age     int // whole hours of waiting
	Share   int // of the time that the reviewer has, in percent; 100 is all of it
	Late    bool
	Buttons []button
	Reveal  *revealForm
}

type waiverRow struct {
	verification.Waiver
	Buttons []button
}

// verifications reads what waits for a reviewer, by how much of the time for it is
// over, and the waivers that need a second person.
func (c console) verifications(r *http.Request) (any, error) {
	ctx, v, now := r.Context(), verificationsView{}, c.m.Writer.Now()
	queue, err := c.m.Verification.Queue(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, s := range queue.Items {
		row := waited(s, now)
		action := verificationsPage + "/" + url.PathEscape(string(s.ID))
		if c.may(ctx, verificationMoves["verify-submission"].action, s.Ref()) {
			row.Buttons = append(row.Buttons, press(action, "verify-submission").seen(s.Version))
		}
		if c.may(ctx, verificationMoves["reject-submission"].action, s.Ref()) {
			row.Buttons = append(row.Buttons, press(action, "reject-submission", flaws...).seen(s.Version))
		}
		row.Reveal = c.revealing(ctx, s.Ref(), map[string]platform.Sealed{"payload": s.Payload}, "payload")
		if row.Late {
			v.Late++
		}
		v.Rows = append(v.Rows, row)
	}
	waivers, err := c.m.Verification.Waivers(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, w := range waivers.Items {
		row := waiverRow{Waiver: w}
		if action := verificationsPage + "/" + url.PathEscape(string(w.ID)); c.may(ctx, "verification.decideWaiver", w.Ref()) {
			row.Buttons = []button{press(action, "grant-waiver"), press(action, "refuse-waiver")}
		}
		v.Waivers = append(v.Waivers, row)
	}
	v.Cut = queue.Next+waivers.Next != ""
	return v, nil
}

// waited tells how long a submission has waited, against the time there is.
func waited(s verification.Submission, now time.Time) reviewRow {
	since := s.SubmittedAt
	if s.DecidedAt.After(since) { // it was verified before, and is to be proved anew
		since = s.DecidedAt
	}
	row := reviewRow{Submission: s, Age: int(now.Sub(since) / time.Hour), Late: now.After(s.ReviewBy), Share: 100}
	if whole := s.ReviewBy.Sub(since); whole > 0 && !row.Late {
		row.Share = int(now.Sub(since) * 100 / whole)
	}
	return row
}

func (c console) verifySubmission(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Verification.Verify(ctx, verification.Verify{Submission: id})
	return err
}

func (c console) rejectSubmission(ctx context.Context, id platform.ID, form url.Values) error {
	reason := form.Get("reason")
	if !slices.Contains(flaws, reason) {
		return errForm
	}
	_, err := c.m.Verification.Reject(ctx, verification.Reject{Submission: id, Reason: reason, Remedy: "resubmit"})
	return err
}

func (c console) grantWaiver(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Verification.DecideWaiver(ctx, verification.DecideWaiver{Waiver: id, Grant: true})
	return err
}

func (c console) refuseWaiver(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Verification.DecideWaiver(ctx, verification.DecideWaiver{Waiver: id})
	return err
}

type dueView struct {
	verification.View
	Groups []dueGroup
}

// dueGroup is one of the lists of an evaluation.
type dueGroup struct {
	Name  string
	Items []dueItem
}

type dueItem struct {
	verification.Due
	Fault *verification.Fault
	Or    []string // what would do as well
}

// due reads what a party has to prove, by when, and what that blocks.
func (c console) due(r *http.Request) (any, error) {
	by, err := platform.ActorOf(r.Context())
	if err != nil {
		return nil, err
	}
	v, err := c.m.Verification.Standing(r.Context(), by.For())
	if err != nil {
		return nil, err
	}
	view := dueView{View: v}
	for _, g := range []struct {
		name string
		list []verification.Due
	}{{"past", v.Past}, {"current", v.Currently}, {"pending", v.Pending}, {"eventual", v.Eventually}, {"future", v.Future}} {
		if len(g.list) > 0 {
			view.Groups = append(view.Groups, dueGroup{g.name, explained(g.list, v.Evaluation)})
		}
	}
	return view, nil
}

// explained are requirements with what was wrong, and what would do instead.
func explained(list []verification.Due, e verification.Evaluation) (items []dueItem) {
	for _, d := range list {
		item := dueItem{Due: d}
		for _, f := range e.Errors {
			if f.Code == d.Code {
				item.Fault = &f
			}
		}
		for _, a := range e.Alternatives {
			if a.Code == d.Code {
				item.Or = a.Of
			}
		}
		items = append(items, item)
	}
	return items
}
