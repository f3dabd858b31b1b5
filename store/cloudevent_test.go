package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

func TestAnEventLeavesAsACloudEvent(t *testing.T) {
	t.Parallel()
	e := platform.Event{
		ID: "evt_01kdvdna00eajs4d2pf2dbsqqg", Type: "order.completed", Subject: platform.Ref{Kind: "order", ID: "ord_01kdvdna00eajs4d2pf2dbsqqh"},
		Version: 4, Actor: clerk, At: noon.Add(1500 * time.Microsecond).In(time.FixedZone("CST", 8*3600)), Request: "req", Data: json.RawMessage(`{"amount":"12.34"}`),
	}

	raw, err := store.Envelope{Source: "https://market.example", Schema: "https://market.example/schema/"}.Wrap(e)

	require.NoError(t, err)
	assert.JSONEq(t, `{"specversion":"1.0","id":"evt_01kdvdna00eajs4d2pf2dbsqqg","source":"https://market.example","type":"order.completed",
		"subject":"order/ord_01kdvdna00eajs4d2pf2dbsqqh","time":"2026-03-02T12:00:00.0015Z","slot":677,"subjectversion":4,
		"actor":"opr_01kdvdna00eajs4d2pf2dbsqqg","dataschema":"https://market.example/schema/order.completed",
		"datacontenttype":"application/json","data":{"amount":"12.34"}}`, string(raw))
}

func TestAnEventWithoutDataHasNoSchema(t *testing.T) {
	t.Parallel()
	raw, err := store.Envelope{Schema: "https://market.example/schema/"}.Wrap(platform.Event{ID: "evt_01kdvdna00eajs4d2pf2dbsqqg", Type: "order.closed", At: noon})
	require.NoError(t, err)
	assert.JSONEq(t, `{"specversion":"1.0","id":"evt_01kdvdna00eajs4d2pf2dbsqqg","source":"/platform","type":"order.closed","time":"2026-03-02T12:00:00Z","slot":677}`, string(raw))
	_, err = store.Envelope{}.Wrap(platform.Event{Data: json.RawMessage(`{`)})
	assert.ErrorIs(t, err, platform.ErrInvalid)
}
