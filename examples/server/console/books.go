package console

import (
	"net/http"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/store/memory"
)

type booksView struct {
	Balances []finance.TrialBalance
	Verify   []button // none for those who may only read
	Verified bool
	Faults   []finance.Discrepancy
}

// books reads the trial balance of one moment, where the engine can show one.
func (c console) books(r *http.Request) (any, error) { return c.balances(r) }

func (c console) balances(r *http.Request) (v booksView, err error) {
	books := c.m.Books
	if db, ok := c.m.DB.(interface{ Snapshot() *memory.Snapshot }); ok {
		books = finance.Books{Store: finance.StoreOn(db.Snapshot())}
	}
	if v.Balances, err = books.TrialBalance(r.Context()); err != nil {
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
