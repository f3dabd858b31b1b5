package console

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/security/audit"
)

type auditView struct {
	Log     string
	Size    int64
	Root    string
	Note    string
	Key     string // the public key
	Event   string // that was asked for
	Receipt *audit.Receipt
	Problem *edge.Problem // why there is no receipt, or why it does not verify
}

// audit signs a checkpoint and opens it again with the public key; of an event
// that is asked for it does the same with the receipt.
func (c console) audit(r *http.Request) (any, error) {
	ctx := r.Context()
	signed, err := c.m.Audit.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	head, err := signed.Open(c.m.Verifier)
	if err != nil {
		return nil, err
	}
	v := auditView{
		Log: c.m.Verifier.Name(), Size: head.Size, Root: base64.StdEncoding.EncodeToString(head.Root[:]),
		Note: string(signed), Key: c.m.AuditKey, Event: strings.TrimSpace(r.URL.Query().Get("event")),
	}
	if v.Event == "" {
		return v, nil
	}
	receipt, err := c.receipt(r, platform.ID(v.Event))
	if err != nil {
		v.Problem = edge.Explain(ctx, err)
		return v, nil
	}
	v.Receipt = &receipt
	return v, nil
}

// receipt is the proof of an event, after it has verified.
func (c console) receipt(r *http.Request, id platform.ID) (audit.Receipt, error) {
	e, err := platform.Read[platform.Event](r.Context(), c.m.DB, "event", id)
	if err != nil {
		return audit.Receipt{}, err
	}
	receipt, err := c.m.Audit.Receipt(r.Context(), e)
	if err == nil {
		err = receipt.Verify(c.m.Verifier)
	}
	return receipt, err
}
