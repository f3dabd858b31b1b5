package dispatch

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// job is a job at the square that all of the members could take.
func job(n uint64, members ...platform.ID) Job {
	at := square
	return Job{Order: id("ord", n), Seat: 1, From: noon, Until: noon.Add(time.Hour), Place: &at, Eligible: members}
}

func at(member uint64, p Place) Present { return Present{Member: id("stf", member), Place: &p} }

func plan(t require.TestingT, p Policy, s Snapshot) Plan {
	made, err := p.Plan(s)
	require.NoError(t, err)
	return made
}

// who is who is asked for an order.
func (p Plan) who(order uint64) (members []platform.ID) {
	for _, pair := range p.Pairs {
		if pair.Order == id("ord", order) {
			members = append(members, pair.Member)
		}
	}
	return members
}

func TestNearestEligibleMemberIsAsked(t *testing.T) {
	t.Parallel()
	one, two, three, four := id("stf", 1), id("stf", 2), id("stf", 3), id("stf", 4)
	everybody := []Present{at(1, harbour), at(2, station), at(3, square), at(4, suburb)}
	for name, c := range map[string]struct {
		policy Policy
		jobs   []Job
		staff  []Present
		who    []platform.ID
		left   string
	}{
		"nearest of all":       {jobs: []Job{job(1, one, two, three)}, who: []platform.ID{three}},
		"nearest eligible":     {jobs: []Job{job(1, one, two)}, who: []platform.ID{two}},
		"nearest not barred":   {jobs: []Job{barred(job(1, one, two), two)}, who: []platform.ID{one}},
		"two at once":          {policy: Policy{FanOut: 2}, jobs: []Job{job(1, one, two, three)}, who: []platform.ID{three, two}},
		"nobody eligible":      {jobs: []Job{job(1)}, left: "nobody"},
		"eligible, not there":  {jobs: []Job{job(1, id("stf", 9))}, left: "nobody"},
		"all too far":          {jobs: []Job{job(1, four)}, left: "far"},
		"far, after a wait":    {policy: Policy{Radius: 55 * time.Minute}, jobs: []Job{waited(job(1, four), 10*time.Minute)}, who: []platform.ID{four}},
		"far, without a wait":  {policy: Policy{Radius: 55 * time.Minute}, jobs: []Job{job(1, four)}, left: "far"},
		"all barred":           {jobs: []Job{barred(job(1, one), one)}, left: "busy"},
		"place is none":        {jobs: []Job{placed(job(1, one), Place{})}, left: "place"},
		"no place, by id":      {jobs: []Job{unplaced(job(1, three, two))}, who: []platform.ID{two}},
		"unknown comes last":   {jobs: []Job{job(1, id("stf", 5), one)}, staff: []Present{{Member: id("stf", 5)}, at(1, harbour)}, who: []platform.ID{one}},
		"unknown is better":    {jobs: []Job{job(1, id("stf", 5), four)}, staff: []Present{{Member: id("stf", 5)}, at(4, suburb)}, who: []platform.ID{id("stf", 5)}},
		"wrong place, unknown": {jobs: []Job{job(1, one, two)}, staff: []Present{at(1, Place{Lat: math.NaN()}), at(2, station)}, who: []platform.ID{two}},
		"equals take turns":    {jobs: []Job{job(1, one, two)}, staff: []Present{had(at(1, station), 1), at(2, station)}, who: []platform.ID{two}},
		"asked a moment ago":   {jobs: []Job{job(1, one, two)}, staff: []Present{asked(at(1, square)), at(2, station)}, who: []platform.ID{two}},
		"load makes dearer":    {jobs: []Job{job(1, one, two)}, staff: []Present{at(1, harbour), loaded(at(2, station), 2)}, who: []platform.ID{one}},
		"unless it is free":    {policy: Policy{Fairness: -1}, jobs: []Job{job(1, one, two)}, staff: []Present{at(1, harbour), loaded(at(2, station), 2)}, who: []platform.ID{two}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.staff == nil {
				c.staff = everybody
			}

			p := plan(t, c.policy, Snapshot{At: noon, Jobs: c.jobs, Staff: c.staff})

			assert.Equal(t, c.who, p.who(1))
			if c.left != "" {
				assert.Equal(t, []Left{{Order: id("ord", 1), Seat: 1, Code: c.left}}, p.Left)
			} else {
				assert.Empty(t, p.Left)
			}
		})
	}
}

func barred(j Job, members ...platform.ID) Job {
	for _, m := range members {
		j.Barred = append(j.Barred, Barred{Member: m, Code: "cool_down"})
	}
	return j
}

func waited(j Job, d time.Duration) Job {
	j.Waited = d
	return j
}

func placed(j Job, p Place) Job {
	j.Place = &p
	return j
}

func unplaced(j Job) Job {
	j.Place = nil
	return j
}

func had(p Present, n int) Present {
	p.Had = n
	return p
}

func asked(p Present) Present {
	p.Asked = true
	return p
}

func loaded(p Present, n int) Present {
	p.Load = n
	return p
}

func TestMemberIsAskedForOneJobAtMost(t *testing.T) {
	t.Parallel()
	one, two := id("stf", 1), id("stf", 2)

	p := plan(t, Policy{}, Snapshot{At: noon, Jobs: []Job{placed(job(1, one, two), station), job(2, one, two)}, Staff: []Present{at(1, square), at(2, suburb)}})

	assert.Equal(t, []platform.ID{one}, p.who(2), "the cheapest pair of all")
	assert.Equal(t, []Left{{Order: id("ord", 1), Seat: 1, Code: "busy"}}, p.Left)
	assert.Equal(t, "other_order", p.Explain(id("ord", 1), 1, one).Code)
}

func TestEmptySnapshotGivesAnEmptyPlan(t *testing.T) {
	t.Parallel()
	p := plan(t, Policy{}, Snapshot{At: noon})
	assert.Empty(t, p.Pairs)
	assert.Empty(t, p.Left)
	assert.Len(t, p.Hash, 64)
}

func TestSameSnapshotGivesTheSamePlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		want, err := json.Marshal(plan(t, Policy{FanOut: 2}, s))
		require.NoError(t, err)

		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		mixed := Snapshot{At: s.At, Jobs: slices.Clone(s.Jobs), Staff: slices.Clone(s.Staff)}
		shuffle.Shuffle(len(mixed.Jobs), func(i, j int) { mixed.Jobs[i], mixed.Jobs[j] = mixed.Jobs[j], mixed.Jobs[i] })
		shuffle.Shuffle(len(mixed.Staff), func(i, j int) { mixed.Staff[i], mixed.Staff[j] = mixed.Staff[j], mixed.Staff[i] })
		for i := range mixed.Jobs {
			mixed.Jobs[i].Eligible = slices.Clone(mixed.Jobs[i].Eligible)
			slices.Reverse(mixed.Jobs[i].Eligible)
		}
		got, err := json.Marshal(plan(t, Policy{FanOut: 2}, mixed))

		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

// drawSnapshot draws a few jobs and members in one town.
func drawSnapshot(t *rapid.T) Snapshot {
	spot := func(name string) *Place {
		return &Place{Lat: 52.5 + float64(rapid.IntRange(0, 60).Draw(t, name+" lat"))/1000, Lon: 13.3 + float64(rapid.IntRange(0, 90).Draw(t, name+" lon"))/1000}
	}
	s := Snapshot{At: noon}
	for i := range rapid.IntRange(0, 6).Draw(t, "staff") {
		m := Present{Member: id("stf", uint64(i)), Load: rapid.IntRange(0, 3).Draw(t, "load"), Had: rapid.IntRange(0, 2).Draw(t, "had")}
		if rapid.IntRange(0, 4).Draw(t, "known") > 0 {
			m.Place = spot("member")
		}
		s.Staff = append(s.Staff, m)
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "jobs") {
		j := job(uint64(i))
		j.Place = spot("job")
		for _, m := range s.Staff {
			switch rapid.IntRange(0, 5).Draw(t, "may") {
			case 0:
			case 1:
				j.Barred = append(j.Barred, Barred{Member: m.Member, Code: "cool_down"})
				j.Eligible = append(j.Eligible, m.Member)
			default:
				j.Eligible = append(j.Eligible, m.Member)
			}
		}
		s.Jobs = append(s.Jobs, j)
	}
	return s
}

// TestNoPairIsBetterForBoth: of a job and a member who are not paired, at least
// one has nothing dearer. And the plan explains every member for every job.
func TestNoPairIsBetterForBoth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		p := plan(t, Policy{}, s)
		price := map[platform.ID]int64{} // of the pair that a job or member is in
		for _, pair := range p.Pairs {
			require.NotContains(t, price, pair.Member, "asked twice")
			require.NotContains(t, price, pair.Order, "more than the fan-out")
			price[pair.Member], price[pair.Order] = pair.Cost, pair.Cost
		}
		require.Equal(t, len(s.Jobs), len(p.Pairs)+len(p.Left))
		for _, j := range s.Jobs {
			for _, m := range s.Staff {
				v := p.Explain(j.Order, 1, m.Member)
				job, jobPaired := price[j.Order]
				member, memberPaired := price[m.Member]
				switch v.Code {
				case "chosen":
					require.Equal(t, job, v.Cost)
					require.Equal(t, member, v.Cost)
				case "other_order":
					require.True(t, memberPaired)
					require.True(t, member <= v.Cost || jobPaired && job <= v.Cost)
				case "nearer_colleague", "price_of_share", "tie":
					require.True(t, jobPaired)
					require.False(t, memberPaired)
					require.LessOrEqual(t, job, v.Cost)
				case "cool_down":
					require.NotEmpty(t, j.barred(m.Member))
				case "not_eligible":
					require.NotContains(t, j.Eligible, m.Member)
				case "beyond_radius":
					require.Greater(t, v.Travel, milli(25*time.Minute))
				default:
					t.Fatalf("unknown code %q", v.Code)
				}
			}
		}
	})
}

func TestEveryVerdictIsExplained(t *testing.T) {
	t.Parallel()
	members := []platform.ID{id("stf", 1), id("stf", 2), id("stf", 3), id("stf", 4), id("stf", 5), id("stf", 6), id("stf", 7), id("stf", 9), id("stf", 10)}
	away := placed(job(2, id("stf", 2)), Place{Lat: 52.5201, Lon: 13.4001})
	bad := placed(job(3, members...), Place{Lat: 91})
	j := barred(job(1, members...), id("stf", 5))
	p := plan(t, Policy{}, Snapshot{At: noon, Jobs: []Job{j, away, bad}, Staff: []Present{
		loaded(at(1, square), 1), at(2, Place{Lat: 52.5201, Lon: 13.4001}), at(3, Place{Lat: 52.521, Lon: 13.40}), at(4, Place{Lat: 52.519, Lon: 13.40}),
		at(5, square), at(6, suburb), at(7, station), at(8, square), had(at(9, Place{Lat: 52.519, Lon: 13.40}), 1), asked(at(10, square)),
	}})

	for n, code := range map[uint64]string{
		1: "price_of_share", 2: "other_order", 3: "chosen", 4: "tie", 5: "cool_down", 6: "beyond_radius", 7: "nearer_colleague", 8: "not_eligible",
		9: "price_of_share", 10: "other_order", 11: "not_eligible",
	} {
		assert.Equal(t, code, p.Explain(id("ord", 1), 1, id("stf", n)).Code, "member %d", n)
	}
	assert.Equal(t, "place", p.Explain(id("ord", 3), 1, id("stf", 1)).Code)
	assert.Equal(t, "not_eligible", p.Explain(id("ord", 1), 2, id("stf", 3)).Code, "a seat that the plan has not seen")
}

func TestBadSnapshotsAreRefused(t *testing.T) {
	t.Parallel()
	_, err := Policy{}.Plan(Snapshot{Jobs: []Job{job(1), job(1)}})
	require.ErrorIs(t, err, ErrDuplicate)
	_, err = Policy{}.Plan(Snapshot{Staff: []Present{at(1, square), at(1, harbour)}})
	require.ErrorIs(t, err, ErrDuplicate)
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = Policy{Rounds: 51}.Plan(Snapshot{})
	require.ErrorIs(t, err, platform.ErrInvalid)
}

func TestPolicyNamesEveryFieldOutsideItsRange(t *testing.T) {
	t.Parallel()
	require.NoError(t, Policy{}.Fault())
	require.NoError(t, Policy{Fairness: -1, CoolDown: -1}.Fault())
	good := Policy{}.Ready()
	for i, d := range good.spans() {
		for _, v := range []time.Duration{d.low - 1, d.top + 1} {
			if d.low == 0 && v < 0 {
				continue
			}
			p := good
			*p.spans()[i].value = v
			assert.Equal(t, []string{d.path}, paths(t, p.Fault()))
		}
		for _, v := range []time.Duration{max(d.low, 1), d.top} {
			p := good
			*p.spans()[i].value = v
			require.NoError(t, p.Fault(), d.path)
		}
	}
	for i, n := range good.counts() {
		for _, v := range []int{n.low - 1, n.top + 1} {
			p := good
			*p.counts()[i].value = v
			if v == 0 {
				require.NoError(t, p.Fault(), "%s: zero is the default", n.path)
				continue
			}
			assert.Equal(t, []string{n.path}, paths(t, p.Fault()))
		}
	}
	assert.Equal(t, []string{"radius_ns", "rounds"}, paths(t, Policy{Radius: time.Hour * 3, Rounds: -1}.Fault()))
}

func paths(t *testing.T, err error) (paths []string) {
	t.Helper()
	var fields platform.FieldErrors
	require.ErrorAs(t, err, &fields)
	for _, f := range fields {
		assert.Equal(t, "policy.range", f.Code)
		paths = append(paths, f.Path)
	}
	return paths
}

func TestDistanceIsThatOfTheMap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to Place
		metres   float64
	}{
		"nowhere":                {square, square, 0},
		"a degree north":         {Place{10, 10}, Place{11, 10}, 111_195},
		"a degree on equator":    {Place{0, 10}, Place{0, 11}, 111_195},
		"a degree at 60 north":   {Place{60, 10}, Place{60, 11}, 55_597},
		"across the date line":   {Place{-17, 179.9}, Place{-17, -179.9}, 21_267},
		"through a big town":     {Place{52.5200, 13.4050}, Place{52.3906, 13.0645}, 27_180},
		"around a harbour":       {Place{22.2819, 114.1582}, Place{22.2976, 114.1722}, 2_262},
		"in the southern summer": {Place{-33.8688, 151.2093}, Place{-33.7969, 151.2502}, 8_843},
	} {
		assert.InEpsilon(t, c.metres+1, float64(c.from.metres(c.to))+1, 0.002, name)
		assert.Equal(t, c.from.metres(c.to), c.to.metres(c.from), name)
	}
}

func TestTravelIsWindingAndSlow(t *testing.T) {
	t.Parallel()
	north := Place{Lat: 10 + 10_000.0/111_195, Lon: 10} // 10 km, by road 13.5
	assert.InDelta(t, 40_500, Policy{}.Ready().travel(Place{10, 10}, north), 10, "at 20 km/h")
	assert.InDelta(t, 6_000, Policy{Speed: 100, Winding: 100}.Ready().travel(Place{10, 10}, north), 10)
}

func TestPlacesOffTheEarthAreNone(t *testing.T) {
	t.Parallel()
	for _, p := range []Place{{}, {91, 0}, {-91, 0}, {0, 181}, {0, -181}, {math.NaN(), 1}, {1, math.NaN()}, {math.Inf(1), 1}, {1, math.Inf(-1)}} {
		require.ErrorIs(t, p.Fault(), ErrPlace, "%v", p)
	}
	for _, p := range []Place{square, {90, 180}, {-90, -180}, {0, 1}} {
		require.NoError(t, p.Fault())
	}
}

func FuzzPlace(f *testing.F) {
	f.Add(52.5, 13.4, 0.0, 0.0)
	f.Add(math.NaN(), 1.0, -90.0, 180.0)
	f.Fuzz(func(t *testing.T, lat1, lon1, lat2, lon2 float64) {
		from, to := Place{lat1, lon1}, Place{lat2, lon2}
		s := Snapshot{Jobs: []Job{placed(job(1, id("stf", 1)), from)}, Staff: []Present{at(1, to)}}
		p, err := Policy{}.Plan(s)
		require.NoError(t, err)
		if from.Fault() == nil && to.Fault() == nil {
			require.GreaterOrEqual(t, from.metres(to), int64(0))
			require.LessOrEqual(t, from.metres(to), int64(29_000_000))
			return
		}
		if from.Fault() != nil {
			require.Equal(t, "place", p.Left[0].Code)
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	shuffle := rand.New(rand.NewPCG(1, 1))
	s := Snapshot{At: noon}
	var members []platform.ID
	spot := func() Place {
		return Place{Lat: 52.5 + shuffle.Float64()/10, Lon: 13.3 + shuffle.Float64()/7}
	}
	for i := range 300 {
		s.Staff = append(s.Staff, at(uint64(i), spot()))
		members = append(members, id("stf", uint64(i)))
	}
	for i := range 100 {
		s.Jobs = append(s.Jobs, placed(job(uint64(i), members...), spot()))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Policy{}).Plan(s); err != nil {
			b.Fatal(err)
		}
	}
}
