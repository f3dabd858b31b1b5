package supervision_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/supervision"
)

func audit(from, until string, phase supervision.Phase) supervision.Engagement {
	return supervision.Engagement{From: from, Until: until, Phase: phase}
}

func TestAYearIsAuditedWhenEachOfItsMonthsIs(t *testing.T) {
	t.Parallel()
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err)
		return at
	}
	whole := audit("2026-01", "2026-12", supervision.Engaged)
	for name, c := range map[string]struct {
		all           []supervision.Engagement
		since, before string
		want          []int
	}{
		"nobody audits it":            {nil, "2026-01-01", "2027-01-01", []int{2026}},
		"it is not over":              {nil, "2026-01-01", "2026-12-31", nil},
		"a firm is signed":            {[]supervision.Engagement{whole}, "2026-01-01", "2027-01-01", nil},
		"it is planned only":          {[]supervision.Engagement{audit("2026-01", "2026-12", supervision.Planning)}, "2026-01-01", "2027-01-01", []int{2026}},
		"a month is left out":         {[]supervision.Engagement{audit("2026-01", "2026-06", supervision.Ended), audit("2026-08", "2026-12", supervision.Ended)}, "2026-01-01", "2027-01-01", []int{2026}},
		"two share it":                {[]supervision.Engagement{audit("2026-01", "2026-06", supervision.Ended), audit("2026-07", "2026-12", supervision.Ended)}, "2026-01-01", "2027-01-01", nil},
		"what was before is nobody's": {[]supervision.Engagement{audit("2026-03", "2026-12", supervision.Engaged)}, "2026-03-15", "2027-01-01", nil},
		"one of several":              {[]supervision.Engagement{whole, audit("2028-01", "2028-12", supervision.Opined)}, "2026-01-01", "2029-06-01", []int{2027}},
		"one engagement of several":   {[]supervision.Engagement{audit("2026-01", "2028-12", supervision.Opined)}, "2026-01-01", "2029-01-01", nil},
	} {
		assert.Equal(t, c.want, supervision.Unaudited(c.all, day(c.since), day(c.before)), name)
	}
}

// A year without an audit is a finding ninety days after its end, and is told of
// again each month until a firm is signed.
func TestAYearWithoutAnAuditIsToldOfUntilAFirmIsSigned(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.pass(t, 0)
	missing := func() int { return v.events(t)["audit.missing"] }
	monthly := func(until time.Time) {
		for v.clock.Before(until) {
			v.pass(t, min(until.Sub(*v.clock), 5*24*time.Hour))
		}
	}
	monthly(time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC))
	assert.Zero(t, missing(), "there is still time")

	v.until(t, time.Date(2027, 4, 1, 3, 0, 0, 0, time.UTC))
	assert.Equal(t, 1, missing())
	f := v.found(t, "audit", "year:2026")
	assert.Equal(t, supervision.High, f.Severity)
	assert.Equal(t, []string{"no_engagement"}, f.Codes)
	v.pass(t, time.Hour)
	assert.Equal(t, 1, missing(), "once")
	monthly(time.Date(2027, 5, 10, 0, 0, 0, 0, time.UTC))
	assert.Equal(t, 2, missing())
	assert.Equal(t, 1, v.found(t, "audit", "year:2026").Hits, "which is known")

	e, err := v.PlanAudit(v.as(t, supervisor), supervision.PlanAudit{
		Firm: "Tallyman", Licence: "A-17", Partner: "p", From: "2026-01", Until: "2026-12", Scope: []string{"all"}, Deadline: v.clock.AddDate(1, 0, 0),
	})
	require.NoError(t, err)
	monthly(time.Date(2027, 6, 10, 0, 0, 0, 0, time.UTC))
	assert.Equal(t, 3, missing(), "a plan is no audit")
	_, err = v.Engage(v.as(t, supervisor), supervision.Engage{Engagement: e.ID, Fee: cny("50000"), Independence: proof})
	require.NoError(t, err)
	monthly(time.Date(2028, 3, 30, 0, 0, 0, 0, time.UTC))
	assert.Equal(t, 3, missing())
	v.until(t, time.Date(2028, 4, 1, 0, 0, 0, 0, time.UTC))
	assert.Equal(t, 4, missing(), "and the next year")
	assert.NotEmpty(t, v.found(t, "audit", "year:2027").ID)
	_, err = v.Finding(v.as(t, supervisor), supervision.FindingID("audit", "year:2028"))
	require.ErrorIs(t, err, platform.ErrNotFound)
}
