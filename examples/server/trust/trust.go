// Package trust mounts the part of the API by which the operator answers for
// what happened: alerts, the verification of the books, and the audit log.
package trust

import (
	"cmp"
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/audit"
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
	edge.List(api, op("alerts", "Alerts, and whom they call"), func(ctx context.Context, a *alerts) (platform.Page[risk.Alert], error) {
		return m.Risk.Alerts(ctx, risk.State(cmp.Or(a.State, string(risk.AlertFiring))), a.Cursor, a.Limit)
	})
	edge.Show(api, op("alerts/{id}", "One alert"), m.Risk.Alert)
	edge.Command(api, op("alerts/{id}/acknowledge", "Take the alert on"), func(c *risk.Acknowledge, id platform.ID) { c.Alert = id }, m.Risk.Acknowledge)
	edge.Command(api, op("alerts/{id}/resolve", "Say how it ended"), func(c *risk.Resolve, id platform.ID) { c.Alert = id }, m.Risk.Resolve)
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

type alerts struct {
	edge.Paging
	State string `query:"state" doc:"firing unless given"`
}

type verification struct {
	Sound bool                  `json:"sound"`
	Found []finance.Discrepancy `json:"found"`
}

type checkpoint struct {
	Note string `json:"note" doc:"C2SP checkpoint: name, size, root, signature"`
	Key  string `json:"key" doc:"the public key that verifies it"`
}
