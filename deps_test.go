package platform_test

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/liangding/platform"

// pkg is what `go list` tells of a package.
type pkg struct {
	ImportPath string
	Name       string
	Imports    []string
	Deps       []string
	Standard   bool
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Name,Imports,Deps,Standard"}, args...)...).Output()
	require.NoError(t, err)
	var all []pkg
	for in := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := in.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// ours is the part of an import path below the module, and whether it is ours.
func ours(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func foreign(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	_, mine := ours(path)
	return strings.Contains(first, ".") && !mine
}

// mayImport says, for a room of the house, which other rooms it may import
// besides itself and the root, and which foreign modules. Everything else is
// refused: the rules of DESIGN.md, as data.
var mayImport = map[string]struct{ rooms, modules []string }{
	".":                     {nil, []string{"github.com/shopspring/decimal", "github.com/go-playground/"}},
	"merchant":              {[]string{"risk/scorecard", "security/verification"}, nil},
	"order":                 {nil, nil},
	"order/care":            {nil, nil},
	"order/dispatch":        {nil, nil},
	"order/insight":         {nil, nil},
	"order/dispute":         {nil, nil},
	"staff":                 {[]string{"risk/scorecard", "security/verification"}, nil},
	"finance":               {nil, nil},
	"finance/payment":       {nil, nil},
	"risk":                  {[]string{"risk/scorecard"}, nil},
	"risk/scorecard":        {nil, nil},
	"risk/screen":           {nil, nil},
	"security":              {nil, nil},
	"security/access":       {[]string{"security"}, nil},
	"security/audit":        {nil, []string{"golang.org/x/mod/"}},
	"security/verification": {nil, nil},
	"security/vault":        {[]string{"security"}, []string{"golang.org/x/text/unicode/norm"}},
	"store":                 {nil, nil},
	"store/memory":          {[]string{"store"}, []string{"github.com/tidwall/btree"}},
	"store/sqlite":          {[]string{"store"}, []string{"modernc.org/sqlite"}},
	"store/nats":            {[]string{"store"}, []string{"github.com/nats-io/nats.go"}},
	"store/webhook":         {[]string{"store"}, nil},
	"store/postgres":        {[]string{"store"}, []string{"github.com/jackc/pgx/v5"}},

	// The rooms of finance stand on its books.
	"finance/budget":         {[]string{"finance"}, nil},
	"finance/claim":          {[]string{"finance"}, nil},
	"finance/closing":        {[]string{"finance"}, nil},
	"finance/fee":            {[]string{"finance"}, nil},
	"finance/invoice":        {[]string{"finance"}, nil},
	"finance/receivable":     {[]string{"finance"}, nil},
	"finance/reconciliation": {[]string{"finance", "finance/payment"}, nil},
	"finance/refund":         {nil, nil},
	"finance/settlement":     {[]string{"finance"}, nil},
	"finance/supervision":    {[]string{"finance"}, nil},

	"store/storetest":             {[]string{"store"}, nil},
	"store/storetest/pgserver":    {nil, []string{"github.com/jackc/pgx/v5"}},
	"finance/payment/gatewaytest": {[]string{"finance/payment"}, nil},
	"store/sandbox":               {[]string{"finance/payment"}, nil},
	"store/stripe":                {[]string{"finance/payment"}, []string{"github.com/stripe/stripe-go/"}},
	"store/wechatpay":             {[]string{"finance/payment"}, nil},
}

func TestNoRoomImportsWhatItMustNot(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./...") {
		room, _ := ours(p.ImportPath)
		if strings.HasPrefix(room, "examples/") {
			continue // the only place that knows everybody
		}
		rule, known := mayImport[room]
		if !assert.True(t, known, "%s is in no rule of deps_test.go", room) {
			continue
		}
		for _, path := range p.Imports {
			other, mine := ours(path)
			switch {
			case mine && other != ".":
				assert.True(t, slices.Contains(rule.rooms, other), "%s must not import %s", room, other)
			case foreign(path):
				allowed := append([]string{"github.com/shopspring/decimal"}, rule.modules...)
				ok := slices.ContainsFunc(allowed, func(m string) bool { return strings.HasPrefix(path, m) })
				assert.True(t, ok, "%s must not import %s", room, path)
			}
		}
	}
}

// TestAProgramThatImportsOrderGetsLittle: decimal, validator and what these
// two import.
func TestAProgramThatImportsOrderGetsLittle(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{}
	for _, p := range list(t, "-deps", "github.com/shopspring/decimal", "github.com/go-playground/validator/v10",
		"github.com/go-playground/validator/v10/translations/en", "github.com/go-playground/validator/v10/translations/zh") {
		allowed[p.ImportPath] = true
	}
	for _, p := range list(t, "-deps", module+"/order") {
		if _, mine := ours(p.ImportPath); foreign(p.ImportPath) && !mine {
			known := allowed[p.ImportPath] || strings.HasPrefix(p.ImportPath, "github.com/go-playground/")
			assert.True(t, known, "a program that imports order gets %s", p.ImportPath)
		}
	}
}

func TestTestHelpersStayOutOfPrograms(t *testing.T) {
	t.Parallel()
	helpers := []string{"testify", "pgregory.net/rapid", "porcupine", "nats-server"}
	for _, p := range list(t, "./...") {
		for _, dep := range p.Deps {
			helps := slices.ContainsFunc(helpers, func(h string) bool { return strings.Contains(dep, h) })
			assert.False(t, helps, "%s reaches %s", p.ImportPath, dep)
			assert.False(t, p.Name == "main" && dep == "testing", "%s reaches %s", p.ImportPath, dep)
		}
	}
}

func TestTheRootStaysSmall(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	names, lines := map[string]bool{}, 0
	for _, file := range slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") }) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		lines += strings.Count(string(text), "\n")
		tree, err := parser.ParseFile(token.NewFileSet(), file, text, 0)
		require.NoError(t, err)
		for name := range tree.Scope.Objects {
			if token.IsExported(name) {
				names[name] = true
			}
		}
	}
	assert.LessOrEqual(t, len(names), 117, "exported names: %v", slices.Sorted(maps.Keys(names)))
	assert.LessOrEqual(t, lines, 2690)
}
