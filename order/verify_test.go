package order_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// tampered shows a store as somebody left it who wrote past the library: edit
// changes a record, or leaves it out.
type tampered struct {
	platform.Getter
	edit func(*platform.Record) (keep bool)
}

func (d tampered) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	page, err := d.Getter.Scan(ctx, q)
	page.Items = slices.DeleteFunc(page.Items, func(r platform.Record) bool { return !d.edit(&r) })
	for i := range page.Items {
		d.edit(&page.Items[i])
	}
	if len(page.Items) == 0 { // as no engine has a page of nothing before the last
		page.Next = ""
	}
	return page, err
}

// told leaves out what an order's event of that type says.
func told(what string) func(*platform.Record) bool {
	return func(r *platform.Record) bool {
		return r.Ref.Kind != "event" || !strings.Contains(string(r.Doc), `"type":"order.`+what+`"`)
	}
}

// rewritten replaces a text in records of a kind.
func rewritten(kind, old, by string) func(*platform.Record) bool {
	return func(r *platform.Record) bool {
		if r.Ref.Kind == kind {
			r.Doc = []byte(strings.Replace(string(r.Doc), old, by, 1))
		}
		return true
	}
}

func TestVerifyFindsOrdersThatAreNotWhatTheirEventsSay(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	ended := h.completed(listing)
	for range 120 { // more than a page
		h.placed(listing)
	}
	verify := func(edit func(*platform.Record) bool) (all []order.Discrepancy) {
		for d, err := range order.Verify(t.Context(), tampered{h.db, edit}) {
			require.NoError(t, err)
			all = append(all, d)
		}
		return all
	}
	assert.Empty(t, verify(func(*platform.Record) bool { return true }), "as it is")

	for name, c := range map[string]struct {
		edit func(*platform.Record) bool
		want string
		n    int
	}{
		"a state that no event tells":          {rewritten("order", `"state":"completed"`, `"state":"closed"`), `"completed" from version 5 on, by order.completed: "closed" at version 5`, 1},
		"an order set back":                    {func(r *platform.Record) bool { r.Version = 1; return true }, `"completed" from version 5 on, by order.completed: "completed" at version 1`, 1},
		"an event of another state":            {rewritten("event", `"state":"in_progress"`, `"state":"cancelled"`), `a step from "cancelled": order.delivered to "delivered" at version 4`, 1},
		"the first event":                      {told("placed"), `a step from "": order.confirmed to "confirmed" at version 2`, 121},
		"an event between":                     {told("confirmed"), `a step from "awaiting_payment": order.started to "in_progress" at version 3`, 1},
		"all events of the last step":          {func(r *platform.Record) bool { return told("accepted")(r) && told("completed")(r) }, `"delivered" from version 4 on, by order.delivered: "completed"`, 1},
		"an order that is gone":                {func(r *platform.Record) bool { return r.Ref != ended.Ref() }, `"completed" at version 5: no such order`, 1},
		"all orders":                           {func(r *platform.Record) bool { return r.Ref.Kind != "order" }, `"completed" at version 5: no such order`, 121},
		"a step that could have been left out": {told("delivered"), "", 0},
	} {
		found := verify(c.edit)
		if assert.Len(t, found, c.n, name); c.n == 0 {
			continue
		}
		assert.True(t, slices.ContainsFunc(found, func(d order.Discrepancy) bool {
			return d.Order == ended.ID && strings.HasPrefix(fmt.Sprint(d.Expected, ": ", d.Found), c.want)
		}), "%s: %+v", name, found[:min(3, len(found))])
	}
}

type broken struct{ platform.Getter }

var errLost = errors.New("lost")

func (broken) Scan(context.Context, platform.Query) (platform.Page[platform.Record], error) {
	return platform.Page[platform.Record]{}, errLost
}

func TestVerifyFailsWhereItCannotRead(t *testing.T) {
	t.Parallel()
	for d, err := range order.Verify(t.Context(), broken{}) {
		require.ErrorIs(t, err, errLost, "%+v", d)
	}
	h := open(t, nil)
	h.placed(h.list(nil))
	for d, err := range order.Verify(t.Context(), tampered{h.db, told("placed")}) {
		require.NoError(t, err)
		assert.NotEmpty(t, d)
		break // and hears no more
	}
}
