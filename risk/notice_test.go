package risk

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestANoticeIsSentUntilItIsRecorded(t *testing.T) {
	t.Parallel()
	h := opened(t, func(i *Indicator) { i.For = new(time.Duration(0)) })
	h.dial.turn(12, 100, nil)
	h.bell.err = errors.New("line is down")
	_, err := h.Tick(t.Context(), noon, 0)
	require.ErrorContains(t, err, "line is down")
	a := h.alerts(t, AlertFiring)[0]
	assert.Equal(t, noon, a.Due)
	assert.Empty(t, h.bell.texts())

	h.bell.err = nil
	n, err := h.Tick(t.Context(), noon.Add(time.Second), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Contains(t, h.bell.rung, string(a.ID)+"/0")
	assert.Equal(t, []platform.Ref{duty}, h.bell.to[string(a.ID)+"/0"])
	n, err = h.Tick(t.Context(), noon.Add(2*time.Second), 0)
	require.NoError(t, err)
	assert.Zero(t, n, "nothing is left to send")
}

func TestANoticeThatWasSentAndNotRecordedGoesOutUnderTheSameKey(t *testing.T) {
	t.Parallel()
	h := opened(t, func(i *Indicator) { i.For = new(time.Duration(0)) })
	h.dial.turn(12, 100, nil)
	notifier := h.ports.Notifier
	h.ports.Notifier = nil
	_, err := h.Tick(t.Context(), noon, 0)
	require.NoError(t, err)
	a := h.alerts(t, AlertFiring)[0]
	require.NoError(t, notifier.Notify(t.Context(), a.Calls, string(a.ID)+"/0", "before the crash"))

	h.ports.Notifier = notifier
	_, err = h.Tick(t.Context(), noon, 0)
	require.NoError(t, err)
	assert.Len(t, h.bell.rung, 1)
	assert.True(t, h.alerts(t, AlertFiring)[0].Due.IsZero())
}

func TestWhoWasToldOfTheFireIsToldOfTheEnd(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.opts.Routes[0].Calls = []platform.Ref{head}
	a := h.firing(t)
	require.Equal(t, []platform.Ref{duty}, a.Calls)

	h.run(t, 1, 25)
	h.run(t, 11, 0)

	assert.Equal(t, []platform.Ref{head, duty}, h.bell.to[string(a.ID)+"/1"], "raised")
	assert.Equal(t, []platform.Ref{head, duty}, h.bell.to[string(a.ID)+"/2"], "resolved")
	assert.Equal(t, []platform.Ref{head}, h.opts.Routes[0].Calls, "the route is left alone")
}

func TestNoticesGoOutInOrder(t *testing.T) {
	t.Parallel()
	a := Alert{}.notice(Fired, noon).notice(Resolved, noon.Add(time.Hour))
	assert.Equal(t, noon, a.Due)
	_, err := a.sent(1, noon)
	require.ErrorIs(t, err, errTold)

	a, err = a.sent(0, noon)
	require.NoError(t, err)
	assert.Equal(t, noon.Add(time.Hour), a.Due)
	_, err = a.sent(0, noon)
	require.ErrorIs(t, err, errTold)
	a, err = a.sent(1, noon)
	require.NoError(t, err)
	assert.True(t, a.Due.IsZero())
}

func TestAlertsExplainThemselvesInChinese(t *testing.T) {
	t.Parallel()
	a := Alert{Indicator: "refund_rate", Owner: "care", Level: Critical, Sample: Sample{Numerator: 1, Denominator: 4}}
	assert.Equal(t, "严重：指标 refund_rate 为 0.25（1/4，负责人：care）", a.Explain("zh-CN"))
	a.Dark = true
	assert.Contains(t, a.Explain("zh"), "已无数据")
}
