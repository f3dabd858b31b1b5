// Package staff mounts the staff's part of the API: zones, members, and the
// assignments that they accept and carry out.
package staff

import (
	"cmp"
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/staff"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "staff"}
}

type find struct {
	edge.Paging
	State string `query:"state" doc:"only those in this state"`
	Zone  string `query:"zone" doc:"only of this zone"`
}

type findAssignments struct {
	edge.Paging
	State  string `query:"state" doc:"only with member"`
	Order  string `query:"order" doc:"only of this order"`
	Member string `query:"member" doc:"only this member's"`
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Staff
	edge.Create(api, op("zones", "Draft a zone"), s.DraftZone)
	edge.List(api, op("zones", "Zones"), func(ctx context.Context, f *find) (platform.Page[staff.Zone], error) {
		return s.Zones(ctx, staff.ZoneState(f.State), f.Cursor)
	})
	edge.Show(api, op("zones/{id}", "One zone"), s.Zone)
	edge.Command(api, op("zones/{id}/publish", "Open the zone"), func(c *staff.PublishZone, id platform.ID) { c.Zone = id }, s.PublishZone)

	edge.Create(api, op("members", "Take a member on"), s.Hire)
	edge.List(api, op("members", "Members"), func(ctx context.Context, f *find) (platform.Page[staff.Member], error) {
		return s.Members(ctx, staff.Find{State: staff.State(f.State), Zone: platform.ID(f.Zone), Limit: f.Limit, Cursor: f.Cursor})
	})
	edge.Show(api, op("members/{id}", "One member"), s.Member)
	edge.Command(api, op("members/{id}/grant", "Grant a skill"), func(c *staff.Grant, id platform.ID) { c.Member = id }, s.Grant)
	edge.Command(api, op("members/{id}/activate", "Let the member begin"), func(c *staff.Activate, id platform.ID) { c.Member = id }, s.Activate)
	edge.Command(api, op("members/{id}/shifts", "Publish the member's shifts"), func(c *staff.Publish, id platform.ID) { c.Member = id }, s.Publish)
	edge.Command(api, op("members/{id}/suspend", "Suspend the member"), func(c *staff.Suspend, id platform.ID) { c.Member = id }, s.Suspend)
	edge.Command(api, op("members/{id}/restore", "End the suspension"), func(c *staff.Restore, id platform.ID) { c.Member = id }, s.Restore)
	edge.Command(api, op("members/{id}/ping", "Where the member is"), func(c *dispatch.Ping, id platform.ID) { c.Member = id }, m.Dispatch.Ping)
	edge.Command(api, op("members/{id}/reasons", "Why the member gets no work"), func(c *staff.Ask, id platform.ID) { c.Member = id }, func(ctx context.Context, in staff.Ask) (reasons, error) {
		found, err := s.Reasons(ctx, in)
		return reasons{Items: found}, err
	})
	assignments(api, m.Dispatch)
}

type reasons struct {
	Items []string `json:"items"`
}

func assignments(api huma.API, s *dispatch.Service) {
	edge.Command(api, op("orders/{id}/dispatch", "Look for staff and offer the work"), func(c *dispatch.DispatchOrder, id platform.ID) { c.Order = id }, s.DispatchOrder)
	edge.List(api, op("assignments", "Assignments; a member's own"), func(ctx context.Context, f *findAssignments) (platform.Page[dispatch.Assignment], error) {
		if actor, err := platform.ActorOf(ctx); err == nil && actor.Kind == platform.Staff {
			f.Member = cmp.Or(f.Member, string(actor.For()))
		}
		return s.Assignments(ctx, dispatch.Find{
			Order: platform.ID(f.Order), Member: platform.ID(f.Member), State: dispatch.State(f.State), Limit: f.Limit, Cursor: f.Cursor,
		})
	})
	edge.Show(api, op("assignments/{id}", "One assignment"), s.Assignment)
	edge.Command(api, op("assignments/{id}/accept", "The member accepts"), func(c *dispatch.Accept, id platform.ID) { c.Assignment = id }, s.Accept)
	edge.Command(api, op("assignments/{id}/decline", "The member declines"), func(c *dispatch.Decline, id platform.ID) { c.Assignment = id }, s.Decline)
	edge.Command(api, op("assignments/{id}/en-route", "The member sets out"), func(c *dispatch.EnRoute, id platform.ID) { c.Assignment = id }, s.EnRoute)
	edge.Command(api, op("assignments/{id}/arrive", "The member is there"), func(c *dispatch.Arrive, id platform.ID) { c.Assignment = id }, s.Arrive)
	edge.Command(api, op("assignments/{id}/work", "The member works"), func(c *dispatch.Work, id platform.ID) { c.Assignment = id }, s.Work)
	edge.Command(api, op("assignments/{id}/done", "The member is done"), func(c *dispatch.Done, id platform.ID) { c.Assignment = id }, s.Done)
	edge.Command(api, op("assignments/{id}/release", "Take the member off the work"), func(c *dispatch.Release, id platform.ID) { c.Assignment = id }, s.Release)
	edge.Command(api, op("assignments/{id}/withdraw", "Take the offer back"), func(c *dispatch.Withdraw, id platform.ID) { c.Assignment = id }, s.Withdraw)
	edge.Command(api, op("assignments/{id}/contact", "The customer is not there and was called on"), func(c *dispatch.Contact, id platform.ID) { c.Assignment = id }, s.Contact)
	edge.Command(api, op("assignments/{id}/no-show", "The member did not come"), func(c *dispatch.NoShow, id platform.ID) { c.Assignment = id }, s.NoShow)
}
