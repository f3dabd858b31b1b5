package supervision_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/supervision"
)

const nonce = "the-auditors-own-choice"

func plan(t *testing.T, v *world, from string) (supervision.Engagement, error) {
	t.Helper()
	return v.PlanAudit(v.as(t, supervisor), supervision.PlanAudit{
		Firm: "Tallyman & Partners", Licence: "A-17", Partner: "partner-1", From: from + "-01", Until: from + "-12", Scope: []string{"financial_statements"},
		Deadline: v.clock.Add(120 * day),
	})
}

// engaged is a world with an audit of 2026 on which the auditor works.
func engaged(t *testing.T) (*world, supervision.Engagement) {
	t.Helper()
	v := newWorld(t)
	v.closed["2026-01"] = "root-of-january"
	e, err := plan(t, v, "2026")
	require.NoError(t, err)
	_, err = v.Engage(v.as(t, supervisor), supervision.Engage{Engagement: e.ID, Fee: cny("80000"), Independence: proof})
	require.NoError(t, err)
	_, err = v.Admit(v.as(t, supervisor), supervision.Admit{Engagement: e.ID, Account: auditor.ID, Until: v.clock.Add(30 * day)})
	require.NoError(t, err)
	e, err = v.Advance(v.as(t, supervisor), supervision.Advance{Engagement: e.ID, Step: "begin"})
	require.NoError(t, err)
	return v, e
}

func TestAnEngagementEndsWithAnOpinion(t *testing.T) {
	t.Parallel()
	v, e := engaged(t)
	opine := supervision.Opine{Engagement: e.ID, Opinion: supervision.Qualified, Report: proof}
	_, err := v.Opine(v.as(t, auditor), opine)
	require.ErrorIs(t, err, supervision.ErrEngagement, "not before there is a draft")
	_, err = v.Advance(v.as(t, supervisor), supervision.Advance{Engagement: e.ID, Step: "draft"})
	require.NoError(t, err)
	e, err = v.Opine(v.as(t, auditor), opine)
	require.NoError(t, err)
	assert.Equal(t, supervision.Qualified, e.Opinion)
	opine.Opinion = supervision.Unqualified
	_, err = v.Opine(v.as(t, auditor), opine)
	require.ErrorIs(t, err, supervision.ErrEngagement, "it never changes")
	e, err = v.Advance(v.as(t, supervisor), supervision.Advance{Engagement: e.ID, Step: "close"})
	require.NoError(t, err)
	assert.Empty(t, e.Admitted, "every admission ends with it")
	assert.Equal(t, 1, v.events(t)["audit.opinion"])
}

func TestAnEngagementNeedsIndependenceAndAFee(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	e, err := plan(t, v, "2026")
	require.NoError(t, err)
	_, err = v.Engage(v.as(t, supervisor), supervision.Engage{Engagement: e.ID, Fee: cny("-1"), Independence: proof})
	require.ErrorIs(t, err, supervision.ErrIndependence)
	_, err = v.Engage(v.as(t, supervisor), supervision.Engage{Engagement: e.ID, Fee: cny("1")})
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = v.Admit(v.as(t, supervisor), supervision.Admit{Engagement: e.ID, Account: auditor.ID, Until: v.clock.Add(day)})
	require.ErrorIs(t, err, supervision.ErrEngagement, "nobody reads for a firm that is not engaged")
}

func TestAPartnerRotatesAfterFiveYears(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	for year := 2021; year < 2026; year++ {
		e, err := plan(t, v, strconv.Itoa(year))
		require.NoError(t, err)
		assert.Equal(t, year-2020, e.Year)
		_, err = v.Engage(v.as(t, supervisor), supervision.Engage{Engagement: e.ID, Fee: cny("1"), Independence: proof})
		require.NoError(t, err)
	}
	_, err := plan(t, v, "2026")
	require.ErrorIs(t, err, supervision.ErrRotation)
}

func TestAnOpinionThatIsOverdueIsToldOnce(t *testing.T) {
	t.Parallel()
	v, e := engaged(t)
	v.until(t, e.Due.Add(-time.Second))
	assert.Zero(t, v.events(t)["audit.overdue"])
	v.until(t, e.Due)
	v.pass(t, day)
	assert.Equal(t, 1, v.events(t)["audit.overdue"])
}

func TestAuditorsReadMaskedForATimeAndOnRecord(t *testing.T) {
	t.Parallel()
	v, e := engaged(t)
	read := supervision.ReadRecord{Engagement: e.ID, Record: ref(1), Reason: "sample"}
	seen, err := v.ReadRecord(v.as(t, auditor), read)
	require.NoError(t, err)
	assert.Contains(t, string(seen.Masked), "•••")
	assert.Equal(t, 1, v.events(t)["audit.read"])
	_, err = v.ReadRecord(v.as(t, auditor), read)
	require.NoError(t, err)
	assert.Equal(t, 2, v.events(t)["audit.read"], "each read is an event")

	stranger := platform.Actor{ID: platform.NewID("aud", monday, 1, 99), Kind: platform.Auditor}
	_, err = v.ReadRecord(v.as(t, stranger), read)
	require.ErrorIs(t, err, supervision.ErrAdmission)
	_, err = v.ReadRecord(v.as(t, owner), read)
	require.ErrorIs(t, err, supervision.ErrSupervisor)
	*v.clock = v.clock.Add(30 * day)
	_, err = v.ReadRecord(v.as(t, auditor), read)
	require.ErrorIs(t, err, supervision.ErrAdmission, "the time is over")
	assert.Equal(t, 2, v.events(t)["audit.read"])

	for _, until := range []time.Time{*v.clock, v.clock.Add(91 * day)} {
		_, err = v.Admit(v.as(t, supervisor), supervision.Admit{Engagement: e.ID, Account: auditor.ID, Until: until})
		require.ErrorIs(t, err, supervision.ErrTimeBox)
	}
}

func TestAuditorsWriteNothing(t *testing.T) {
	t.Parallel()
	v, e := engaged(t)
	f, err := v.Raise(v.as(t, auditor), supervision.Raise{Source: "audit", Object: "cash", Code: "no_count", Severity: supervision.Medium})
	require.NoError(t, err, "but what they find")
	ctx := v.as(t, auditor)
	for name, do := range map[string]func() error{
		"run": func() error { _, err := v.RunControl(ctx, supervision.RunControl{Control: "C1"}); return err },
		"plan": func() error {
			_, err := v.PlanFix(ctx, supervision.PlanFix{Finding: f.ID, Cause: "c", Actions: []string{"a"}, Until: v.clock.Add(day)})
			return err
		},
		"verify": func() error { _, err := v.VerifyFix(ctx, supervision.VerifyFix{Finding: f.ID}); return err },
		"admit": func() error {
			_, err := v.Admit(ctx, supervision.Admit{Engagement: e.ID, Account: auditor.ID, Until: v.clock.Add(day)})
			return err
		},
		"decline": func() error {
			_, err := v.DeclineAdjustment(ctx, supervision.DeclineAdjustment{Adjustment: e.ID.As("adj"), Reason: "x"})
			return err
		},
	} {
		assert.ErrorIs(t, do(), supervision.ErrReadOnly, name)
	}
}

// units are postings of amounts in order, of two strata.
func units(amounts ...int64) (all []supervision.Unit) {
	for n, minor := range amounts {
		amount, _ := platform.FromMinor(minor, cny("1").Currency())
		all = append(all, supervision.Unit{Ref: ref(n), Amount: amount, Stratum: []string{"payout.paid", "order.completed"}[n%2]})
	}
	return all
}

func each(all []supervision.Unit) func() iter.Seq2[supervision.Unit, error] {
	return func() iter.Seq2[supervision.Unit, error] {
		return func(yield func(supervision.Unit, error) bool) {
			for _, u := range all {
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}

func TestSameSeedAndCloseGiveTheSameSample(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		all := units(rapid.SliceOfN(rapid.Int64Range(1, 1_000_000), 1, 80).Draw(r, "amounts")...)
		method := rapid.SampledFrom([]supervision.Method{supervision.Random, supervision.Stratified, supervision.Monetary}).Draw(r, "method")
		d := supervision.Draw{Method: method, N: rapid.IntRange(1, 20).Draw(r, "n"), Currency: cny("1").Currency()}
		seed := supervision.SeedOf(rapid.String().Draw(r, "root"), rapid.String().Draw(r, "nonce"))
		picked, interval, err := supervision.Select(seed, d, each(all))
		require.NoError(r, err)
		again, _, err := supervision.Select(seed, d, each(all))
		require.NoError(r, err)
		require.Equal(r, picked, again)

		names := map[platform.Ref]bool{}
		for _, u := range picked {
			require.False(r, names[u.Ref], "nothing is drawn twice")
			require.Contains(r, all, u)
			names[u.Ref] = true
		}
		switch method {
		case supervision.Random:
			require.Len(r, picked, min(d.N, len(all)))
			shuffled, _, err := supervision.Select(seed, d, each(rapid.Permutation(all).Draw(r, "order")))
			require.NoError(r, err)
			require.Equal(r, picked, shuffled, "in whatever order they come")
		case supervision.Monetary:
			require.LessOrEqual(r, len(picked), d.N)
			for _, u := range all {
				if u.Amount.Minor() >= interval {
					require.True(r, names[u.Ref], "what is as large as the interval is in it")
				}
			}
		}
	})
}

func TestAMonetarySampleTakesUnitsByTheirMoney(t *testing.T) {
	t.Parallel()
	all := units(100, 100, 100, 100, 1600)
	taken := map[platform.Ref]int{}
	for n := range 400 {
		picked, interval, err := supervision.Select(supervision.SeedOf("root", strconv.Itoa(n)), supervision.Draw{Method: supervision.Monetary, N: 5, Currency: cny("1").Currency()}, each(all))
		require.NoError(t, err)
		assert.EqualValues(t, 400, interval)
		for _, u := range picked {
			taken[u.Ref]++
		}
	}
	assert.Equal(t, 400, taken[ref(4)], "it is four intervals large")
	for n := range 4 {
		assert.InDelta(t, 100, taken[ref(n)], 40, "a quarter of an interval")
	}
}

func TestEveryStratumIsInAStratifiedSample(t *testing.T) {
	t.Parallel()
	var all []supervision.Unit
	for n := range 100 {
		u := units(int64(n + 1))[0]
		u.Ref = ref(n)
		if u.Stratum = "common"; n >= 97 {
			u.Stratum = "rare"
		}
		all = append(all, u)
	}
	picked, _, err := supervision.Select(supervision.SeedOf("a", "b"), supervision.Draw{Method: supervision.Stratified, N: 10}, each(all))
	require.NoError(t, err)
	assert.Len(t, picked, 11)
	assert.True(t, slices.ContainsFunc(picked, func(u supervision.Unit) bool { return u.Stratum == "rare" }))
	_, _, err = supervision.Select(supervision.SeedOf("a", "b"), supervision.Draw{Method: supervision.Random, N: 10}, each(nil))
	require.ErrorIs(t, err, supervision.ErrSample)
}

func TestASeedIsPublishedBeforeAnythingIsDrawn(t *testing.T) {
	t.Parallel()
	v, e := engaged(t)
	v.units = units(1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000)
	ctx := v.as(t, auditor)
	_, err := v.PublishSeed(ctx, supervision.PublishSeed{Engagement: e.ID, Month: "2026-02", Nonce: nonce})
	require.ErrorIs(t, err, supervision.ErrNotClosed)
	seed, err := v.PublishSeed(ctx, supervision.PublishSeed{Engagement: e.ID, Month: "2026-01", Nonce: nonce})
	require.NoError(t, err)
	value := supervision.SeedOf("root-of-january", nonce)
	assert.Equal(t, hex.EncodeToString(value[:]), seed.Value)

	in := supervision.DrawSample{Engagement: e.ID, Seed: seed.ID, Method: supervision.Monetary, N: 4, Currency: "CNY"}
	first, err := v.DrawSample(ctx, in)
	require.NoError(t, err)
	assert.Equal(t, "137.50 CNY", first.Interval.String())
	*v.clock = v.clock.AddDate(1, 0, 0) // F32: a year later
	_, err = v.DrawSample(ctx, in)
	require.ErrorIs(t, err, supervision.ErrAdmission)
	again, err := v.DrawSample(v.as(t, supervisor), in)
	require.NoError(t, err)
	assert.Equal(t, first.Units, again.Units)
	assert.Equal(t, first.ID, again.ID)
	assert.Equal(t, 2, v.events(t)["audit.sample_drawn"])

	v.units[3].Amount = cny("99999")
	_, err = v.DrawSample(v.as(t, supervisor), in)
	require.ErrorIs(t, err, supervision.ErrSample, "of another population there is no such sample")
}

func TestAdjustmentsAreBookedByAccountantsAndLinked(t *testing.T) {
	t.Parallel()
	v, e := engaged(t)
	legs := []platform.Leg{{Role: "bad_debt", Amount: cny("5.00")}, {Role: "allowance", Party: "all", Amount: cny("-5.00")}}
	_, err := v.ProposeAdjustment(v.as(t, auditor), supervision.ProposeAdjustment{Engagement: e.ID, Legs: legs[:1], Reason: "x"})
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = v.ProposeAdjustment(v.as(t, auditor), supervision.ProposeAdjustment{Engagement: e.ID, Legs: []platform.Leg{legs[0], legs[0]}, Reason: "x"})
	require.ErrorIs(t, err, finance.ErrUnbalanced)
	a, err := v.ProposeAdjustment(v.as(t, auditor), supervision.ProposeAdjustment{Engagement: e.ID, Legs: legs, Reason: "allowance_low"})
	require.NoError(t, err)

	journal := platform.NewID("jnl", monday, 1, 1)
	link := supervision.LinkAdjustment{Adjustment: a.ID, Journal: journal}
	_, err = v.LinkAdjustment(v.as(t, supervisor), link)
	require.ErrorIs(t, err, supervision.ErrSegregation)
	_, err = v.LinkAdjustment(v.as(t, owner), link)
	require.ErrorIs(t, err, finance.ErrAccountant)
	_, err = v.LinkAdjustment(v.as(t, accountant), link)
	require.ErrorIs(t, err, platform.ErrState, "it is not booked")
	v.booked[journal] = []platform.Leg{legs[0], {Role: "allowance", Party: "other", Amount: cny("-5.00")}}
	_, err = v.LinkAdjustment(v.as(t, accountant), link)
	require.ErrorIs(t, err, supervision.ErrNotBooked)
	v.booked[journal] = []platform.Leg{legs[1], legs[0]}
	a, err = v.LinkAdjustment(v.as(t, accountant), link)
	require.NoError(t, err)
	assert.Equal(t, supervision.AdjustmentPosted, a.State)
	_, err = v.DeclineAdjustment(v.as(t, accountant), supervision.DeclineAdjustment{Adjustment: a.ID, Reason: "x"})
	require.ErrorIs(t, err, supervision.ErrAdjustment)
}

func TestACutoffIsFixedOnlyBehindAClose(t *testing.T) {
	t.Parallel()
	v, e := engaged(t)
	w := platform.Writer{Store: v.db, Now: func() time.Time { return *v.clock }}
	ledger := finance.New(w, finance.StoreOn(v.db), nil)
	_, err := ledger.Tick(v.as(t, system), *v.clock, 0)
	require.NoError(t, err)
	fix := supervision.FixCutoff{Engagement: e.ID, Month: "2026-01"}
	_, err = v.FixCutoff(v.as(t, auditor), fix)
	require.ErrorIs(t, err, supervision.ErrNotClosed)

	before := hardClose(t, v, "2026-01")
	e, err = v.FixCutoff(v.as(t, auditor), fix)
	require.NoError(t, err)
	assert.Equal(t, "2026-01", e.Cutoff)
	month, err := supervision.Cutoffs{DB: v.db}.Cutoff(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "2026-01", month)
	now, err := v.books.Periods(v.as(t, system))
	require.NoError(t, err)
	assert.Greater(t, now.Version, before.Version, "whoever has read the fence before decides again")
	assert.Equal(t, "2026-01", now.Hard)
}

// hardClose closes a month for good.
func hardClose(t *testing.T, v *world, month string) (p finance.Periods) {
	t.Helper()
	type step struct{}
	_, err := platform.Update(v.as(t, system), platform.Writer{Store: v.db}, step{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		p, err := v.books.Periods(ctx)
		if err == nil {
			p, err = p.SoftClose(month, time.UTC, *v.clock)
		}
		if err == nil {
			p, err = p.HardClose(month, *v.clock)
		}
		return struct{}{}, []platform.Change{platform.Put(p), platform.Happened("period.hard_closed", p.Ref(), nil)}, err
	})
	require.NoError(t, err)
	p, err = v.books.Periods(v.as(t, system))
	require.NoError(t, err)
	return p
}

// Sections implements supervision.Sections: a journal of two postings and what
// they add up to.
func (v *world) Sections(_ context.Context, from, _ string) ([]supervision.Section, error) {
	zero, cnyNow := cny("0"), cny("1").Currency()
	lines := func(all ...any) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			for _, l := range all {
				if !yield(l, nil) {
					return
				}
			}
		}
	}
	leg := func(role, amount string) platform.Leg { return platform.Leg{Role: role, Amount: cny(amount)} }
	return []supervision.Section{
		{Name: "journal", Lines: lines(
			supervision.JournalLine{Month: from, No: 1, Posting: "pst_1", Legs: []platform.Leg{leg("clearing", "100"), leg("escrow", "-100")}},
			supervision.JournalLine{Month: from, No: 2, Posting: "pst_2", Legs: []platform.Leg{leg("escrow", "100"), leg("earning", "-90"), leg("commission", "-10")}},
		)},
		{Name: "trial_balance", Lines: lines(
			supervision.BalanceLine{Month: from, Currency: cnyNow, Role: "clearing", Opening: zero, Debit: cny("100"), Credit: zero, Closing: cny("100")},
			supervision.BalanceLine{Month: from, Currency: cnyNow, Role: "escrow", Opening: zero, Debit: cny("100"), Credit: cny("100"), Closing: zero},
			supervision.BalanceLine{Month: from, Currency: cnyNow, Role: "earning", Opening: zero, Debit: zero, Credit: cny("90"), Closing: cny("-90")},
			supervision.BalanceLine{Month: from, Currency: cnyNow, Role: "commission", Opening: zero, Debit: zero, Credit: cny("10"), Closing: cny("-10")},
		)},
		{Name: "controls", Lines: lines()},
	}, nil
}

// packed is a pack as files.
func packed(t *testing.T) (fstest.MapFS, supervision.Packed) {
	t.Helper()
	v, e := engaged(t)
	var out bytes.Buffer
	p, err := v.MakePack(v.as(t, auditor), supervision.MakePack{Engagement: e.ID}, &out)
	require.NoError(t, err)
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	checked, err := supervision.CheckPack(z)
	require.NoError(t, err, "as it was downloaded")
	assert.Equal(t, p.Manifest, checked.Manifest)
	files := fstest.MapFS{}
	for _, f := range z.File {
		text, err := fs.ReadFile(z, f.Name)
		require.NoError(t, err)
		files[f.Name] = &fstest.MapFile{Data: text}
	}
	assert.Equal(t, 1, v.events(t)["audit.pack_made"])
	return files, p
}

func TestAPackIsCheckedOffline(t *testing.T) {
	t.Parallel()
	files, p := packed(t)
	assert.Len(t, p.Files, 3)
	checked, err := supervision.CheckPack(files)
	require.NoError(t, err)
	assert.Empty(t, checked.Problems)
	assert.EqualValues(t, 2, checked.Postings)
	assert.EqualValues(t, 6, checked.Lines)
}

func TestAnAlteredPackIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func(fstest.MapFS){
		"changed": func(f fstest.MapFS) { f["journal.jsonl"].Data[10] ^= 1 },
		"cut":     func(f fstest.MapFS) { f["journal.jsonl"].Data = f["journal.jsonl"].Data[:50] },
		"missing": func(f fstest.MapFS) { delete(f, "controls.jsonl") },
		"besides": func(f fstest.MapFS) { f["more.jsonl"] = &fstest.MapFile{} },
		"swapped": func(f fstest.MapFS) {
			f["journal.jsonl"], f["trial_balance.jsonl"] = f["trial_balance.jsonl"], f["journal.jsonl"]
		},
		"unlisted":  func(f fstest.MapFS) { delete(f, "manifest.json") },
		"no format": func(f fstest.MapFS) { f["manifest.json"].Data = []byte(`{"format":"other"}`) },
		"elsewhere": func(f fstest.MapFS) {
			f["manifest.json"].Data = bytes.ReplaceAll(f["manifest.json"].Data, []byte("journal.jsonl"), []byte("../journal.js"))
		},
	} {
		files, _ := packed(t)
		alter(files)
		_, err := supervision.CheckPack(files)
		assert.ErrorIs(t, err, supervision.ErrPack, name)
	}
}

// resigned alters a file and makes the manifest fit: who made the pack lies.
func resigned(t *testing.T, file, old, now string) supervision.Checked {
	t.Helper()
	files, _ := packed(t)
	require.Contains(t, string(files[file].Data), old)
	files[file].Data = []byte(strings.Replace(string(files[file].Data), old, now, 1))
	var m supervision.Manifest
	require.NoError(t, json.Unmarshal(files["manifest.json"].Data, &m))
	for n := range m.Files {
		if m.Files[n].Name == file {
			m.Files[n] = supervision.FileOf(file, files[file].Data)
		}
	}
	text, err := json.Marshal(m)
	require.NoError(t, err)
	files["manifest.json"].Data = text
	checked, err := supervision.CheckPack(files)
	require.NoError(t, err)
	return checked
}

func TestAPackThatContradictsItselfIsFoundOut(t *testing.T) {
	t.Parallel()
	assert.NotEmpty(t, resigned(t, "journal.jsonl", `"-90.00"`, `"-91.00"`).Problems, "out of balance")
	assert.NotEmpty(t, resigned(t, "journal.jsonl", `"no":2`, `"no":3`).Problems, "a number is missing")
	assert.NotEmpty(t, resigned(t, "journal.jsonl", `"role":"clearing"`, `"role":"bank"`).Problems, "the trial balance says otherwise")
	assert.NotEmpty(t, resigned(t, "trial_balance.jsonl", `"closing":{"amount":"100.00"`, `"closing":{"amount":"101.00"`).Problems)
	assert.NotEmpty(t, resigned(t, "controls.jsonl", "", "nonsense\n").Problems)
}

func TestAPackThatWasCutOffIsNotOnRecord(t *testing.T) {
	t.Parallel()
	v, e := engaged(t)
	_, err := v.MakePack(v.as(t, auditor), supervision.MakePack{Engagement: e.ID}, broken{})
	require.Error(t, err)
	page, err := v.Packs(v.as(t, supervisor), e.ID, "")
	require.NoError(t, err)
	assert.Empty(t, page.Items)
	_, err = v.MakePack(v.as(t, owner), supervision.MakePack{Engagement: e.ID}, &bytes.Buffer{})
	require.ErrorIs(t, err, supervision.ErrSupervisor)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, platform.ErrUnavailable }
