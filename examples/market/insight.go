package market

import (
	"context"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/insight"
	"github.com/liangding/platform/staff"
)

// insight measures what happened to the orders, in the zone of the books unless
// its terms name another. Nobody has a record of consents yet, so there are no
// figures of one person.
func (m *Market) insight(db platform.DB, duty staff.Members) *insight.Service {
	o := &m.options.Insight
	if o.Zone == nil {
		o.Zone = m.options.Finance.Zone
	}
	return insight.New(m.Writer, insight.StoreOn(db), insight.Ports{Roster: duty}, o)
}

// readBack has a log measured that was there before insight followed it. Nothing
// falls due by that.
func (m *Market) readBack(ctx context.Context, now time.Time, limit int) error {
	_, err := m.Insight.Tick(ctx, now, limit)
	return err
}

// measured is a measure of insight as a metric of an indicator:
// "insight:refund_rate", over the whole platform.
func (m *Market) measured(ctx context.Context, name string, from, to time.Time) (numerator, denominator int64, err error) {
	ctx = platform.As(ctx, platform.SystemActor("risk"))
	numerator, denominator, _, err = m.Insight.Measure(ctx, name, platform.Ref{}, from, to)
	return numerator, denominator, err
}
