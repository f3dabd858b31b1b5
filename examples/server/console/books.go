package console

import (
	"net/http"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
)

type booksView struct {
	Balances []finance.TrialBalance
	Verify   []button // none for those who may only read
	Verified bool
	Faults   []finance.Discrepancy
}

// books reads the trial balance of one moment.
func (c console) books(r *http.Request) (any, error) { return c.balances(r) }

func (c console) balances(r *http.Request) (v booksView, err error) {
	if v.Balances, err = c.m.TrialBalance(r.Context()); err != nil {
		return v, err
	}
	if edge.Only(r.Context(), platform.Operator) == nil {
		v.Verify = []button{press("/console/books", "verify")}
	}
	return v, nil
}

// verify proves the books and shows what it found. It writes nothing, so that
// it needs no key.
func (c console) verify(w http.ResponseWriter, r *http.Request) {
	v, err := c.balances(r)
	if err == nil {
		v.Faults, err = c.m.VerifyBooks(r.Context())
	}
	if err != nil {
		edge.Refuse(w, r, err)
		return
	}
	v.Verified = true
	c.render(w, r, http.StatusOK, page{Name: "books", Data: v, Other: "/console/books"})
}
