package main

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Finding is something in the records that cannot be, or that the platform has
// no place for.
type Finding struct {
	platform.Head
	Code   string         `json:"code" class:"internal"`             // one of findings
	About  string         `json:"about" class:"internal"`            // "order/…", "lead/…", "seller/…", or file:line
	Detail string         `json:"detail,omitempty" class:"internal"` // what exactly, for a reader
	Amount platform.Money `json:"amount,omitzero" class:"internal"`  // that it is about
}

// Ref names the finding.
func (f Finding) Ref() platform.Ref { return platform.Ref{Kind: "replay.finding", ID: f.ID} }

// Source is an order of the dataset beside the orders that it became: what the
// platform has no field for.
type Source struct {
	platform.Head
	Order     string         `json:"order" class:"internal"` // the dataset's id
	Status    string         `json:"status" class:"internal"`
	Customer  platform.ID    `json:"customer" class:"internal"`
	Orders    []platform.ID  `json:"orders" class:"internal"` // what it became, one for each seller
	Items     int            `json:"items" class:"internal"`
	Payments  int            `json:"payments" class:"internal"`
	Price     platform.Money `json:"price" class:"internal"`   // Σ of the items
	Freight   platform.Money `json:"freight" class:"internal"` // Σ of the items
	Paid      platform.Money `json:"paid" class:"internal"`    // Σ of the payments, approved or not
	Delivered time.Time      `json:"delivered,omitzero" class:"internal"`
	Estimated time.Time      `json:"estimated,omitzero" class:"internal"`
	Feedback  []int          `json:"feedback,omitempty" class:"internal"` // scores of reviews when there is no order to keep them with
}

// Ref names the source.
func (s Source) Ref() platform.Ref { return platform.Ref{Kind: "replay.source", ID: s.ID} }

// late tells whether the records say that it came after the estimate.
func (s Source) late() bool {
	return s.Status == "delivered" && !s.Estimated.IsZero() && s.Delivered.After(s.Estimated)
}

// kinds are the records of the replay itself.
func kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Finding]{
			Name: "replay.finding", Prefix: "rpf",
			Columns: func(f Finding) []platform.Column { return []platform.Column{{Name: "code", Value: f.Code}} },
			Indexes: []platform.Index{{By: []string{"code"}}},
		}.Kind(),
		platform.Shape[Source]{
			Name: "replay.source", Prefix: "src",
			Unique: func(s Source) []platform.Claim { return []platform.Claim{{Scope: "replay.source", Key: s.Order}} },
		}.Kind(),
	}
}

// Note keeps a finding.
type Note struct{ Finding Finding }

// Note carries out the command of that name.
func (r *replay) Note(ctx context.Context, in Note) (Finding, error) {
	f := in.Finding
	f.ID = r.market.Writer.NewRoot(ctx, "rpf")
	return platform.Update(ctx, r.market.Writer, in, func(context.Context) (Finding, []platform.Change, error) {
		facts := map[string]any{"about": f.About}
		return f, []platform.Change{platform.Put(f), platform.Happened("replay.found", f.Ref(), facts).Because(f.Code)}, nil
	})
}

// Keep keeps a source as it is now.
type Keep struct{ Source Source }

// Keep carries out the command of that name.
func (r *replay) Keep(ctx context.Context, in Keep) (Source, error) {
	return platform.Update(ctx, r.market.Writer, in, func(context.Context) (Source, []platform.Change, error) {
		s := in.Source
		facts := map[string]any{"order": s.Order, "status": s.Status, "orders": s.Orders}
		return s, []platform.Change{platform.Put(s), platform.Happened("replay.kept", s.Ref(), facts)}, nil
	})
}
