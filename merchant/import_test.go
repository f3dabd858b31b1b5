package merchant

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The first contacts of a real marketplace's sellers (Olist, CC BY-NC-SA 4.0).
func TestReferencesOfTwoChannelsDoNotClash(t *testing.T) {
	t.Parallel()
	h := opened(&Options{LicenceOptional: true})
	for _, in := range []Apply{
		{Channel: "fair", Reference: "2030/7"}, {Channel: "fair/2030", Reference: "7"}, {Channel: "fair%2F2030", Reference: "7"},
		{Channel: "", Reference: "fair/7"}, {Channel: "fair", Reference: "7"}, {Channel: "fair/", Reference: "7"}, {Channel: "fair", Reference: "/7"},
	} {
		in.Party = Party{Name: "Lead"}
		_, err := h.Apply(as(system), in)
		require.NoError(t, err, in)
		_, err = h.Apply(as(system), in)
		require.ErrorIs(t, err, ErrReference, in)
	}
}

func TestRealLeadsAreImportedOnce(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../shared/data/orders/olist_marketing_qualified_leads_dataset.csv.gz")
	if err != nil {
		t.Skip("the lead data is not here")
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	require.NoError(t, err)
	rows, err := csv.NewReader(unzipped).ReadAll()
	require.NoError(t, err)
	rows = rows[1:501]

	h := opened(&Options{LicenceOptional: true})
	for run := range 2 {
		for _, row := range rows {
			_, err := h.Apply(as(system), Apply{Party: Party{Name: row[0]}, Channel: row[3], Reference: row[0]})
			if run == 0 {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, ErrReference)
		}
	}

	n := 0
	for f := (Filter{State: Applied, Limit: 200}); ; {
		page, err := h.Applications(as(reviewer), f)
		require.NoError(t, err)
		for _, a := range page.Items {
			assert.NotEmpty(t, a.Reference)
		}
		n += len(page.Items)
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	assert.Equal(t, 500, n)
}
