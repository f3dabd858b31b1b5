package invoice_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/store/sandbox"
)

func TestAnInvoiceIsAskedForThenIssued(t *testing.T) {
	t.Parallel()
	v := newWorld(t)

	asked := v.request(t)
	assert.Equal(t, invoice.Requested, asked.State)
	assert.Zero(t, asked.Number)
	v.tick(t)

	got := v.get(t, asked.ID)
	assert.Equal(t, invoice.Issued, got.State)
	assert.Equal(t, int64(1), got.Number)
	assert.Len(t, got.Official, 20)
	assert.NotEmpty(t, got.Hash)
	assert.Contains(t, got.Link, got.Official)
	assert.Equal(t, []platform.Money{yuan("141.51"), yuan("8.49"), yuan("150.00")}, []platform.Money{got.Net, got.Tax, got.Gross})
	assert.Equal(t, []invoice.Title{company}, v.authority.titles, "the authority reads what nobody else does")
	assert.Equal(t, map[string]int{"invoice.requested": 1, "invoice.sent": 1, "invoice.issued": 1}, v.events(t))
	v.sound(t)
}

// Finance §21.
func TestBadInputIsRefusedWithItsCode(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	ask := func(who platform.Actor, change func(*invoice.RequestInvoice)) error {
		in := invoice.RequestInvoice{Of: done, Kind: invoice.ForService, Title: company}
		change(&in)
		_, err := v.RequestInvoice(as(who), in)
		return err
	}
	lines := func(parts ...invoice.Part) func(*invoice.RequestInvoice) {
		return func(in *invoice.RequestInvoice) { in.Lines = parts }
	}
	title := func(title invoice.Title) func(*invoice.RequestInvoice) {
		return func(in *invoice.RequestInvoice) { in.Title = title }
	}
	for name, c := range map[string]struct {
		err  error
		kind error
		code string
	}{
		"wrong check digit":    {ask(customer, title(invoice.Title{Company: true, Name: "x", TaxID: "91350100M000100Y44"})), platform.ErrInvalid, "invoice.tax_id"},
		"company without id":   {ask(customer, title(invoice.Title{Company: true, Name: "x"})), platform.ErrInvalid, "invoice.tax_id"},
		"person with id":       {ask(customer, title(invoice.Title{Name: "x", TaxID: company.TaxID})), platform.ErrInvalid, "invoice.tax_id"},
		"no title":             {ask(customer, title(invoice.Title{})), platform.ErrInvalid, "invoice.title"},
		"blank title":          {ask(customer, title(invoice.Title{Name: " 　 "})), platform.ErrInvalid, "invoice.title"},
		"title with a bell":    {ask(customer, title(invoice.Title{Name: "a\ab"})), platform.ErrInvalid, "invoice.title"},
		"title of 101":         {ask(customer, title(invoice.Title{Name: strings.Repeat("王", 101)})), platform.ErrInvalid, "invoice.title"},
		"no such line":         {ask(customer, lines(invoice.Part{Line: 3, Amount: yuan("1.00")})), platform.ErrInvalid, "invoice.line"},
		"a line twice":         {ask(customer, lines(invoice.Part{Line: 1, Amount: yuan("1.00")}, invoice.Part{Line: 1, Amount: yuan("1.00")})), platform.ErrInvalid, "invoice.line"},
		"nothing of a line":    {ask(customer, lines(invoice.Part{Line: 1, Amount: yuan("0.00")})), platform.ErrInvalid, "invoice.amount"},
		"more than the line":   {ask(customer, lines(invoice.Part{Line: 1, Amount: yuan("100.01")})), platform.ErrState, "invoice.exceeds"},
		"an unknown kind":      {ask(customer, func(in *invoice.RequestInvoice) { in.Kind = "gift" }), platform.ErrInvalid, "invoice.kind"},
		"self-billed":          {ask(merchant, func(in *invoice.RequestInvoice) { in.Kind = invoice.SelfBilled }), platform.ErrInvalid, "invoice.kind"},
		"a foreign order":      {ask(stranger, func(*invoice.RequestInvoice) {}), platform.ErrNotFound, "order.not_found"},
		"staff":                {ask(staff, func(*invoice.RequestInvoice) {}), platform.ErrNotFound, "order.not_found"},
		"an operator":          {ask(operator, func(*invoice.RequestInvoice) {}), platform.ErrDenied, "invoice.actor_not_allowed"},
		"nobody":               {ask(platform.Actor{}, func(*invoice.RequestInvoice) {}), platform.ErrDenied, "actor.missing"},
		"an order that is not": {ask(customer, func(in *invoice.RequestInvoice) { in.Of.ID = platform.NewID("ord", noon, 9, 9) }), platform.ErrNotFound, "order.not_found"},
	} {
		refused(t, c.err, c.kind, c.code, name)
		assert.NotContains(t, c.err.Error(), company.Name, name)
		assert.NotContains(t, c.err.Error(), "91350100", name)
	}
	assert.Empty(t, v.events(t), "nothing was written")
}

// Invariant 17: issued − red ≤ invoiceable.
func TestNoMoreIsInvoicedThanWasPaid(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.shop.refund(1, "30.00")
	v.request(t, "60.00")
	rest := v.request(t)
	assert.Equal(t, []platform.Money{yuan("10.00"), yuan("50.00")}, []platform.Money{rest.Lines[0].Gross, rest.Lines[1].Gross})

	_, err := v.RequestInvoice(as(merchant), invoice.RequestInvoice{Of: done, Kind: invoice.ForService, Title: person})
	refused(t, err, invoice.ErrExceeds, "invoice.exceeds")
	assert.Equal(t, yuan("0.00"), platform.Details(err)["invoiceable"])

	_, err = v.CancelInvoice(as(customer), invoice.CancelInvoice{Invoice: rest.ID})
	require.NoError(t, err)
	again := v.request(t, "", "50.00")
	assert.Equal(t, yuan("50.00"), again.Gross)
	v.after(t, time.Minute)
	v.sound(t)
}

func TestOfRacingRequestsNoTwoGetTheSameMoney(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	told := make([]error, 24)
	var crowd sync.WaitGroup
	for i := range told {
		crowd.Go(func() {
			_, told[i] = v.RequestInvoice(as(customer), invoice.RequestInvoice{
				Of: done, Kind: invoice.ForService, Title: person, Lines: []invoice.Part{{Line: 1, Amount: yuan("30.00")}},
			})
		})
	}
	crowd.Wait()

	kept := 0
	for _, err := range told {
		if err == nil {
			kept++
			continue
		}
		refused(t, err, invoice.ErrExceeds, "invoice.exceeds")
	}
	assert.Equal(t, 3, kept)
	assert.Equal(t, yuan("90.00"), v.tally(t).Standing())
	v.sound(t)
}

// Invariant 17: the series is gapless, and no number is given twice.
func TestRacingIssuesLeaveNoHoleAndNoDouble(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	const n = 24
	var ids []platform.ID
	for range n {
		ids = append(ids, v.request(t, "1.00").ID)
	}
	v.authority.Force(string(ids[5]), sandbox.Refusal)
	v.authority.Force(string(ids[6]), sandbox.TimeoutAfter)
	var crowd sync.WaitGroup
	for _, id := range ids {
		for range 2 {
			crowd.Go(func() { _, _ = v.IssueInvoice(as(machine), invoice.IssueInvoice{Invoice: id}) })
		}
	}
	crowd.Wait()

	var numbers []int64
	for _, id := range ids {
		numbers = append(numbers, v.get(t, id).Number)
	}
	slices.Sort(numbers)
	for i, no := range numbers {
		assert.Equal(t, int64(i+1), no)
	}
	assert.Equal(t, invoice.Failed, v.get(t, ids[5]).State)
	v.after(t, 3*time.Minute)
	papers, calls := v.authority.Papers()
	assert.Equal(t, n-1, papers)
	assert.Equal(t, n, calls, "each was handed in once")
	v.sound(t)
}

func TestAFailedInvoiceKeepsItsNumberAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	asked := v.request(t)
	v.authority.Force(string(asked.ID), sandbox.Refusal)
	v.tick(t)
	failed := v.get(t, asked.ID)
	assert.Equal(t, invoice.Failed, failed.State)
	assert.Equal(t, "authority.refused", failed.Reason)
	assert.Equal(t, noon.Add(time.Hour), failed.Due)

	_, err := v.IssueInvoice(as(machine), invoice.IssueInvoice{Invoice: asked.ID})
	refused(t, err, invoice.ErrNotDue, "invoice.not_due")
	v.authority.Force(string(asked.ID), "")
	got, err := v.IssueInvoice(as(operator), invoice.IssueInvoice{Invoice: asked.ID})
	require.NoError(t, err)
	assert.Equal(t, invoice.Issued, got.State)
	assert.Equal(t, int64(1), got.Number)
	_, err = v.IssueInvoice(as(operator), invoice.IssueInvoice{Invoice: asked.ID})
	refused(t, err, invoice.ErrNotIssuable, "invoice.not_issuable")
	v.sound(t)
}

func TestAFailedInvoiceThatIsGivenUpStaysListed(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	asked := v.request(t, "10.00")
	v.authority.Force(string(asked.ID), sandbox.Refusal)
	v.after(t, 32*time.Hour)
	assert.True(t, v.get(t, asked.ID).Due.IsZero(), "now a person decides")

	_, err := v.CancelInvoice(as(merchant), invoice.CancelInvoice{Invoice: asked.ID})
	refused(t, err, invoice.ErrRequester, "invoice.requester")
	_, err = v.CancelInvoice(as(operator), invoice.CancelInvoice{Invoice: asked.ID})
	require.NoError(t, err)
	next := v.issued(t, "10.00")
	assert.Equal(t, int64(1), v.get(t, asked.ID).Number)
	assert.Equal(t, int64(2), next.Number)
	_, err = v.CancelInvoice(as(customer), invoice.CancelInvoice{Invoice: next.ID})
	refused(t, err, invoice.ErrNotCancellable, "invoice.not_cancellable")
	v.sound(t)
}

func TestWhatIsNotKnownIsAskedAndNeverIssuedTwice(t *testing.T) {
	t.Parallel()
	for fault, calls := range map[sandbox.InvoicerFault]int{sandbox.TimeoutAfter: 1, sandbox.LostBefore: 2, sandbox.Slow: 1} {
		v := newWorld(t)
		asked := v.request(t)
		v.authority.Force(string(asked.ID), fault)
		v.tick(t)
		assert.Equal(t, invoice.Issuing, v.get(t, asked.ID).State, fault)

		v.after(t, 5*time.Minute)

		assert.Equal(t, invoice.Issued, v.get(t, asked.ID).State, fault)
		papers, handed := v.authority.Papers()
		assert.Equal(t, []int{1, calls}, []int{papers, handed}, fault)
		v.sound(t)
	}
}

func TestOtherTotalsAreForAPerson(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	asked := v.request(t)
	v.authority.Force(string(asked.ID), sandbox.Alter)
	v.after(t, time.Hour)
	got := v.get(t, asked.ID)
	assert.Equal(t, invoice.Issuing, got.State)
	assert.Equal(t, "invoice.totals", got.Reason)
	assert.Equal(t, 1, v.events(t)["finding.raised invoice.totals"])

	v.authority.Force(string(asked.ID), "")
	got, err := v.IssueInvoice(as(operator), invoice.IssueInvoice{Invoice: asked.ID})
	require.NoError(t, err)
	assert.Equal(t, invoice.Issued, got.State)
	v.sound(t)
}

func TestPartiesSeeTheirInvoicesAndNobodyElse(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	asked := v.issued(t)
	for _, who := range []platform.Actor{customer, merchant, operator, auditor} {
		_, err := v.Invoice(as(who), asked.ID)
		require.NoError(t, err, who.Kind)
		page, err := v.Invoices(as(who), invoice.Query{})
		require.NoError(t, err)
		assert.Len(t, page.Items, 1, who.Kind)
	}
	for _, who := range []platform.Actor{stranger, staff} {
		_, err := v.Invoice(as(who), asked.ID)
		refused(t, err, platform.ErrNotFound, "invoice.not_found", who.Kind)
		_, err = v.Letters(as(who), asked.ID)
		refused(t, err, platform.ErrNotFound, "invoice.not_found", who.Kind)
		page, err := v.Invoices(as(who), invoice.Query{})
		require.NoError(t, err)
		assert.Empty(t, page.Items, who.Kind)
	}
	_, err := v.Tally(as(customer), done, invoice.ForService)
	refused(t, err, platform.ErrNotFound, "order.not_found")
	_, err = v.IssueInvoice(as(customer), invoice.IssueInvoice{Invoice: v.request2(t).ID})
	refused(t, err, platform.ErrDenied, "invoice.actor_not_allowed")
}

// request2 asks for an invoice of another order of the shop's.
func (v *world) request2(t testing.TB) invoice.Invoice {
	t.Helper()
	other := platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 5, 2)}
	asked, err := v.RequestInvoice(as(customer), invoice.RequestInvoice{Of: other, Kind: invoice.ForService, Title: person})
	require.NoError(t, err)
	return asked
}

func TestTitlesAreStoredSealed(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.issued(t)
	for _, k := range invoice.Kinds() {
		page, err := v.db.Scan(context.Background(), platform.Query{Kind: k.Name})
		require.NoError(t, err)
		for _, r := range page.Items {
			assert.NotContains(t, string(r.Doc), company.Name)
			assert.NotContains(t, string(r.Doc), company.TaxID)
			assert.True(t, json.Valid(r.Doc))
		}
	}
}
