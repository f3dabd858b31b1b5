package main

import (
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/staff"
)

// Where an application came from, before the slash of its reference.
const (
	leadReference   = "lead/"
	sellerReference = "seller/"
)

var (
	admission = operator("admission", "admission")
	imports   = platform.SystemActor("import")
)

// openZone makes the one zone in which everything is sold.
func (r *replay) openZone() error {
	z, err := give(r, admission, r.market.Staff.DraftZone, staff.DraftZone{Name: "Brazil", TimeZone: "America/Sao_Paulo"})
	if err != nil {
		return err
	}
	r.zone = z.ID
	_, err = give(r, admission, r.market.Staff.PublishZone, staff.PublishZone{Zone: z.ID})
	return err
}

// contact makes an application of a lead, and plans its deal.
func (r *replay) contact(l *lead) error {
	a, err := give(r, imports, r.market.Merchants.Apply, merchant.Apply{
		Party: merchant.Party{Name: "Lead " + short(l.id)}, Channel: l.origin, Reference: leadReference + l.id,
	})
	if err != nil || !l.deal {
		return err
	}
	at := l.won
	if at.Before(r.clock.now) {
		at = r.clock.now
	}
	r.stream.add(at, leadRank, "lead/"+l.id, func() error { return r.win(l, a.ID) })
	return nil
}

// win admits the seller that a lead has become. One that sold before, or has
// another deal, keeps the merchant that it was then.
func (r *replay) win(l *lead, application platform.ID) error {
	id, err := r.admit(application)
	if err != nil {
		return err
	}
	if _, twice := r.merchants[l.seller]; twice {
		return r.note(Finding{Code: "seller.twice", About: "seller/" + l.seller, Detail: l.id})
	}
	r.merchants[l.seller] = id
	return nil
}

// sellerOf is the merchant of a seller. One without a won lead applies now.
func (r *replay) sellerOf(id string) (platform.ID, error) {
	if known, ok := r.merchants[id]; ok {
		return known, nil
	}
	if err := r.note(Finding{Code: "seller.no_lead", About: "seller/" + id}); err != nil {
		return "", err
	}
	a, err := give(r, imports, r.market.Merchants.Apply, merchant.Apply{
		Party: merchant.Party{Name: "Seller " + short(id)}, Channel: "orders", Reference: sellerReference + id,
	})
	if err != nil {
		return "", err
	}
	known, err := r.admit(a.ID)
	if err == nil {
		r.merchants[id] = known
	}
	return known, err
}

// admit takes an application all the way: submitted, approved, signed, and
// thereby active.
func (r *replay) admit(application platform.ID) (platform.ID, error) {
	m := r.market.Merchants
	if _, err := give(r, imports, m.Submit, merchant.Submit{Application: application}); err != nil {
		return "", err
	}
	a, err := give(r, admission, m.Approve, merchant.Approve{Application: application})
	if err != nil {
		return "", err
	}
	ctx := platform.As(r.ctx, seller(a.Merchant))
	joining, err := m.Merchant(ctx, a.Merchant)
	if err != nil {
		return "", err
	}
	g, _, err := m.Agreement(ctx, joining.Agreement)
	if err != nil {
		return "", err
	}
	_, err = give(r, seller(a.Merchant), m.Sign, merchant.Sign{Agreement: g.ID, Hash: g.Hash})
	return a.Merchant, err
}

// offer is what a listing is for. Prices of a product change from order to
// order, and an order pins the revision of its listing that is live: with a
// listing for each price it pins exactly what was paid.
type offer struct {
	product, seller string
	price           int64
}

// listing is the live listing of an item; "" when the platform refuses it,
// which is a finding.
func (r *replay) listing(s *sale, i item, by platform.ID) (platform.ID, error) {
	o := offer{i.product, i.seller, i.price.Minor()}
	if known, ok := r.listings[o]; ok {
		return known, nil
	}
	id, err := r.list(i, by)
	if err != nil {
		if err := r.reject("order/"+s.id, err); err != nil {
			return "", err
		}
		id = ""
	}
	r.listings[o] = id
	return id, nil
}

func (r *replay) list(i item, by platform.ID) (platform.ID, error) {
	m, category := r.market.Merchants, r.data.products[i.product]
	if category == "" {
		category = "other"
	}
	draft, err := give(r, seller(by), m.NewDraft, merchant.NewDraft{Content: &merchant.Content{
		Title: category, Text: "Product " + grouped(i.product), Unit: "piece", Price: i.price, Minutes: 1, Zone: r.zone,
		Standard: merchant.Standard{Scope: "one piece", Result: "delivered to the customer", Warranty: "as the law says"},
	}})
	if err != nil {
		return "", err
	}
	if _, err := give(r, seller(by), m.SubmitDraft, merchant.SubmitDraft{Revision: draft.ID}); err != nil {
		return "", err
	}
	_, err = give(r, admission, m.ApproveRevision, merchant.ApproveRevision{Revision: draft.ID})
	return draft.Listing, err
}

// short is the beginning of an id, enough to tell it apart for a reader.
func short(id string) string { return id[:min(8, len(id))] }

// grouped writes an id in groups of four: ten digits in a row look like a
// telephone number, which no listing may contain.
func grouped(id string) string {
	var groups []string
	for ; len(id) > 4; id = id[4:] {
		groups = append(groups, id[:4])
	}
	return strings.Join(append(groups, id), "_")
}
