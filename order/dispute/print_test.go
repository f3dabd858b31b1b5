package dispute_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/order/dispute"
)

func TestThePackageCommentPrintsTheTable(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var lines []string
	for _, row := range dispute.Moves {
		from, to := strings.Trim(fmt.Sprint(row.From), "[]"), "→ "+string(row.To)
		if from == "" {
			from = "new"
		}
		if row.To == "" {
			to = "stays"
		}
		lines = append(lines, fmt.Sprintf("//\t%-8s %s %s; %s", row.Verb, from, to, strings.Trim(fmt.Sprint(row.By), "[]")))
	}
	assert.Contains(t, string(doc), strings.Join(lines, "\n"))
}
