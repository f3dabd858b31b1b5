package payment_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

func TestAnAttemptIsKnownByTheInstitutionsName(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	paid, err := v.pay(v.placed(t), sandbox.OK)
	require.NoError(t, err)
	refused, err := v.pay(v.placed(t), sandbox.Down)
	require.Error(t, err)
	asks := payment.Asks{Store: payment.StoreOn(v.db)}
	none := platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", noon, 1, 99)}

	names, err := asks.References(context.Background(), paid.Ref(), none, platform.Ref{Kind: "order", ID: paid.Subject.ID})

	require.NoError(t, err)
	assert.Equal(t, map[platform.Ref]string{paid.Ref(): paid.Reference}, names)
	assert.NotEmpty(t, paid.Reference)
	assert.Empty(t, refused.Reference)
}
