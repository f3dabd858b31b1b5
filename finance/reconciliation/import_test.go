package reconciliation_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

const header = "id,kind,key,reference,gross,fee,net,currency,at,batch\n"

func imported(v *world, in reconciliation.Import, text string) (reconciliation.Statement, error) {
	if in.Institution == "" {
		in.Institution, in.Day = "sandbox", "2026-03-02"
	}
	return v.s.Import(by(clerk), from(in, text))
}

// empty tells whether no sheet and no draft is left of what was begun.
func empty(t *testing.T, v *world) bool {
	t.Helper()
	for _, kind := range []string{"reconciliation.sheet", "reconciliation.draft", "reconciliation.statement"} {
		page, err := v.db.Scan(context.Background(), platform.Query{Kind: kind})
		require.NoError(t, err)
		if len(page.Items) > 0 {
			return false
		}
	}
	return true
}

func TestAStatementIsWhatItsFileSays(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	text := "\ufeff" + header +
		`"a ""1"", x",charge,att_1,ch_1,100.00,0.60,99.40,CNY,2026-03-02T20:00:00+08:00,po_1` + "\r\n" +
		"b,refund,,,-5,,,CNY,2026-03-02T12:00:01.5Z,\r\n" +
		"c,payout,,,-7,,,JPY,2026-03-02T12:00:02Z,\r\n"

	st, err := imported(v, reconciliation.Import{}, text)

	require.NoError(t, err)
	digest := sha256.Sum256([]byte(text))
	assert.Equal(t, hex.EncodeToString(digest[:]), st.SHA256)
	assert.Equal(t, []reconciliation.Total{
		{Opening: yuan("0.00"), Net: yuan("94.40"), Closing: yuan("94.40"), Lines: 2},
		{Opening: platform.MustMoney("0", "JPY"), Net: platform.MustMoney("-7", "JPY"), Closing: platform.MustMoney("-7", "JPY"), Lines: 1},
	}, st.Totals)
	lines, next, err := v.s.Lines(by(auditor), st.ID, 0)
	require.NoError(t, err)
	assert.Zero(t, next)
	require.Len(t, lines, 3)
	assert.Equal(t, reconciliation.Line{
		ID: `a "1", x`, Kind: payment.LineCharge, Key: "att_1", Reference: "ch_1", Currency: yuan("0.00").Currency(), Gross: 10000, Fee: 60,
		At: noon, Batch: "po_1",
	}, lines[0])
	read, err := v.s.Statement(by(auditor), st.ID)
	require.NoError(t, err)
	assert.Equal(t, st, read)
}

func TestABadRowRefusesTheWholeFileAndSaysWhere(t *testing.T) {
	t.Parallel()
	good := "a,charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n"
	for name, c := range map[string]struct {
		text   string
		code   string
		line   any
		column any
	}{
		"nothing":             {"", "statement.format", nil, nil},
		"unknown column":      {"id,kind,gross,currency,at,colour\n", "statement.format", nil, 6},
		"a column twice":      {"id,kind,gross,currency,at,id\n", "statement.format", nil, 6},
		"a column lacks":      {"id,kind,gross,currency\n", "statement.format", nil, nil},
		"quote in the header": {"id,\"ki\"nd,gross,currency,at\n", "statement.format", 1, 7},
		"no id":               {header + good + ",charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 3, "id"},
		"unknown kind":        {header + good + "b,gift,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 3, "kind"},
		"a number too exact":  {header + "b,charge,,,1.001,,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 2, "gross"},
		"no amount":           {header + "b,charge,,,,,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 2, "gross"},
		"a fee in words":      {header + "b,charge,,,1.00,one,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 2, "fee"},
		"net is another":      {header + "b,charge,,,1.00,0.10,0.91,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 2, "net"},
		"no such currency":    {header + "b,charge,,,1.00,,,CNX,2026-03-02T12:00:00Z,\n", "statement.row", 2, "currency"},
		"a date alone":        {header + "b,charge,,,1.00,,,CNY,2026-03-02,\n", "statement.row", 2, "at"},
		"a field too many":    {header + "b,charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,,\n", "statement.row", 2, 1},
		"an open quote":       {header + good + "\"b,charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 3, 46},
		"not UTF-8":           {header + "b,charge,\xff,,1.00,,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 2, "key"},
		"a bell":              {header + "b,charge,\a,,1.00,,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 2, "key"},
		"a line break inside": {header + "b,charge,\"x\ny\",,1.00,,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 2, "key"},
		"a field too long":    {header + "b,charge,,," + strings.Repeat("9", 300) + ",,,CNY,2026-03-02T12:00:00Z,\n", "statement.row", 2, "gross"},
		"a row without end":   {header + good + "\"" + strings.Repeat("x", 200_000), "statement.row", nil, nil},
		"a header without it": {strings.Repeat("x", 200_000), "statement.format", nil, nil},
	} {
		v := newWorld(t, sandbox.Faults{}, 0, nil)
		_, err := imported(v, reconciliation.Import{}, c.text)
		require.Error(t, err, name)
		assert.Equal(t, c.code, platform.Code(err), name)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		if c.line != nil {
			assert.Equal(t, c.line, platform.Details(err)["line"], name)
		}
		if c.column != nil {
			assert.Equal(t, c.column, platform.Details(err)["column"], name)
		}
		assert.True(t, empty(t, v), name)
	}
}

func TestAFileComesInOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	text := header + "a,charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n"
	in := reconciliation.Import{Institution: "sandbox", Day: "2026-03-02"}
	first, err := imported(v, in, text)
	require.NoError(t, err)

	for name, again := range map[string]struct {
		in   reconciliation.Import
		text string
	}{
		"the same":                {in, text},
		"under another day":       {reconciliation.Import{Institution: "sandbox", Day: "2026-03-03"}, text},
		"of another institution":  {reconciliation.Import{Institution: "other", Day: "2026-03-02"}, text},
		"another one of that day": {in, header + "b,charge,,,2.00,,,CNY,2026-03-02T12:00:00Z,\n"},
	} {
		_, err := imported(v, again.in, again.text)
		require.ErrorIs(t, err, platform.ErrConflict, name)
		assert.Equal(t, "statement.duplicate", platform.Code(err), name)
	}
	page, err := v.s.Statements(by(auditor), "sandbox", "")
	require.NoError(t, err)
	assert.Equal(t, []reconciliation.Statement{first}, page.Items)

	for _, day := range []string{"2026-03-03", "2026-03-04"} { // days without a line are all the same
		_, err := imported(v, reconciliation.Import{Institution: "sandbox", Day: day}, header)
		require.NoError(t, err)
	}
}

func TestOfManyImportsOfOneFileOneComesIn(t *testing.T) {
	t.Parallel()
	db := memory.New(kinds(), nil)
	t.Cleanup(func() { _ = db.Close() })
	v := worldOn(t, db, sandbox.Faults{}, 0, nil)
	s := reconciliation.New(platform.Writer{Store: db, Now: func() time.Time { return noon }}, v.store, reconciliation.Ports{Books: v.books}, nil)
	text := header + strings.Repeat("a,charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n", 1500)
	told := make([]error, 16)
	var crowd sync.WaitGroup
	for i := range told {
		crowd.Go(func() {
			_, told[i] = s.Import(by(clerk), reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", File: strings.NewReader(text)})
		})
	}
	crowd.Wait()

	in := 0
	for _, err := range told {
		if err == nil {
			in++
			continue
		}
		assert.Equal(t, "statement.duplicate", platform.Code(err))
	}
	assert.Equal(t, 1, in)
	page, err := db.Scan(context.Background(), platform.Query{Kind: "reconciliation.sheet"})
	require.NoError(t, err)
	assert.Len(t, page.Items, 2, "what was refused left no sheet")
}

func TestARepeatedImportHasTheSameAnswer(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	text := header + "a,charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n"
	in := reconciliation.Import{Institution: "sandbox", Day: "2026-03-02"}
	ctx := platform.WithKey(by(clerk), "morning")
	first, err := v.s.Import(ctx, from(in, text))
	require.NoError(t, err)

	again, err := v.s.Import(ctx, from(in, text))
	require.NoError(t, err)
	assert.Equal(t, first, again)
	_, err = v.s.Import(ctx, from(in, header))
	assert.Equal(t, "key.reused", platform.Code(err))
	page, err := v.db.Scan(context.Background(), platform.Query{Kind: "reconciliation.sheet"})
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
}

func TestControlTotalsAreCompared(t *testing.T) {
	t.Parallel()
	text := header + "a,charge,,,1.00,0.10,,CNY,2026-03-02T12:00:00Z,\nb,refund,,,-0.40,,,CNY,2026-03-02T12:00:00Z,\n"
	two, three := 2, 3
	m := func(amounts ...string) (all []platform.Money) {
		for _, a := range amounts {
			all = append(all, yuan(a))
		}
		return all
	}
	digest := sha256.Sum256([]byte(text))
	for name, c := range map[string]struct {
		in reconciliation.Import
		ok bool
	}{
		"nothing told":      {reconciliation.Import{}, true},
		"all of it":         {reconciliation.Import{Lines: &two, Net: m("0.50"), Opening: m("9.00"), Closing: m("9.50"), SHA256: hex.EncodeToString(digest[:])}, true},
		"closing alone":     {reconciliation.Import{Closing: m("9.50")}, true},
		"lines":             {reconciliation.Import{Lines: &three}, false},
		"net":               {reconciliation.Import{Net: m("0.60")}, false},
		"closing":           {reconciliation.Import{Opening: m("9.00"), Closing: m("9.60")}, false},
		"another currency":  {reconciliation.Import{Net: []platform.Money{platform.MustMoney("1", "JPY")}}, false},
		"the file's digest": {reconciliation.Import{SHA256: strings.Repeat("0", 64)}, false},
	} {
		v := newWorld(t, sandbox.Faults{}, 0, nil)
		c.in.Institution, c.in.Day = "sandbox", "2026-03-02"
		st, err := imported(v, c.in, text)
		if !c.ok {
			assert.Equal(t, "statement.totals", platform.Code(err), name)
			assert.True(t, empty(t, v), name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, yuan("0.50"), st.Totals[0].Net)
		if st.Totals[0].Told {
			assert.Equal(t, yuan("9.00"), st.Totals[0].Opening, name)
			assert.Equal(t, yuan("9.50"), st.Totals[0].Closing, name)
		}
	}
}

func TestADayOpensWithWhatTheDayBeforeClosedWith(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.file("2026-03-01", "a,charge,,,5.00,,CNY,"+at+",")
	st := v.file("2026-03-03")

	assert.Equal(t, []reconciliation.Total{{Opening: yuan("5.00"), Net: yuan("0.00"), Closing: yuan("5.00")}}, st.Totals)
}

// broken ends in the middle.
type broken struct{ from io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestAFileThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	text := header + strings.Repeat("a,charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n", 2500)

	_, err := v.s.Import(by(clerk), reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", File: broken{strings.NewReader(text)}})

	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.True(t, empty(t, v))
}

// failing loses its connection after so many commits.
type failing struct {
	platform.DB
	after *int
}

func (f failing) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if *f.after--; *f.after < 0 {
		return platform.Receipt{}, platform.ErrUnavailable
	}
	return f.DB.Commit(ctx, set)
}

// TestWhatACrashLeftIsRemoved: whenever the process dies, the file is in as a
// whole or not at all, and an hour later nothing else is left.
func TestWhatACrashLeftIsRemoved(t *testing.T) {
	t.Parallel()
	text := header + strings.Repeat("a,charge,,,1.00,,,CNY,2026-03-02T12:00:00Z,\n", 2500)
	for crash := range 6 {
		v := newWorld(t, sandbox.Faults{}, 0, nil)
		left := crash
		w := v.w
		w.Store = failing{v.db, &left}
		s := reconciliation.New(w, v.store, reconciliation.Ports{Books: v.books}, nil)
		_, err := s.Import(by(clerk), reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", File: strings.NewReader(text)})
		require.ErrorIs(t, err, platform.ErrUnavailable)

		_, err = v.s.Tick(context.Background(), noon.Add(time.Hour-1), 0)
		require.NoError(t, err)
		_, err = v.s.Tick(context.Background(), noon.Add(time.Hour), 0)
		require.NoError(t, err)

		page, err := v.s.Statements(by(auditor), "sandbox", "")
		require.NoError(t, err)
		if crash < 5 {
			assert.Empty(t, page.Items)
			assert.True(t, empty(t, v), crash)
			v.file("2026-03-02", "a,charge,,,1.00,,CNY,"+at+",")
			continue
		}
		require.Len(t, page.Items, 1)
		_, next, err := v.s.Lines(by(auditor), page.Items[0].ID, 1)
		require.NoError(t, err)
		assert.Equal(t, 2, next)
	}
}

func TestAStatementIsFetchedFromItsInstitution(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	for n := range 700 { // more than a page
		v.charge(n+1, yuan("1.00"))
	}
	ask := func(in reconciliation.Fetch) (reconciliation.Statement, error) { return v.s.Fetch(by(clerk), in) }
	_, err := ask(reconciliation.Fetch{Institution: "sandbox", Day: "2026-03-02"})
	assert.Equal(t, "statement.not_ready", platform.Code(err))
	assert.True(t, empty(t, v))
	_, err = ask(reconciliation.Fetch{Institution: "other", Day: "2026-03-02"})
	assert.Equal(t, "statement.source", platform.Code(err))
	for _, wrong := range []reconciliation.Fetch{{Institution: "sandbox", Day: "yesterday"}, {Institution: "Sand box", Day: "2026-03-02"}, {Day: "2026-03-02"}} {
		_, err = ask(wrong)
		require.ErrorIs(t, err, platform.ErrInvalid)
	}
	v.now = morning

	st, err := ask(reconciliation.Fetch{Institution: "sandbox", Day: "2026-03-02"})
	require.NoError(t, err)
	assert.Equal(t, 700, st.Lines)
	assert.Equal(t, yuan("700.00"), st.Totals[0].Closing)
	_, err = ask(reconciliation.Fetch{Institution: "sandbox", Day: "2026-03-02"})
	assert.Equal(t, "statement.duplicate", platform.Code(err))
}

func TestOnlyOperatorsImportAndAuditorsLook(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	st := v.file("2026-03-02")
	for _, who := range []platform.Actor{auditor, shop} {
		_, err := v.s.Import(by(who), reconciliation.Import{Institution: "sandbox", Day: "2026-03-03", File: strings.NewReader(header)})
		assert.Equal(t, "recon.actor_not_allowed", platform.Code(err))
		_, err = v.s.Reconcile(by(who), reconciliation.Reconcile{Statement: st.ID})
		assert.Equal(t, "recon.actor_not_allowed", platform.Code(err))
	}
	_, err := v.s.Statement(by(shop), st.ID)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.Statements(by(shop), "sandbox", "")
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.Runs(by(shop), "sandbox", "")
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.Inbox(by(shop), reconciliation.CaseOpen, "")
	require.ErrorIs(t, err, platform.ErrDenied)
	abroad := clerk
	abroad.Tenant = "elsewhere"
	_, err = v.s.Statement(by(abroad), st.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(header + "a,charge,,,1.00,0.10,0.90,CNY,2026-03-02T12:00:00Z,\n"))
	f.Add([]byte("\ufeff" + header))
	f.Add([]byte("id,kind,gross,currency,at\n\"a\"\"b\",fee,-1,JPY,2026-03-02T12:00:00+08:00\r\n"))
	f.Add([]byte("id,kind\n\""))
	f.Fuzz(func(t *testing.T, text []byte) {
		v := newWorld(t, sandbox.Faults{}, 0, nil)
		st, err := imported(v, reconciliation.Import{}, string(text))
		if err != nil {
			require.ErrorIs(t, err, platform.ErrInvalid)
			require.True(t, empty(t, v))
			return
		}
		lines := 0
		for no, more := 0, st.Sheets > 0; more; {
			page, next, err := v.s.Lines(by(auditor), st.ID, no)
			require.NoError(t, err)
			lines += len(page)
			no, more = next, next > 0
		}
		require.Equal(t, st.Lines, lines)
		sum := int64(0)
		for _, total := range st.Totals {
			sum += int64(total.Lines)
		}
		require.Equal(t, int64(lines), sum)
	})
}

// long is a file of n lines, made as it is read.
func long(n int) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.WriteString(in, header)
		for i := 0; i < n && err == nil; i++ {
			_, err = fmt.Fprintf(in, "txn_%09d,charge,%s,ch_%09d,%d.00,0.60,,CNY,2026-03-02T12:00:00Z,po_1\n", i, attempt(i).ID, i, 100+i%900)
		}
		_ = in.CloseWithError(err)
	}()
	return out
}
