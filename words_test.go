package platform_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestErrorsCarryCodeTextAndFacts(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("switch lamp on: %w", platform.Detail(platform.Detail(errOn, "since", 3), "by", "x"))

	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, "lamp.on", platform.Code(err))
	assert.Equal(t, "the lamp is on", platform.Text(err, "en"))
	assert.Equal(t, "灯已亮", platform.Text(err, "zh-CN"))
	assert.Equal(t, map[string]any{"since": 3, "by": "x"}, platform.Details(err))
	assert.Empty(t, platform.Code(nil))
	assert.Equal(t, "internal", platform.Code(errors.New("disk on fire")))
	assert.Equal(t, "temporarily unavailable", platform.Text(errors.New("secret path"), "en"), "an unknown error tells nothing")
}

type basket struct {
	Items []struct {
		Count int            `json:"count" validate:"min=1,max=10000" code:"order.quantity"`
		Price platform.Money `json:"price" validate:"required,gt=0" code:"order.amount_not_positive"`
	} `json:"items" validate:"min=1,dive" code:"order.no_lines"`
	Note string `json:"note" validate:"text=3"`
	City string `json:"city" validate:"required"`
}

func TestValidateNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	var b basket
	b.Items = append(b.Items, b.Items...)
	b.Note = "a\x01"
	found := map[string]string{}
	var fields platform.FieldErrors

	require.ErrorAs(t, platform.Validate(b), &fields)

	for _, f := range fields {
		found[f.Path] = f.Code
		assert.NotEmpty(t, f.Text("en"))
		assert.Regexp(t, `\p{Han}`, f.Text("zh"), f.Path)
	}
	assert.Equal(t, map[string]string{"items": "order.no_lines", "note": "text.control", "city": "field.required"}, found)

	b.Items = make([]struct {
		Count int            `json:"count" validate:"min=1,max=10000" code:"order.quantity"`
		Price platform.Money `json:"price" validate:"required,gt=0" code:"order.amount_not_positive"`
	}, 2)
	b.Items[1].Price, b.Items[1].Count = platform.MustMoney("-1", "CNY"), 1
	b.Note, b.City = "\xff", "x"
	clear(found)
	require.ErrorAs(t, platform.Validate(b), &fields)
	for _, f := range fields {
		found[f.Path] = f.Code
	}
	assert.Equal(t, map[string]string{
		"items[0].count": "order.quantity", "items[0].price": "order.amount_not_positive",
		"items[1].price": "order.amount_not_positive", "note": "text.encoding",
	}, found)

	require.ErrorIs(t, fields, platform.ErrInvalid)
	require.NoError(t, platform.Validate(nil))
	require.NoError(t, platform.Validate(3))
}

func TestKindFindsItsFaults(t *testing.T) {
	t.Parallel()
	type leaky struct {
		platform.Head
		Name  string          `json:"name"`
		Phone string          `json:"phone" class:"personal,contact,3y,contract"`
		Note  platform.Sealed `json:"note" class:"personal"`
		Price platform.Money  `json:"price"`
		Days  []time.Time     `json:"days"`
	}
	err := platform.Shape[leaky]{
		Name: "leaky", Prefix: "lky", Indexes: []platform.Index{{By: []string{"name"}}},
	}.Kind().Fault()
	require.ErrorIs(t, err, platform.ErrInvalid)
	for _, part := range []string{"name", "phone", "note", "price", "days", "unknown column name"} {
		require.ErrorContains(t, err, part)
	}

	type sound struct {
		platform.Head
		Phone platform.Sealed `json:"phone" class:"personal,contact,3y,contract"`
		Lines []struct {
			Price platform.Money `json:"price" class:"internal"`
		} `json:"lines"`
	}
	kind := platform.Shape[sound]{Name: "sound", Prefix: "snd"}.Kind()
	require.NoError(t, kind.Fault())
	assert.Equal(t, []platform.Field{
		{Path: "id", Class: platform.Internal},
		{Path: "phone", Class: platform.Personal, Purpose: "contact", Retention: "3y", Basis: "contract"},
		{Path: "lines[].price", Class: platform.Internal},
	}, kind.Fields)
}

type door string

func TestMovesAreAllThatCanHappen(t *testing.T) {
	t.Parallel()
	shut := platform.Err(platform.ErrState, "door.not_openable", "the door cannot be opened", "门无法打开")
	moves := platform.Moves[door]{
		{Verb: "open", From: []door{"closed"}, To: "open", By: []platform.ActorKind{platform.Customer}, Refusal: shut},
		{Verb: "open", From: []door{"locked"}, To: "open", By: []platform.ActorKind{platform.Operator}, Refusal: shut},
		{Verb: "knock", From: []door{"closed", "locked"}, By: []platform.ActorKind{platform.Customer}, Refusal: shut},
	}
	next, err := moves.Take("closed", "open", platform.Customer)
	require.NoError(t, err)
	assert.Equal(t, door("open"), next)
	next, err = moves.Take("locked", "knock", platform.Customer)
	require.NoError(t, err)
	assert.Equal(t, door("locked"), next)

	_, err = moves.Take("open", "open", platform.Customer)
	require.ErrorIs(t, err, shut)
	assert.Equal(t, "open", platform.Details(err)["state"])
	_, err = moves.Take("locked", "open", platform.Customer)
	require.ErrorIs(t, err, shut, "only an operator opens a locked door")
	_, err = moves.Take("closed", "open", platform.Auditor)
	require.ErrorIs(t, err, platform.ErrDenied)
	assert.Equal(t, "door.actor_not_allowed", platform.Code(err))
	_, err = moves.Take("closed", "burn", platform.Customer)
	require.ErrorIs(t, err, platform.ErrState)

	assert.Equal(t, []string{"open", "knock"}, moves.Open("closed", platform.Customer))
}

func TestSweepGoesOnPastFailures(t *testing.T) {
	t.Parallel()
	pages := map[string]platform.Page[int]{"": {Items: []int{1, 2, 3}, Next: "b"}, "b": {Items: []int{4, 5}}}
	due := func(cursor string) (platform.Page[int], error) { return pages[cursor], nil }
	broken := errors.New("broken")
	fire := func(i int) error {
		switch i {
		case 1:
			return broken
		case 2:
			return errOn // somebody else was first
		}
		return nil
	}
	fired, err := platform.Sweep(t.Context(), 0, due, fire)
	require.ErrorIs(t, err, broken)
	require.NotErrorIs(t, err, errOn)
	assert.Equal(t, 3, fired)

	fired, err = platform.Sweep(t.Context(), 2, due, func(int) error { return nil })
	require.NoError(t, err)
	assert.Equal(t, 2, fired)
}

type ticks chan struct{}

func (c ticks) Tick(context.Context, time.Time, int) (int, error) {
	c <- struct{}{}
	return 0, nil
}

func TestRunTicksUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	beats, ended := make(ticks), make(chan struct{})
	go func() {
		defer close(ended)
		platform.Run(ctx, platform.Running{Every: time.Millisecond}, beats)
	}()
	<-beats
	<-beats
	stop()
	for {
		select {
		case <-beats:
		case <-ended:
			return
		}
	}
}
