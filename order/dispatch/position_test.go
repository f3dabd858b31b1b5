package dispatch

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestOnlyBelievablePositionsCount(t *testing.T) {
	t.Parallel()
	who := id("stf", 1)
	first := Ping{Member: who, Lat: station.Lat, Lon: station.Lon, Accuracy: 10}
	for name, c := range map[string]struct {
		after    time.Duration // since the first ping
		ping     Ping
		asked    time.Duration // when, since the first ping
		stale    string
		believed *Place
	}{
		"fresh":              {time.Minute, Ping{Lat: square.Lat, Lon: square.Lon, Accuracy: 500}, time.Minute, "", &square},
		"two minutes old":    {time.Minute, Ping{Lat: square.Lat, Lon: square.Lon}, 3 * time.Minute, "", &square},
		"too old":            {time.Minute, Ping{Lat: square.Lat, Lon: square.Lon}, 3*time.Minute + 1, "", &harbour},
		"vague":              {time.Minute, Ping{Lat: square.Lat, Lon: square.Lon, Accuracy: 501}, time.Minute, "accuracy", &station},
		"no accuracy":        {time.Minute, Ping{Lat: square.Lat, Lon: square.Lon, Accuracy: math.NaN()}, time.Minute, "accuracy", &station},
		"below accuracy":     {time.Minute, Ping{Lat: square.Lat, Lon: square.Lon, Accuracy: -1}, time.Minute, "accuracy", &station},
		"vague and old":      {time.Minute, Ping{Lat: square.Lat, Lon: square.Lon, Accuracy: 501}, 2*time.Minute + 1, "accuracy", &harbour},
		"too fast":           {time.Minute, Ping{Lat: suburb.Lat, Lon: suburb.Lon}, time.Minute, "speed", &station},
		"too fast at once":   {0, Ping{Lat: square.Lat, Lon: square.Lon}, 0, "speed", &station},
		"far, after a pause": {3 * time.Minute, Ping{Lat: suburb.Lat, Lon: suburb.Lon}, 3 * time.Minute, "", &suburb},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p Positions
			p.stopped(who, &harbour)
			_, err := p.Take(noon, first)
			require.NoError(t, err)
			c.ping.Member = who

			got, err := p.Take(noon.Add(c.after), c.ping)

			require.NoError(t, err)
			assert.Equal(t, c.stale, got.Stale)
			assert.Equal(t, c.believed, p.Of(who, noon.Add(c.asked)))
		})
	}
}

func TestMemberCountsAtTheLastStop(t *testing.T) {
	t.Parallel()
	var p Positions
	who := id("stf", 1)
	assert.Nil(t, p.Of(who, noon))
	p.stopped(who, nil)
	p.stopped(who, &Place{})
	assert.Nil(t, p.Of(who, noon))

	p.stopped(who, &square)
	assert.Equal(t, &square, p.Of(who, noon))
	_, err := p.Take(noon, Ping{Member: who, Lat: station.Lat, Lon: station.Lon})
	require.NoError(t, err)
	assert.Equal(t, &station, p.Of(who, noon))
	assert.Equal(t, &square, p.Of(who, noon.Add(time.Hour)))

	other := id("stf", 2)
	_, err = p.Take(noon, Ping{Member: other, Lat: station.Lat, Lon: station.Lon})
	require.NoError(t, err)
	assert.Equal(t, &station, p.Of(other, noon.Add(time.Hour)), "or where last seen, without a stop")
}

func TestPingIsTheMembersOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who := id("stf", 1)
	ping := Ping{Member: who, Lat: square.Lat, Lon: square.Lon, Accuracy: 10}
	for name, c := range map[string]struct {
		ctx  context.Context
		ping Ping
		code string
	}{
		"itself":       {as(who), ping, ""},
		"operator":     {w.ctx, ping, ""},
		"another":      {as(id("stf", 2)), ping, "dispatch.actor_not_allowed"},
		"nobody":       {context.Background(), ping, "actor.missing"},
		"no number":    {as(who), Ping{Member: who, Lat: math.NaN(), Lon: 1}, "dispatch.place"},
		"never set":    {as(who), Ping{Member: who}, "dispatch.place"},
		"off earth":    {as(who), Ping{Member: who, Lat: 91, Lon: 1}, "dispatch.place"},
		"no accuracy":  {as(who), Ping{Member: who, Lat: 1, Lon: 1, Accuracy: -1}, "field.min"},
		"not a member": {as(who), Ping{Member: id("cus", 1), Lat: 1, Lon: 1}, "id.wrong_kind"},
	} {
		_, err := w.Ping(c.ctx, c.ping)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
}

func TestManyPingAtOnce(t *testing.T) {
	t.Parallel()
	var p Positions
	errs := together(32, func(i int) error {
		_, err := p.Take(noon, Ping{Member: id("stf", uint64(i%4)), Lat: square.Lat, Lon: square.Lon})
		p.Of(id("stf", uint64(i%4)), noon)
		return err
	})
	assert.Len(t, passed(errs), 32)
}
