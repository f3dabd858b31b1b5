package console

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/security/audit"
)

const auditPage = "/console/audit"

var auditMoves = map[string]move{
	"answer": {action: "market.acknowledgeFork", back: auditPage, do: console.answer},
}

// answers are why a log goes on from another tree than the one signed last.
var answers = []string{"restored_backup", "other"}

type auditView struct {
	Log     string
	Size    int64
	Root    string
	Note    string
	Key     string // the public key
	Kept    []audit.Signed
	Fork    *audit.Fork // at which the log stands
	Buttons []button
	Alarms  []platform.Event
	Event   string // that was asked for
	Receipt *audit.Receipt
	Proof   proof
	Problem *edge.Problem // why there is no receipt, or why it does not verify
}

// proof is the way from an event's leaf to the root, step by step.
type proof struct {
	Leaf  tlog.Hash
	Steps []audit.Step
}

// audit signs a checkpoint and opens it again with the public key, or says why it
// cannot; of an event that is asked for it does the same with the receipt.
func (c console) audit(r *http.Request) (any, error) {
	ctx := r.Context()
	v := auditView{
		Log: c.m.Verifier.Name(), Key: c.m.AuditKey, Kept: c.m.Audit.Kept(),
		Event: strings.TrimSpace(r.URL.Query().Get("event")),
	}
	signed, err := c.m.Audit.Checkpoint(ctx)
	if fork, forked := errors.AsType[*audit.ForkError](err); forked {
		v.Fork, v.Buttons = &fork.Fork, c.answers(ctx, fork.Fork)
	} else if err != nil {
		return nil, err
	} else {
		head, err := signed.Open(c.m.Verifier)
		if err != nil {
			return nil, err
		}
		v.Size, v.Root, v.Note = head.Size, base64.StdEncoding.EncodeToString(head.Root[:]), string(signed)
	}
	if v.Alarms, err = c.m.Alarms(ctx); err != nil || v.Event == "" {
		return v, err
	}
	receipt, way, err := c.receipt(r, platform.ID(v.Event))
	if err != nil {
		v.Problem = edge.Explain(ctx, err)
		return v, nil
	}
	v.Receipt, v.Proof = &receipt, way
	return v, nil
}

// receipt is the proof of an event, after it has verified.
func (c console) receipt(r *http.Request, id platform.ID) (audit.Receipt, proof, error) {
	e, err := platform.Read[platform.Event](r.Context(), c.m.DB, "event", id)
	if err != nil {
		return audit.Receipt{}, proof{}, err
	}
	receipt, err := c.m.Audit.Receipt(r.Context(), e)
	if err != nil {
		return audit.Receipt{}, proof{}, err
	}
	var way proof
	way.Leaf, way.Steps, err = receipt.Path(c.m.Verifier)
	return receipt, way, err
}

// answers is the button by which an operator answers for a fork. The form names
// what was seen: another one is not acknowledged by it.
func (c console) answers(ctx context.Context, f audit.Fork) []button {
	if !c.may(ctx, auditMoves["answer"].action, platform.Ref{}) {
		return nil
	}
	seen, _ := json.Marshal(f) // numbers and hashes
	b := press(auditPage+"/"+url.PathEscape(c.m.Verifier.Name()), "answer", answers...)
	b.Hidden = map[string]string{"fork": string(seen)}
	return []button{b}
}

func (c console) answer(ctx context.Context, _ platform.ID, form url.Values) error {
	in := market.AcknowledgeFork{Reason: form.Get("reason")}
	if json.Unmarshal([]byte(form.Get("fork")), &in.Fork) != nil {
		return errForm
	}
	_, err := c.m.AcknowledgeFork(ctx, in)
	return err
}
