package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/merchant"
)

const applicationsPage = "/console/applications"

var applicationMoves = map[string]move{
	"approve": {action: "merchant.approve", back: applicationsPage, do: console.approve},
	"refuse":  {action: "merchant.reject", back: applicationsPage, do: console.refuse},
	"publish": {action: "merchant.approveRevision", back: applicationsPage, do: console.publish},
	"decline": {action: "merchant.rejectRevision", back: applicationsPage, do: console.decline},
}

// Why an application or a listing is refused.
var (
	refusals = []string{"incomplete", "unverified", "not_eligible", "duplicate", "fraud"}
	rules    = []string{"listing.contact_data", "listing.banned_term", "listing.superlative", "listing.misleading"}
)

type applicationsView struct {
	Applications []applicationRow
	Listings     []listingRow
	Cut          bool // more wait than the page shows
}

type applicationRow struct {
	merchant.Application
	Buttons []button
	Reveal  *revealForm
}

type listingRow struct {
	merchant.Revision
	Merchant platform.ID
	Queued   time.Time
	Buttons  []button
}

// applications reads what waits for a reviewer: merchants who applied, and
// listings, the longest waiting first.
func (c console) applications(r *http.Request) (any, error) {
	ctx, v := r.Context(), applicationsView{}
	waiting, err := c.m.Merchants.Applications(ctx, merchant.Filter{State: merchant.InReview, Limit: rows})
	if err != nil {
		return nil, err
	}
	for _, a := range waiting.Items {
		sealed := map[string]platform.Sealed{"profile.legal_name": a.Profile.LegalName, "profile.licence": a.Profile.Licence, "profile.contact": a.Profile.Contact}
		v.Applications = append(v.Applications, applicationRow{
			a, c.decide(ctx, a.Ref(), "approve", "refuse", refusals),
			c.revealing(ctx, a.Ref(), sealed, "profile.legal_name", "profile.licence", "profile.contact"),
		})
	}
	drafts, err := c.m.Merchants.Queue(ctx, merchant.Filter{Limit: rows})
	if err != nil {
		return nil, err
	}
	for _, l := range drafts.Items {
		draft, err := c.m.Merchants.Revision(ctx, l.Draft)
		if err != nil {
			return nil, err
		}
		v.Listings = append(v.Listings, listingRow{draft, l.Merchant, l.Queued, c.decide(ctx, draft.Ref(), "publish", "decline", rules)})
	}
	v.Cut = waiting.Next+drafts.Next != ""
	return v, nil
}

// decide are the two buttons of a review.
func (c console) decide(ctx context.Context, on platform.Ref, yes, no string, reasons []string) (both []button) {
	action := applicationsPage + "/" + url.PathEscape(string(on.ID))
	if c.may(ctx, applicationMoves[yes].action, on) {
		both = append(both, press(action, yes))
	}
	if c.may(ctx, applicationMoves[no].action, on) {
		both = append(both, press(action, no, reasons...))
	}
	return both
}

func (c console) approve(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Merchants.Approve(ctx, merchant.Approve{Application: id})
	return err
}

func (c console) refuse(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Merchants.Reject(ctx, merchant.Reject{Application: id, Reasons: form["reason"]})
	return err
}

func (c console) publish(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Merchants.ApproveRevision(ctx, merchant.ApproveRevision{Revision: id})
	return err
}

func (c console) decline(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Merchants.RejectRevision(ctx, merchant.RejectRevision{Revision: id, Rules: form["reason"]})
	return err
}
