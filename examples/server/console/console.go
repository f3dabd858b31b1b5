// Package console is the operator's console in the browser: plain pages and
// forms, rendered on the server, that work without a script. Operators read and
// act; auditors read the same pages without the forms; nobody else gets in.
//
// A page is read by a view, a function of the request. A button is a form that
// names its move, with a key made when the page was rendered, so that pressing
// it twice moves once.
package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
)

//go:embed templates/*.html style.css
var files embed.FS

type console struct{ m *market.Market }

// Mount adds the console's pages, and the server's start page.
func Mount(s *edge.Server, m *market.Market) {
	c := console{m}
	s.Handle("GET /{$}", http.HandlerFunc(c.home))
	s.Handle("GET /console", http.RedirectHandler("/console/", http.StatusSeeOther))
	s.Handle("GET /console/style.css", http.HandlerFunc(style))

	s.Handle("GET /console/{$}", c.show("orders", c.orders))
	s.Handle("GET /console/orders/{id}", c.show("order", c.order))
	s.Handle("POST /console/orders/{id}/{move}", c.act("order", c.order, orderMoves))
	s.Handle("GET /console/applications", c.show("applications", c.applications))
	s.Handle("POST /console/applications/{id}/{move}", c.act("applications", c.applications, applicationMoves))
	s.Handle("GET /console/verifications", c.show("verifications", c.verifications))
	s.Handle("POST /console/verifications/{id}/{move}", c.act("verifications", c.verifications, verificationMoves))
	s.Handle("GET "+duePage, c.showTo("due", c.due, platform.Merchant, platform.Staff, platform.Customer))
	s.Handle("GET /console/alerts", c.show("alerts", c.alerts))
	s.Handle("GET /console/insight", c.show("insight", c.insight))
	s.Handle("POST /console/alerts/{id}/{move}", c.act("alerts", c.alerts, alertMoves))
	s.Handle("GET /console/books", c.show("books", c.books))
	s.Handle("POST /console/books/verify", c.operators(http.HandlerFunc(c.verify)))
	s.Handle("GET /console/journal", c.show("journal", c.journal))
	s.Handle("GET /console/financials", c.show("financials", c.financials))
	s.Handle("GET /console/subledger", c.show("subledger", c.subledger))
	s.Handle("GET /console/entries", c.show("entries", c.entries))
	s.Handle("GET /console/close", c.show("close", c.closing))
	s.Handle("POST /console/close/{id}/{move}", c.act("close", c.closing, closeMoves))
	s.Handle("GET /console/payouts", c.show("payouts", c.payouts))
	s.Handle("POST /console/payouts/{id}/{move}", c.act("payouts", c.payouts, payoutMoves))
	s.Handle("GET /console/accounts", c.show("accounts", c.accounts))
	s.Handle("POST /console/accounts/{id}/{move}", c.act("accounts", c.accounts, accountMoves))
	s.Handle("GET /console/money", c.showTo("money", c.money, platform.Merchant, platform.Staff))
	s.Handle("POST /console/money/{id}/{move}", c.own(c.acted("money", c.money, statementMoves)))
	s.Handle("GET /console/receivables", c.show("receivables", c.receivables))
	s.Handle("GET /console/receivables/{id}", c.show("receivable", c.receivable))
	s.Handle("POST /console/receivables/{id}/{move}", c.act("receivable", c.receivable, receivableMoves))
	s.Handle("GET /console/debtors/{id}", c.show("debtor", c.debtor))
	s.Handle("POST /console/debtors/{id}/{move}", c.act("debtor", c.debtor, debtorMoves))
	s.Handle("GET /console/budgets", c.show("budgets", c.budgets))
	s.Handle("POST /console/budgets/{id}/{move}", c.act("budgets", c.budgets, budgetMoves))
	s.Handle("POST /console/budgets/new/{move}", c.act("budgets", c.budgets, virementMoves))
	s.Handle("GET /console/budgets/{id}", c.show("budgetline", c.budgetLine))
	s.Handle("POST /console/budgets/{id}/commitments/{move}", c.act("budgetline", c.budgetLine, commitmentMoves))
	s.Handle("GET /console/claims", c.show("claims", c.claims))
	s.Handle("POST /console/claims/new/{move}", c.act("claims", c.claims, draftMoves))
	s.Handle("GET /console/claims/{id}", c.show("claim", c.claim))
	s.Handle("POST /console/claims/{id}/{move}", c.act("claim", c.claim, claimMoves))
	s.Handle("GET /console/advances", c.show("advances", c.advances))
	s.Handle("POST /console/advances/{id}/{move}", c.act("advances", c.advances, advanceMoves))
	s.Handle("GET /console/approvals", c.show("approvals", c.approvals))
	s.Handle("POST /console/approvals/{id}/{move}", c.act("approvals", c.approvals, approvalMoves))
	s.Handle("GET /console/reconciliation", c.show("reconciliation", c.reconciliation))
	s.Handle("POST /console/reconciliation/{id}/{move}", c.act("reconciliation", c.reconciliation, reconMoves))
	s.Handle("GET /console/invoices", c.show("invoices", c.invoices))
	s.Handle("GET /console/invoices/{id}", c.show("invoice", c.invoice))
	s.Handle("POST /console/invoices/{id}/{move}", c.act("invoice", c.invoice, invoiceMoves))
	s.Handle("GET /console/invoices/{id}/print", c.show("print", c.invoice))
	s.Handle("GET /console/orders/{id}/refund", c.show("refundplan", c.refundPlan))
	s.Handle("POST /console/orders/{id}/refund/{move}", c.act("refundplan", c.refundPlan, planMoves))
	s.Handle("GET /console/payments", c.show("payments", c.payments))
	s.Handle("POST /console/payments/{id}/{move}", c.act("payments", c.payments, paymentMoves))
	s.Handle("GET /console/disputes", c.show("disputes", c.disputes))
	s.Handle("GET /console/disputes/{id}", c.show("dispute", c.dispute))
	s.Handle("POST /console/disputes/{id}/{move}", c.act("dispute", c.dispute, disputeMoves))
	s.Handle("GET /console/policies", c.show("policies", c.policies))
	s.Handle("GET /console/policies/{id}", c.show("policy", c.policy))
	s.Handle("POST /console/policies/{id}/{move}", c.act("policies", c.policies, policyMoves))
	s.Handle("GET /console/fees", c.show("fees", c.fees))
	s.Handle("GET /console/fees/draft", c.show("feedraft", c.feeDraft))
	s.Handle("POST /console/fees/draft/{move}", c.act("feedraft", c.feeDraft, draftFeeMoves))
	s.Handle("POST /console/fees/bind/{move}", c.act("fees", c.fees, draftFeeMoves))
	s.Handle("GET /console/fees/{id}", c.show("fee", c.fee))
	s.Handle("POST /console/fees/{id}/{move}", c.act("fees", c.fees, feeMoves))
	s.Handle("GET /console/controls", c.show("controls", c.controls))
	s.Handle("POST /console/controls/{id}/{move}", c.act("controls", c.controls, controlMoves))
	s.Handle("GET /console/findings", c.show("findings", c.findings))
	s.Handle("GET /console/findings/{id}", c.show("finding", c.finding))
	s.Handle("POST /console/findings/{id}/{move}", c.act("finding", c.finding, findingMoves))
	s.Handle("GET /console/engagements", c.show("engagements", c.engagements))
	s.Handle("POST /console/engagements/{id}/{move}", c.act("engagements", c.engagements, engagementMoves))
	s.Handle("POST /console/packs/{id}", http.HandlerFunc(c.pack))
	s.Handle("GET /console/audit", c.show("audit", c.audit))
	s.Handle("POST /console/reveals", c.operators(http.HandlerFunc(c.reveal)))
	s.Handle("GET /console/grants", c.show("grants", c.grants))
	s.Handle("POST /console/grants/{id}/{move}", c.act("grants", c.grants, grantMoves))
	s.Handle("GET /console/breaks", c.show("breaks", c.breaks))
	s.Handle("POST /console/breaks/{id}/{move}", c.act("breaks", c.breaks, breakMoves))
	s.Handle("GET /console/campaigns", c.show("campaigns", c.campaigns))
	s.Handle("POST /console/campaigns/{id}/{move}", c.act("campaigns", c.campaigns, campaignMoves))
	s.Handle("POST /console/audit/{id}/{move}", c.act("audit", c.audit, auditMoves))
	s.Handle("GET /console/catalogue", c.show("catalogue", c.catalogue))
	s.Handle("GET /console/store", c.show("store", c.store))
	s.Handle("POST /console/store/{id}/{move}", c.act("store", c.store, storeMoves))
}

// page is what every template gets: what all pages share, and what its view has
// read.
type page struct {
	Name    string // of the template
	Actor   platform.Actor
	Other   string        // the same page in the other language
	Done    string        // the move that led here, when it is known
	Problem *edge.Problem // why a move was refused
	Data    any
}

// view reads what a page shows.
type view func(*http.Request) (any, error)

// show answers with a page for those who may look at the console.
func (c console) show(name string, read view) http.Handler {
	return c.showTo(name, read, platform.Operator, platform.Auditor)
}

// showTo answers with a page for these kinds of actors.
func (c console) showTo(name string, read view, kinds ...platform.ActorKind) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := edge.Only(r.Context(), kinds...); err != nil {
			edge.Refuse(w, r, err)
			return
		}
		data, err := read(r)
		if err != nil {
			edge.Refuse(w, r, err)
			return
		}
		p := page{Name: name, Data: data}
		if done := "done." + r.URL.Query().Get("done"); words[done] != (word{}) {
			p.Done = done
		}
		c.render(w, r, http.StatusOK, p)
	})
}

// move is what a button does.
type move struct {
	action string // as the guard knows the command
	back   string // the page to return to; onebehind that ends in /a slash record and invoices has the record's own below it
	do     func(c console, ctx context.Context, id platform.ID, form url.Values) error
}

// act carries out a move of operators.
func (c console) act(name string, read view, moves map[string]move) http.Handler {
	return c.operators(c.acted(name, read, moves))
}

// acted carries a move out under the form's key, then leads back to the page. A
// refusal shows the page as it is now, with the reason and its status.
func (c console) acted(name string, read view, moves map[string]move) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verb, id := r.PathValue("move"), platform.ID(r.PathValue("id"))
		m, known := moves[verb]
		if !known {
			edge.Refuse(w, r, errMove)
			return
		}
		err := r.ParseForm()
		if err != nil || r.PostForm.Get("key") == "" {
			edge.Refuse(w, r, errForm)
			return
		}
		ctx := platform.WithKey(r.Context(), r.PostForm.Get("key"))
		if seen, err := strconv.ParseInt(r.PostForm.Get("version"), 10, 64); err == nil {
			ctx = platform.IfVersion(ctx, seen)
		}
		err = m.do(c, ctx, id, r.PostForm)
		if err == nil {
			http.Redirect(w, r, m.page(id)+"?done="+verb, http.StatusSeeOther)
			return
		}
		if errors.Is(err, platform.ErrInvalid) && c.barred(ctx, m.action) {
			err = platform.ErrDenied // whatever they typed
		}
		refused := &refusedForm{r.URL.Path, r.PostForm, edge.Explain(r.Context(), err), map[string]bool{}}
		data, unread := read(r.WithContext(context.WithValue(r.Context(), refusedFormKey{}, refused)))
		if unread != nil {
			edge.Refuse(w, r, err)
			return
		}
		p := page{Name: name, Data: data, Problem: refused.unplaced(), Other: m.page(id)}
		c.render(w, r, p.Problem.Status, p)
	})
}

// page is where the move's button stands.
func (m move) page(id platform.ID) string {
	if strings.HasSuffix(m.back, "/") || m.back == invoicesPage {
		return m.back + url.PathEscape(string(id))
	}
	return m.back
}

// operators lets nobody else through.
func (c console) operators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := edge.Only(r.Context(), platform.Operator); err != nil {
			edge.Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// may tells whether whoever looks could give the command on the record: only
// then is there a button for it.
func (c console) may(ctx context.Context, action string, on platform.Ref) bool {
	return c.permits(ctx, platform.Act{Action: action, On: on})
}

// barred tells whether whoever acts is an operator who may not give the command at
// all.
func (c console) barred(ctx context.Context, action string) bool {
	actor, err := platform.ActorOf(ctx)
	return err == nil && actor.Kind == platform.Operator && !c.may(ctx, action, platform.Ref{})
}

// permits tells whether whoever looks, an operator, may act so. A look at a page is
// no attempt, and leaves nothing behind.
func (c console) permits(ctx context.Context, act platform.Act) bool {
	by, err := platform.ActorOf(ctx)
	if err != nil || by.Kind != platform.Operator || c.m.Writer.Guard == nil && act.Field != "" {
		return false
	}
	return c.m.Permits(ctx, act) == nil
}

// render writes a page in the reader's language, whole or not at all.
func (c console) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	lang := edge.Language(r.Context())
	p.Actor, _ = platform.ActorOf(r.Context()) // the start page is for strangers too
	if p.Other == "" {
		p.Other = r.URL.Path
	}
	p.Other = otherwise(p.Other, r.URL.Query(), lang)
	if r.URL.Query().Has("lang") {
		http.SetCookie(w, &http.Cookie{Name: "lang", Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
	}
	var out bytes.Buffer
	if err := pages[lang].ExecuteTemplate(&out, p.Name+".html", p); err != nil {
		edge.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the reader is gone when this fails
}

// otherwise is the address of a page in the other language.
func otherwise(path string, query url.Values, lang string) string {
	query.Del("done")
	query.Set("lang", map[string]string{"en": "zh", "zh": "en"}[lang])
	return path + "?" + query.Encode()
}

func (c console) home(w http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	c.render(w, r, http.StatusOK, page{Name: "home", Data: scheme + "://" + r.Host})
}

func style(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "style.css") }

// button is a form that makes a move.
type button struct {
	Action  string // where it posts to
	Verb    string // the move: its label is move.<verb>
	Key     string // makes pressing it twice one move
	Hidden  map[string]string
	Reasons []string // to choose one from; none: it needs no reason
}

// seen has the button's move happen only while its record is at the version that
// the page shows.
func (b button) seen(version int64) button {
	b.Hidden = map[string]string{"version": strconv.FormatInt(version, 10)}
	return b
}

// press is a new button.
func press(action, verb string, reasons ...string) button {
	return button{Action: action + "/" + verb, Verb: verb, Key: rand.Text(), Reasons: reasons}
}

// Refusals of the console itself.
var (
	errForm = platform.Err(platform.ErrInvalid, "form.incomplete", "the form is incomplete; load the page again", "表单不完整，请重新打开页面")
	errMove = platform.Err(platform.ErrNotFound, "form.move", "there is no such button", "没有此操作")

	errNobodyFree = platform.Err(platform.ErrState, "dispatch.nobody_free", "nobody is free now; the search goes on by itself", "暂无空闲人员，系统将继续寻找")
)
