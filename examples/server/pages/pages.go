// Package pages is what customers, staff and merchants see in a browser, a phone's
// first: plain pages and forms, rendered on the server, over the same services as the
// API. All of it works without a script; the one that there is follows an order live,
// counts an offer's time down, and takes a picture's hash before anything is sent.
//
// A page is read by a view. A form posts one command under the key that was made when
// the page was rendered, so that pressing twice acts once. A refusal shows the page as
// it is now, with the reason at its field and all that was typed.
package pages

import (
	"bytes"
	"context"
	"embed"
	"net/http"
	"net/url"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
)

//go:embed templates/*.html style.css live.js
var files embed.FS

type pages struct{ m *market.Market }

// Mount adds the pages below [edge.Mine].
func Mount(s *edge.Server, m *market.Market) {
	p := pages{m}
	for _, name := range []string{"style.css", "live.js"} {
		s.Handle("GET "+edge.Mine+name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, name) }))
	}
	s.Handle("GET /my", http.RedirectHandler(edge.Mine, http.StatusSeeOther))
	s.Handle("GET /my/{$}", http.HandlerFunc(home))
	p.customers(s)
	p.orders(s)
	p.staff(s)
	p.merchants(s)
}

// homes are where each kind of actor begins.
var homes = map[platform.ActorKind]string{
	platform.Customer: servicesPage, platform.Staff: jobsPage, platform.Merchant: deskPage,
	platform.Operator: "/console/", platform.Auditor: "/console/",
}

func home(w http.ResponseWriter, r *http.Request) {
	by, err := platform.ActorOf(r.Context())
	if err == nil && homes[by.Kind] == "" {
		err = errHome
	}
	if err != nil {
		edge.Refuse(w, r, err)
		return
	}
	to := url.URL{Path: homes[by.Kind], RawQuery: r.URL.RawQuery} // a choice of language goes along
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// page is what every template gets.
type page struct {
	Name    string // of the template
	Actor   platform.Actor
	Other   string        // the same page in the other language
	Done    string        // what led here, when it is known
	Problem *edge.Problem // why it did not happen
	Data    any
}

// view reads what a page shows.
type view func(pages, *http.Request) (any, error)

// show answers with a page for these kinds of actors.
func (p pages) show(name string, read view, kinds ...platform.ActorKind) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := edge.Only(r.Context(), kinds...)
		var data any
		if err == nil {
			data, err = read(p, r)
		}
		if err != nil {
			edge.Refuse(w, r, err)
			return
		}
		shown := page{Name: name, Data: data}
		if done := "done." + r.URL.Query().Get("done"); words[done] != (word{}) {
			shown.Done = done
		}
		p.render(w, r, http.StatusOK, shown)
	})
}

// move is what a form does: one command.
type move struct {
	name string // of the page on which the form stands
	read view   // reads that page
	do   func(p pages, ctx context.Context, id platform.ID, in url.Values) (to string, err error)
}

// act carries a move out under the form's key and leads to where it says. A refusal
// shows the page of the form again.
func (p pages) act(moves map[string]move, kinds ...platform.ActorKind) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verb := r.PathValue("move")
		m, known := moves[verb]
		err := edge.Only(r.Context(), kinds...)
		if err == nil && !known {
			err = errMove
		}
		if err == nil {
			err = parsed(r)
		}
		if err != nil {
			edge.Refuse(w, r, err)
			return
		}
		to, err := m.do(p, platform.WithKey(r.Context(), r.PostForm.Get("key")), platform.ID(r.PathValue("id")), r.PostForm)
		if err == nil {
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		p.again(w, r, m, err)
	})
}

// again shows the page on which a form was refused, with what was typed.
func (p pages) again(w http.ResponseWriter, r *http.Request, m move, err error) {
	problem := edge.Explain(r.Context(), err)
	r = r.WithContext(context.WithValue(r.Context(), refusedKey{}, refused{r.URL.Path, r.PostForm, problem}))
	data, unread := m.read(p, r)
	if unread != nil {
		edge.Refuse(w, r, err)
		return
	}
	p.render(w, r, problem.Status, page{Name: m.name, Data: data, Problem: problem, Other: edge.Mine})
}

// render writes a page in the reader's language, whole or not at all.
func (p pages) render(w http.ResponseWriter, r *http.Request, status int, shown page) {
	lang := edge.Language(r.Context())
	shown.Actor, _ = platform.ActorOf(r.Context()) // nobody gets here as a stranger
	if shown.Other == "" {
		shown.Other = r.URL.Path
	}
	query := r.URL.Query()
	query.Del("done")
	query.Set("lang", map[string]string{"en": "zh", "zh": "en"}[lang])
	shown.Other += "?" + query.Encode()
	if r.URL.Query().Has("lang") {
		http.SetCookie(w, &http.Cookie{Name: "lang", Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
	}
	var out bytes.Buffer
	if err := templates[lang].ExecuteTemplate(&out, shown.Name+".html", shown); err != nil {
		edge.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the reader is gone when this fails
}

// Refusals of the pages themselves.
var (
	errHome  = platform.Err(platform.ErrDenied, "access.kind", "there are no pages for this kind of actor", "此类操作者没有页面")
	errForm  = platform.Err(platform.ErrInvalid, "form.incomplete", "the form is incomplete; load the page again", "表单不完整，请重新打开页面")
	errMove  = platform.Err(platform.ErrNotFound, "form.move", "there is no such button", "没有此操作")
	errTime  = platform.Err(platform.ErrInvalid, "form.time", "a day and a time are needed", "请填写日期和时间")
	errCount = platform.Err(platform.ErrInvalid, "form.count", "a whole number is needed", "请填写整数")
)

// stop is an entry of the navigation.
type stop struct {
	Name string
	Path string
	Here bool
}

// nav is where each kind of actor may go, with the mark of where it is.
func nav(kind platform.ActorKind, here string) []stop {
	all := map[platform.ActorKind][]stop{
		platform.Customer: {{Name: "services", Path: servicesPage}, {Name: "orders", Path: ordersPage}, {Name: "disputes", Path: disputesPage}, {Name: "due", Path: duePage}},
		platform.Merchant: {{Name: "desk", Path: deskPage}, {Name: "orders", Path: ordersPage}, {Name: "listings", Path: listingsPage}, {Name: "disputes", Path: disputesPage}, {Name: "money", Path: moneyPage}, {Name: "due", Path: duePage}},
		platform.Staff:    {{Name: "jobs", Path: jobsPage}, {Name: "hours", Path: hoursPage}, {Name: "money", Path: moneyPage}, {Name: "due", Path: duePage}},
	}[kind]
	room := map[string]string{
		"service": "services", "order": "orders", "cancel": "orders", "change": "orders", "open": "orders", "dispute": "disputes", "job": "jobs",
	}
	if in, inside := room[here]; inside {
		here = in
	}
	for i := range all {
		all[i].Here = all[i].Name == here
	}
	return all
}

// What the console shows to everybody about themselves.
const (
	duePage   = "/console/due"
	moneyPage = "/console/money"
)
