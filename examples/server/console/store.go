package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/store"
)

const storePage = "/console/store"

var storeMoves = map[string]move{
	"resend":  {action: "market.resend", back: storePage, do: console.resend},
	"discard": {action: "market.discard", back: storePage, do: console.discard},
}

// surrenders are why a delivery is given up.
var surrenders = []string{"sink_gone", "not_needed", "other"}

type storeView struct {
	Stats   store.Stats
	Flush   string // mean duration
	Sets    string // mean number a flush
	Backlog store.Backlog
	Rows    []parkedRow
	First   string
	Next    string
}

type parkedRow struct {
	store.Delivery
	Buttons []button
}

// store reads how the engine stands, what the relay has still to do, and a page
// of what it gave up.
func (c console) store(r *http.Request) (any, error) {
	ctx, cursor := r.Context(), r.URL.Query().Get("cursor")
	v := storeView{Stats: c.m.DB.Stats()}
	if n := v.Stats.Flushes; n > 0 {
		v.Flush = (v.Stats.Flushing / time.Duration(n)).Round(time.Microsecond).String()
		v.Sets = strconv.FormatFloat(float64(v.Stats.Sets)/float64(n), 'f', 1, 64)
	}
	var err error
	if v.Backlog, err = c.m.DB.Backlog(ctx); err != nil {
		return nil, err
	}
	page, err := c.m.Parked(ctx, cursor, rows)
	if err != nil {
		return nil, err
	}
	for _, d := range page.Items {
		v.Rows = append(v.Rows, parkedRow{d, c.parkedButtons(ctx, d)})
	}
	v.First, v.Next = turn(storePage, "", "", cursor, page.Next)
	return v, nil
}

// parkedButtons are the moves on a delivery that was given up.
func (c console) parkedButtons(ctx context.Context, d store.Delivery) (all []button) {
	for _, verb := range []string{"resend", "discard"} {
		if !c.may(ctx, storeMoves[verb].action, platform.Ref{Kind: store.Event, ID: d.Event.ID}) {
			continue
		}
		b := press(storePage+"/"+url.PathEscape(string(d.Event.ID)), verb)
		b.Hidden = map[string]string{"sink": d.Sink}
		if verb == "discard" {
			b.Reasons = surrenders
		}
		all = append(all, b)
	}
	return all
}

func (c console) resend(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Resend(ctx, market.Resend{Event: id, Sink: form.Get("sink")})
	return err
}

func (c console) discard(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Discard(ctx, market.Discard{Event: id, Sink: form.Get("sink"), Reason: form.Get("reason")})
	return err
}
