package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMomentsAreReadAsEachFileWritesThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2017-10-02 10:56:33": time.Date(2017, 10, 2, 10, 56, 33, 0, time.UTC),
		"2018-02-01":          time.Date(2018, 2, 1, 0, 0, 0, 0, time.UTC),
		"10/2/2017 10:56":     time.Date(2017, 10, 2, 10, 56, 0, 0, time.UTC), // month first
		"4/13/2017 0:15":      time.Date(2017, 4, 13, 0, 15, 0, 0, time.UTC),
		"01-02-2018":          time.Date(2018, 2, 1, 0, 0, 0, 0, time.UTC), // day first
		"26-02-2018 19:58":    time.Date(2018, 2, 26, 19, 58, 0, 0, time.UTC),
	} {
		at, err := parseTime(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, at, text)
	}
	for _, text := range []string{"", "soon", "13/13/2017 0:00", "2017-02-30", "31-02-2018", "1/1/1969 0:00", "2017-10-02 25:00:00"} {
		_, err := parseTime(text)
		assert.Error(t, err, text)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"2017-10-02 10:56:33", "10/2/2017 10:56", "26-02-2018 19:58", "9999-12-31T23:59:59-23:59"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseTime(text)
		if err == nil && (at.Year() < 1970 || at.Location() != time.UTC) {
			t.Fatalf("%q is %v", text, at)
		}
	})
}

// files are a dataset by the names of its tables.
type files map[string]string

// written puts the files where read finds them: each second one compressed, all
// with a byte-order mark and CRLF.
func (f files) written(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	compressed := false
	for _, name := range []string{
		"orders", "order_items", "order_payments", "order_reviews", "sellers", "products", "customers",
		"marketing_qualified_leads", "closed_deals",
	} {
		text, there := f[name]
		if !there {
			continue
		}
		raw := []byte("\ufeff" + strings.ReplaceAll(text, "\n", "\r\n"))
		path := filepath.Join(dir, "olist_"+name+"_dataset.csv")
		if compressed = !compressed; compressed {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, err := z.Write(raw)
			require.NoError(t, err)
			require.NoError(t, z.Close())
			raw, path = b.Bytes(), path+".gz"
		}
		require.NoError(t, os.WriteFile(path, raw, 0o600))
	}
	return dir
}

func TestFilesThatMustBeThere(t *testing.T) {
	t.Parallel()
	least := files{
		"orders":         "order_id,customer_id,order_status,order_purchase_timestamp\no1,c1,created,2017-01-01 00:00:00\n",
		"order_items":    "order_id,order_item_id,product_id,seller_id,price,freight_value\n",
		"order_payments": "order_id,payment_sequential,payment_value\n",
	}
	d, err := read(least.written(t), 0)
	require.NoError(t, err)
	assert.Len(t, d.sales, 1)
	assert.Len(t, d.found, 6)
	for _, f := range d.found {
		assert.Equal(t, "file.missing", f.Code)
	}

	delete(least, "order_items")
	_, err = read(least.written(t), 0)
	require.ErrorIs(t, err, os.ErrNotExist)

	least["order_items"] = "order_id,product_id\n"
	_, err = read(least.written(t), 0)
	require.ErrorContains(t, err, "no column order_item_id")
}

func TestACompressedFileThatIsCutOffIsNoShortFile(t *testing.T) {
	t.Parallel()
	dir := planted().written(t)
	path := filepath.Join(dir, "olist_orders_dataset.csv.gz")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw[:len(raw)/2], 0o600))

	_, err = read(dir, 0)

	require.Error(t, err)
}

func TestASpreadsheetsEmptyColumnsAreNoDirt(t *testing.T) {
	t.Parallel()
	d, err := read(files{
		"orders":         "order_id,customer_id,order_status,order_purchase_timestamp,,\no1,c1,created,2017-01-01 00:00:00,,\no2,c2\n",
		"order_items":    "order_id,order_item_id,product_id,seller_id,price,freight_value\n",
		"order_payments": "order_id,payment_sequential,payment_value\n",
	}.written(t), 0)
	require.NoError(t, err)
	assert.Len(t, d.sales, 1)
	assert.Equal(t, Finding{Code: "row.malformed", About: "olist_orders_dataset.csv:3", Detail: "2 of 6 cells"}, d.found[0])
}

// A quote that nothing closes takes the rows up to the next one with it; the
// finding says how far.
func TestAnOpenQuoteIsFoundWithAllThatItTook(t *testing.T) {
	t.Parallel()
	d, err := read(files{
		"orders":         "order_id,customer_id,order_status,order_purchase_timestamp\n\"o1,c1,created,\no2,c2,created,\n\"o3\",c3,created,\no4,c4,created,\n",
		"order_items":    "order_id,order_item_id,product_id,seller_id,price,freight_value\n",
		"order_payments": "order_id,payment_sequential,payment_value\n",
	}.written(t), 0)
	require.NoError(t, err)
	assert.Len(t, d.sales, 1)
	assert.Equal(t, Finding{Code: "row.malformed", About: "olist_orders_dataset.csv:2", Detail: "quotes, up to line 4"}, d.found[0])
}

func TestAReportThatCannotBeWrittenEndsTheRunBeforeItBegins(t *testing.T) {
	t.Parallel()
	began := false
	o := options{seed: 1, wall: func() time.Time { began = true; return time.Now() }}
	err := play(planted().written(t), 0, o, io.Discard, filepath.Join(t.TempDir(), "none", "report.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.False(t, began)
}
