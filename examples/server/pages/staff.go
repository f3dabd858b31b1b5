package pages

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/staff"
)

const (
	jobsPage  = "/my/jobs"
	hoursPage = "/my/hours"
)

// jobMoves are the forms of a member on an assignment. The work itself begins and ends
// with its order, which the assignment follows.
var jobMoves = map[string]move{
	"take":     {"job", pages.job, pages.take},
	"pass":     {"job", pages.job, pages.pass},
	"en-route": {"job", pages.job, pages.enRoute},
	"arrive":   {"job", pages.job, pages.arrive},
	"begin":    {"job", pages.job, pages.begin},
	"hand":     {"job", pages.job, pages.hand},
	"release":  {"job", pages.job, pages.release},
}

var (
	passes   = []string{"too_far", "break", "unsafe", "equipment", "unwell", "other"} // those that dispatch knows
	releases = []string{"unwell", "unsafe", "equipment", "other"}
)

// staff adds the pages of those who carry the work out.
func (p pages) staff(s *edge.Server) {
	s.Handle("GET "+jobsPage, p.show("jobs", pages.jobs, platform.Staff))
	s.Handle("GET "+jobsPage+"/{id}", p.show("job", pages.job, platform.Staff))
	s.Handle("POST "+jobsPage+"/{id}/{move}", p.act(jobMoves, platform.Staff))
	s.Handle("GET "+hoursPage, p.show("hours", pages.hours, platform.Staff))
}

type jobsView struct {
	Offers []jobRow
	Today  []jobRow
	Later  []jobRow
	Zone   *time.Location
}

type jobRow struct {
	dispatch.Assignment
	Skills []string
	Zone   *time.Location
	Take   *form // of an offer
	Pass   *form
}

// skills are what work needs of a member, without the parties and places that dispatch
// looks at beside them.
func skills(a dispatch.Assignment) []string {
	return slices.DeleteFunc(slices.Clone(a.Need), func(word string) bool { return platform.ID(word).Prefix() != "" })
}

// self is the member who looks, and the clock by which it works.
func (p pages) self(ctx context.Context) (staff.Member, *time.Location, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return staff.Member{}, nil, err
	}
	m, err := p.m.Staff.Member(ctx, by.For())
	if err != nil {
		return staff.Member{}, nil, err
	}
	zone, err := time.LoadLocation(m.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return m, zone, nil
}

// jobs reads what waits for the member: offers by their deadline, then what it has
// taken, that of today first.
func (p pages) jobs(r *http.Request) (any, error) {
	ctx := r.Context()
	m, zone, err := p.self(ctx)
	if err != nil {
		return nil, err
	}
	v, now := jobsView{Zone: zone}, p.m.Writer.Now()
	tomorrow := time.Date(now.In(zone).Year(), now.In(zone).Month(), now.In(zone).Day()+1, 0, 0, 0, 0, zone)
	for _, state := range []dispatch.State{dispatch.Offered, dispatch.Working, dispatch.Arrived, dispatch.Travelling, dispatch.Accepted} {
		all, err := gather(func(cursor string) (platform.Page[dispatch.Assignment], error) {
			return p.m.Dispatch.Assignments(ctx, dispatch.Find{Member: m.ID, State: state, Cursor: cursor})
		})
		if err != nil {
			return nil, err
		}
		for _, a := range all {
			row := jobRow{Assignment: a, Skills: skills(a), Zone: zone}
			switch {
			case state == dispatch.Offered && now.Before(a.Due):
				row.Take, row.Pass = formFor(ctx, jobPage(a.ID), "take"), formFor(ctx, jobPage(a.ID), "pass", passes...).as(a.ID)
				v.Offers = append(v.Offers, row)
			case state == dispatch.Offered: // it is over, and the tick has not come round
			case a.From.Before(tomorrow):
				v.Today = append(v.Today, row)
			default:
				v.Later = append(v.Later, row)
			}
		}
	}
	slices.SortStableFunc(v.Offers, func(a, b jobRow) int { return a.Due.Compare(b.Due) })
	for _, rows := range [][]jobRow{v.Today, v.Later} {
		slices.SortStableFunc(rows, func(a, b jobRow) int { return a.From.Compare(b.From) })
	}
	return v, nil
}

func jobPage(id platform.ID) string { return jobsPage + "/" + url.PathEscape(string(id)) }

type jobView struct {
	Job    dispatch.Assignment
	Skills []string
	Area   string // its name
	Zone   *time.Location
	Order  *order.Order // once the seat is the member's
	Live   bool         // the offer stands
	Forms  map[string]*form
}

// job reads one assignment of the member's, and the next step of it.
func (p pages) job(r *http.Request) (any, error) {
	ctx := r.Context()
	a, err := p.m.Dispatch.Assignment(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	_, zone, err := p.self(ctx)
	if err != nil {
		return nil, err
	}
	v, now := &jobView{Job: a, Skills: skills(a), Zone: zone, Forms: map[string]*form{}}, p.m.Writer.Now()
	if area, err := p.m.Staff.Zone(ctx, a.Zone); err == nil {
		v.Area = area.Name
	}
	at := jobPage(a.ID)
	v.Live = a.State == dispatch.Offered && now.Before(a.Due)
	switch {
	case v.Live:
		v.Forms["take"], v.Forms["pass"] = formFor(ctx, at, "take"), formFor(ctx, at, "pass", passes...)
		return v, nil
	case a.State == dispatch.Accepted:
		v.Forms["en-route"] = formFor(ctx, at, "en-route")
	case a.State == dispatch.Travelling:
		v.Forms["arrive"] = formFor(ctx, at, "arrive")
	}
	o, err := p.m.Orders.Order(ctx, a.Order)
	if errors.Is(err, platform.ErrNotFound) { // its seat is not the member's any more
		return v, nil
	}
	v.Order = &o
	return v, v.works(ctx, at, err, now)
}

// works adds the steps that belong to the order.
func (v *jobView) works(ctx context.Context, at string, err error, now time.Time) error {
	by, unknown := platform.ActorOf(ctx)
	if err = cmp.Or(err, unknown); err != nil {
		return err
	}
	for _, verb := range v.Order.Allowed(by, now) {
		switch {
		case verb == "start":
			v.Forms["begin"] = formFor(ctx, at, "begin")
		case verb == "complete" && v.Order.StartedAt.IsZero(): // first things first
		case verb == "deliver" && v.Order.Terms.Acceptance == "proof": // its proofs complete it
		case verb == "deliver" || verb == "complete":
			v.Forms["hand"] = proving(ctx, at, "hand", v.Order.Terms, now).with("order", string(v.Order.ID))
		}
	}
	if slices.Contains(v.Job.Open(platform.Staff), "release") {
		v.Forms["release"] = formFor(ctx, at, "release", releases...)
	}
	return nil
}

// acted leads to the assignment with the word for what happened.
func acted(a dispatch.Assignment, what string, err error) (string, error) {
	return jobPage(a.ID) + "?done=" + what, err
}

func (p pages) take(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	a, err := p.m.Dispatch.Accept(ctx, dispatch.Accept{Assignment: id})
	return acted(a, "take", err)
}

func (p pages) pass(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	_, err := p.m.Dispatch.Decline(ctx, dispatch.Decline{Assignment: id, Reason: in.Get("reason")})
	return jobsPage + "?done=pass", err
}

func (p pages) enRoute(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	a, err := p.m.Dispatch.EnRoute(ctx, dispatch.EnRoute{Assignment: id})
	return acted(a, "en-route", err)
}

func (p pages) arrive(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	a, err := p.m.Dispatch.Arrive(ctx, dispatch.Arrive{Assignment: id})
	return acted(a, "arrive", err)
}

// begin starts the order of the assignment, which follows it.
func (p pages) begin(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	a, err := p.m.Dispatch.Assignment(ctx, id)
	if err != nil {
		return "", err
	}
	_, err = p.m.Orders.Start(ctx, order.Start{Order: a.Order})
	return acted(a, "begin", err)
}

// hand hands the order over with its proofs, and the assignment is done.
func (p pages) hand(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	return jobPage(id) + "?done=hand", p.handOver(ctx, platform.ID(in.Get("order")), in)
}

// release gives the work back, by the member's own doing.
func (p pages) release(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	_, err := p.m.Dispatch.Release(ctx, dispatch.Release{Assignment: id, Reason: in.Get("reason"), Fault: "staff"})
	return jobsPage + "?done=release", err
}

type hoursView struct {
	Member staff.Member
	Zone   *time.Location
	Done   []doneRow
	Week   time.Duration // worked in the last seven days, of those shown
}

// doneRow is work that is done.
type doneRow struct {
	dispatch.Assignment
	Began, Ended time.Time
}

// Took is how long it was.
func (r doneRow) Took() time.Duration { return r.Ended.Sub(r.Began) }

// recent is how many pieces of work the page on hours shows.
const recent = 30

// hours reads when the member works, and what it did last, the newest first.
func (p pages) hours(r *http.Request) (any, error) {
	m, zone, err := p.self(r.Context())
	if err != nil {
		return nil, err
	}
	page, err := p.m.Dispatch.Assignments(r.Context(), dispatch.Find{Member: m.ID, State: dispatch.Finished, Backward: true, Limit: recent})
	if err != nil {
		return nil, err
	}
	v, week := hoursView{Member: m, Zone: zone}, p.m.Writer.Now().AddDate(0, 0, -7)
	for _, a := range page.Items {
		row := doneRow{Assignment: a}
		for _, s := range a.Steps {
			switch s.State {
			case dispatch.Working:
				row.Began = s.At
			case dispatch.Finished:
				row.Ended = s.At
			}
		}
		if row.Began.IsZero() { // finished from the way, or taken over
			row.Began = row.Ended
		}
		if row.Ended.After(week) {
			v.Week += row.Took()
		}
		v.Done = append(v.Done, row)
	}
	return v, nil
}
