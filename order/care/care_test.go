package care_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/care"
	"github.com/liangding/platform/store/memory"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	customer = platform.Actor{ID: platform.NewID("cus", noon, 1, 1), Kind: platform.Customer}
	stranger = platform.Actor{ID: platform.NewID("cus", noon, 1, 2), Kind: platform.Customer}
	merchant = platform.Actor{ID: platform.NewID("mer", noon, 1, 3), Kind: platform.Merchant}
	operator = platform.Actor{ID: platform.NewID("opr", noon, 1, 4), Kind: platform.Operator}

	done    = platform.NewID("ord", noon, 5, 1)
	running = platform.NewID("ord", noon, 5, 2)
)

func as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

// sales are two orders of the customer's: one completed at noon, one not.
type sales struct{}

func (sales) Sale(_ context.Context, order platform.ID) (json.RawMessage, []platform.Change, error) {
	when := ""
	switch order {
	case done:
		when = `,"completed":"2026-03-02T12:00:00Z"`
	case running:
	default:
		return nil, nil, platform.NotFound(platform.Ref{Kind: "order", ID: order})
	}
	return fmt.Appendf(nil, `{"customer":%q,"merchant":%q%s}`, customer.ID, merchant.ID, when), nil, nil
}

// sealer turns text into something that is not the text.
type sealer struct{}

func (sealer) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	return fmt.Appendf(nil, "%s/%s/%d", at.Subject, at.Record, len(plain)), nil
}

func (sealer) Blind(context.Context, string, string) (string, error) { return "", nil }

func open(t testing.TB, now time.Time, ports care.Ports) *care.Service {
	t.Helper()
	db := memory.New(care.Kinds(), nil)
	t.Cleanup(func() { _ = db.Close() })
	w := platform.Writer{Store: db, Now: func() time.Time { return now }}
	return care.New(w, care.StoreOn(db), ports, nil)
}

var wired = care.Ports{Orders: sales{}, Sealer: sealer{}}

func TestAReviewIsTheCustomersOwnWordOnceAndInTime(t *testing.T) {
	t.Parallel()
	write := func(s *care.Service, who platform.Actor, in care.WriteReview) error {
		_, err := s.WriteReview(as(who), in)
		return err
	}
	in := care.WriteReview{Order: done, Score: 5, Text: "spotless"}
	inTime, late := open(t, noon.AddDate(0, 0, 30).Add(-1), wired), open(t, noon.AddDate(0, 0, 30), wired)
	for name, c := range map[string]struct {
		err  error
		kind error
		code string
	}{
		"another customer":    {write(inTime, stranger, in), platform.ErrNotFound, "order.not_found"},
		"the merchant":        {write(inTime, merchant, in), platform.ErrDenied, "care.actor_not_allowed"},
		"nobody":              {write(inTime, platform.Actor{}, in), platform.ErrDenied, "actor.missing"},
		"too late":            {write(late, customer, in), platform.ErrState, "care.too_late"},
		"before it is done":   {write(inTime, customer, care.WriteReview{Order: running, Score: 5}), platform.ErrState, "care.not_reviewable"},
		"no such order":       {write(inTime, customer, care.WriteReview{Order: platform.NewID("ord", noon, 5, 9), Score: 5}), platform.ErrNotFound, "order.not_found"},
		"no star":             {write(inTime, customer, care.WriteReview{Order: done}), platform.ErrInvalid, "care.score"},
		"six stars":           {write(inTime, customer, care.WriteReview{Order: done, Score: 6}), platform.ErrInvalid, "care.score"},
		"a bell":              {write(inTime, customer, care.WriteReview{Order: done, Score: 1, Text: "\a"}), platform.ErrInvalid, "text.control"},
		"not an order":        {write(inTime, customer, care.WriteReview{Order: customer.ID, Score: 1}), platform.ErrInvalid, "id.wrong_kind"},
		"text without sealer": {write(open(t, noon, care.Ports{Orders: sales{}}), customer, in), platform.ErrUnavailable, "care.text_unsealable"},
	} {
		require.ErrorIs(t, c.err, c.kind, name)
		assert.Equal(t, c.code, platform.Code(c.err), name)
	}

	require.NoError(t, write(inTime, customer, in))
	err := write(inTime, customer, in)
	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, "care.reviewed", platform.Code(err))
	page, err := inTime.Reviews(context.Background(), merchant.ID, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Equal(t, 5, page.Items[0].Score)
	assert.NotContains(t, string(page.Items[0].Text), "spotless")
}

func TestOfManyReviewsOfOneOrderOneIsKept(t *testing.T) {
	t.Parallel()
	s := open(t, noon, wired)
	told := make([]error, 32)
	var crowd sync.WaitGroup
	for i := range told {
		crowd.Go(func() { _, told[i] = s.WriteReview(as(customer), care.WriteReview{Order: done, Score: 1 + i%5}) })
	}
	crowd.Wait()

	kept := 0
	for _, err := range told {
		if err == nil {
			kept++
			continue
		}
		assert.Equal(t, "care.reviewed", platform.Code(err))
	}
	assert.Equal(t, 1, kept)
}

func TestFeedbackKeepsAScoreThatIsNoReview(t *testing.T) {
	t.Parallel()
	s := open(t, noon, wired)
	in := care.RecordFeedback{Order: running, Score: 2, Reason: "not_completed", Text: "nobody came"}
	f, err := s.RecordFeedback(as(operator), in)
	require.NoError(t, err)
	assert.Contains(t, string(f.Text), customer.ID, "the text is the customer's")
	_, err = s.RecordFeedback(as(platform.SystemActor("replay")), in)
	require.NoError(t, err, "an order may have several")

	for name, c := range map[string]struct {
		who  platform.Actor
		in   care.RecordFeedback
		code string
	}{
		"the customer":     {customer, in, "care.actor_not_allowed"},
		"no reason":        {operator, care.RecordFeedback{Order: done, Score: 2}, "care.reason"},
		"a reason of one":  {operator, care.RecordFeedback{Order: done, Score: 2, Reason: "mood"}, "care.reason"},
		"no star":          {operator, care.RecordFeedback{Order: done, Reason: "late"}, "care.score"},
		"no order":         {operator, care.RecordFeedback{Order: platform.NewID("ord", noon, 5, 9), Score: 2, Reason: "late"}, "order.not_found"},
		"no order, a text": {operator, care.RecordFeedback{Order: platform.NewID("ord", noon, 5, 9), Score: 2, Reason: "late", Text: "x"}, "order.not_found"},
	} {
		_, err := s.RecordFeedback(as(c.who), c.in)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	page, err := s.Feedback(as(operator), running, "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 2)
	_, err = s.Feedback(as(merchant), running, "")
	assert.Equal(t, "care.actor_not_allowed", platform.Code(err))
}

// moving is sales whose first answer is out of date by the time that it counts.
type moving struct {
	sales
	moved *bool
}

func (m moving) Sale(ctx context.Context, order platform.ID) (json.RawMessage, []platform.Change, error) {
	doc, checks, err := m.sales.Sale(ctx, order)
	if !*m.moved {
		*m.moved = true
		checks = []platform.Change{{Op: platform.Check, Ref: platform.Ref{Kind: "care.review", ID: order.As("rvw")}, Version: 7}}
	}
	return doc, checks, err
}

func TestFeedbackOnAnOrderThatMovesIsDecidedAgain(t *testing.T) {
	t.Parallel()
	moved := false
	s := open(t, noon, care.Ports{Orders: moving{moved: &moved}, Sealer: sealer{}})

	f, err := s.RecordFeedback(as(operator), care.RecordFeedback{Order: running, Score: 2, Reason: "not_completed", Text: "nobody came"})

	require.NoError(t, err)
	assert.True(t, moved)
	assert.Equal(t, merchant.ID, f.Merchant)
	assert.NotEmpty(t, f.Text)
}

func TestAStrangerDoesNotLearnOfAReview(t *testing.T) {
	t.Parallel()
	s := open(t, noon, wired)
	_, err := s.WriteReview(as(customer), care.WriteReview{Order: done, Score: 5})
	require.NoError(t, err)
	_, err = s.WriteReview(as(stranger), care.WriteReview{Order: done, Score: 1})
	assert.Equal(t, "order.not_found", platform.Code(err))
}

func TestWhatIsKeptIsTheMarketsOwn(t *testing.T) {
	t.Parallel()
	s := open(t, noon, wired)
	_, err := s.RecordFeedback(as(operator), care.RecordFeedback{Order: running, Score: 2, Reason: "late"})
	require.NoError(t, err)
	_, err = s.WriteReview(as(customer), care.WriteReview{Order: done, Score: 5})
	require.NoError(t, err)
	abroad := operator
	abroad.Tenant = "elsewhere"
	_, err = s.Feedback(as(abroad), running, "")
	require.ErrorIs(t, err, platform.ErrNotFound)
	page, err := s.Reviews(as(abroad), merchant.ID, "")
	require.NoError(t, err)
	assert.Empty(t, page.Items)
}

// counting tells how often it sealed.
type counting struct {
	sealer
	sealed *atomic.Int32
}

func (c counting) Seal(ctx context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	c.sealed.Add(1)
	return c.sealer.Seal(ctx, at, plain)
}

func TestNothingIsSealedThatIsRefusedAnyway(t *testing.T) {
	t.Parallel()
	seal := counting{sealed: &atomic.Int32{}}
	s := open(t, noon, care.Ports{Orders: sales{}, Sealer: seal})
	_, err := s.WriteReview(as(merchant), care.WriteReview{Order: done, Score: 5, Text: "mine"})
	assert.Equal(t, "care.actor_not_allowed", platform.Code(err))
	_, err = s.WriteReview(as(customer), care.WriteReview{Order: done, Score: 5, Text: strings.Repeat("x", 2001)})
	assert.Equal(t, "text.too_long", platform.Code(err))
	_, err = s.RecordFeedback(as(customer), care.RecordFeedback{Order: done, Score: 5, Reason: "late", Text: "x"})
	assert.Equal(t, "care.actor_not_allowed", platform.Code(err))
	_, err = s.RecordFeedback(as(operator), care.RecordFeedback{Order: done, Score: 5, Reason: "late", Text: "\a"})
	assert.Equal(t, "text.control", platform.Code(err))
	assert.Zero(t, seal.sealed.Load())
}

func TestAWindowLiesWithinReason(t *testing.T) {
	t.Parallel()
	for _, window := range []time.Duration{-1, 401 * 24 * time.Hour} {
		assert.Panics(t, func() { care.New(platform.Writer{}, nil, wired, &care.Options{Window: window}) })
	}
}

func TestCareNeedsOrders(t *testing.T) {
	t.Parallel()
	assert.Panics(t, func() { care.New(platform.Writer{}, nil, care.Ports{}, nil) })
	for _, k := range care.Kinds() {
		require.NoError(t, k.Fault(), k.Name)
	}
}

// A review counts for the merchant; its text is kept sealed.
func ExampleService_WriteReview() {
	s := open(&testing.T{}, noon, wired)

	_, _ = s.WriteReview(as(customer), care.WriteReview{Order: done, Score: 4, Text: "quick and clean"})
	_, again := s.WriteReview(as(customer), care.WriteReview{Order: done, Score: 5})

	page, _ := s.Reviews(context.Background(), merchant.ID, "")
	fmt.Println(len(page.Items), page.Items[0].Score, platform.Code(again))
	// Output: 1 4 care.reviewed
}
