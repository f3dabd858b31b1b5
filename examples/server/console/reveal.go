package console

import (
	"context"
	"net/http"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
)

// What sealed fields are looked at for, and why now.
var (
	uses     = []string{"fulfilment", "agreement", "dispute", "supervision", "reimbursement", "invoicing"}
	occasion = []string{"customer_request", "unreachable", "complaint", "verification", "authority"}
)

// revealForm asks to see the sealed fields of a record.
type revealForm struct {
	Record            string
	Fields            []string
	Purposes, Reasons []string
}

// revealing is the form for those of the fields that hold something; nil when
// there is none, or who looks may not see them.
func (c console) revealing(ctx context.Context, on platform.Ref, fields map[string]platform.Sealed, order ...string) *revealForm {
	f := &revealForm{Record: on.String(), Reasons: occasion}
	for _, field := range order {
		if len(fields[field]) > 0 {
			f.Fields = append(f.Fields, field)
		}
	}
	if len(f.Fields) == 0 {
		return nil
	}
	for _, use := range uses { // a role may look for one purpose and not for another
		if c.permits(ctx, platform.Act{Action: "vault.reveal", On: on, Field: f.Fields[0], Purpose: use, Reason: occasion[0]}) {
			f.Purposes = append(f.Purposes, use)
		}
	}
	if len(f.Purposes) == 0 {
		return nil
	}
	return f
}

// revealedView is a value in the clear, which stands in this answer and nowhere
// else.
type revealedView struct {
	Record  platform.Ref
	Field   string
	Plain   string
	Receipt platform.ID
	Back    string
}

// reveal answers with the value itself: no address leads to it, and it is seen
// again only by asking again.
func (c console) reveal(w http.ResponseWriter, r *http.Request) {
	var on platform.Ref
	if err := r.ParseForm(); err != nil || on.UnmarshalText([]byte(r.PostForm.Get("record"))) != nil {
		edge.Refuse(w, r, errForm)
		return
	}
	in := market.Reveal{Record: on, Field: r.PostForm.Get("field"), Purpose: r.PostForm.Get("purpose"), Reason: r.PostForm.Get("reason")}
	v := revealedView{Record: on, Field: in.Field, Back: applicationsPage}
	switch on.Kind {
	case "order":
		v.Back = ordersPage + string(on.ID)
	case "finance.claim":
		v.Back = claimsPage + "/" + string(on.ID)
	case "order.evidence":
		v.Back = c.evidencePage(r.Context(), on.ID)
	case "invoice":
		v.Back = invoicesPage + string(on.ID)
	}
	p := page{Name: "reveal", Other: v.Back}
	status := http.StatusOK
	plain, receipt, err := c.m.Reveal(r.Context(), in)
	if err != nil {
		p.Problem = edge.Explain(r.Context(), err)
		status = p.Problem.Status
	}
	v.Plain, v.Receipt = plain.Reveal(), receipt
	p.Data = v
	c.render(w, r, status, p)
}
