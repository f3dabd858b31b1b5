// Package trust mounts the part of the API by which the operator answers for
// what happened: alerts, the verification of the books, and the audit log.
package trust

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "trust"}
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	edge.Get(api, op("books/verification", "Prove the books from their own records"), func(ctx context.Context) (verification, error) {
		if err := edge.Only(ctx, platform.Operator, platform.Auditor); err != nil {
			return verification{}, err
		}
		found, err := m.VerifyBooks(ctx)
		return verification{Sound: len(found) == 0, Found: append([]finance.Discrepancy{}, found...)}, err
	})
	edge.Get(api, op("audit/checkpoint", "The signed head of the audit log"), func(ctx context.Context) (checkpoint, error) {
		signed, err := m.Audit.Checkpoint(ctx)
		return checkpoint{Note: string(signed), Key: m.AuditKey}, err
	})
	edge.Find(api, edge.Op{Path: "/meta/data", Summary: "The data catalogue: every field that is stored, with its class, purpose, retention and legal basis", Tag: "trust"}, func(ctx context.Context, in *catalogue) (fields, error) {
		if err := edge.Only(ctx, platform.Operator, platform.Auditor); err != nil {
			return fields{}, err
		}
		all, err := market.Catalogue(market.Stored())
		all = slices.DeleteFunc(all, func(f market.DataField) bool { return in.Class != "" && string(f.Class) != in.Class })
		return fields{append([]market.DataField{}, all...)}, err
	})
	edge.Get(api, op("audit/alarms", "Alarms of the audit log, and who answered for them; the newest first"), func(ctx context.Context) (alarms, error) {
		if err := edge.Only(ctx, platform.Operator, platform.Auditor); err != nil {
			return alarms{}, err
		}
		all, err := m.Alarms(ctx)
		return alarms{Events: append([]platform.Event{}, all...), Open: m.Standing(ctx)}, err
	})
	edge.Create(api, op("audit/acknowledgements", "Let the audit log go on from what was found, and answer for it"), m.AcknowledgeFork)
	edge.List(api, op("alerts", "Alerts, and whom they call"), func(ctx context.Context, a *alerts) (platform.Page[risk.Alert], error) {
		return m.Risk.Alerts(ctx, risk.State(cmp.Or(a.State, string(risk.AlertFiring))), a.Cursor, a.Limit)
	})
	edge.Show(api, op("alerts/{id}", "One alert"), m.Risk.Alert)
	edge.Command(api, op("alerts/{id}/acknowledge", "Take the alert on"), func(c *risk.Acknowledge, id platform.ID) { c.Alert = id }, m.Risk.Acknowledge)
	edge.Command(api, op("alerts/{id}/resolve", "Say how it ended"), func(c *risk.Resolve, id platform.ID) { c.Alert = id }, m.Risk.Resolve)
	edge.List(api, op("deliveries/parked", "Events that a sink failed to take for three days"), func(ctx context.Context, p *edge.Paging) (platform.Page[delivery], error) {
		if err := edge.Only(ctx, platform.Operator, platform.Auditor); err != nil {
			return platform.Page[delivery]{}, err
		}
		page, err := m.Parked(ctx, p.Cursor, p.Limit)
		out := platform.Page[delivery]{Items: make([]delivery, len(page.Items)), Next: page.Next}
		for i, d := range page.Items {
			out.Items[i] = delivered(d)
		}
		return out, err
	})
	edge.Command(api, op("deliveries/{id}/resend", "Have the sink tried again"), func(c *market.Resend, id platform.ID) { c.Event = id }, shown(m.Resend))
	edge.Command(api, op("deliveries/{id}/discard", "Give the delivery up; the event stays in the log"), func(c *market.Discard, id platform.ID) { c.Event = id }, shown(m.Discard))
	edge.Create(api, op("reveals", "See a sealed field; the answer's receipt is the event that tells so"), func(ctx context.Context, c market.Reveal) (revealed, error) {
		if err := edge.Only(ctx, platform.Operator); err != nil {
			return revealed{}, err
		}
		plain, receipt, err := m.Reveal(ctx, c)
		return revealed{plain.Reveal(), receipt}, err
	})
	edge.Create(api, op("erasures", "Have somebody forgotten: what is sealed of theirs never opens again"), func(ctx context.Context, c vault.Shred) (vault.Erasure, error) {
		if err := edge.Only(ctx, platform.Operator); err != nil {
			return vault.Erasure{}, err
		}
		return m.Vault.Shred(ctx, c)
	})
	edge.Show(api, op("audit/events/{id}", "The proof that an event is in the audit log"), func(ctx context.Context, id platform.ID) (audit.Receipt, error) {
		if err := edge.Only(ctx, platform.Operator, platform.Auditor); err != nil {
			return audit.Receipt{}, err
		}
		e, err := platform.Read[platform.Event](ctx, m.DB, "event", id)
		if err != nil {
			return audit.Receipt{}, err
		}
		return m.Audit.Receipt(ctx, e)
	})
}

// revealed is the only answer with a personal value in the clear.
type revealed struct {
	Plain   string      `json:"plain"`
	Receipt platform.ID `json:"receipt"`
}

type alerts struct {
	edge.Paging
	State string `query:"state" doc:"firing unless given"`
}

type verification struct {
	Sound bool                  `json:"sound"`
	Found []finance.Discrepancy `json:"found"`
}

type fields struct {
	Items []market.DataField `json:"items"`
}

type catalogue struct {
	Class string `query:"class" doc:"public, internal, personal, sensitive or secret; all unless given"`
}

type alarms struct {
	Open   *audit.Fork      `json:"open,omitempty" doc:"the log as it stands now, unless it goes on from what was signed"`
	Events []platform.Event `json:"events"`
}

type checkpoint struct {
	Note string `json:"note" doc:"C2SP checkpoint: name, size, root, signature"`
	Key  string `json:"key" doc:"the public key that verifies it"`
}

// delivery is a parked delivery as the API shows it: the event's data stay in
// the log.
type delivery struct {
	Event platform.ID  `json:"event"`
	Type  string       `json:"type"`
	About platform.Ref `json:"subject"`
	Sink  string       `json:"sink"`
	Tries int          `json:"tries"`
	Since time.Time    `json:"since"`
	Last  string       `json:"last" doc:"code of the last failure"`
}

func delivered(d store.Delivery) delivery {
	return delivery{d.Event.ID, d.Event.Type, d.Event.Subject, d.Sink, d.Tries, d.Since, d.Last}
}

// shown is a command on a delivery that answers as the API does.
func shown[C any](do func(context.Context, C) (store.Delivery, error)) func(context.Context, C) (delivery, error) {
	return func(ctx context.Context, c C) (delivery, error) {
		d, err := do(ctx, c)
		return delivered(d), err
	}
}
