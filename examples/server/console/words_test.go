package console

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
)

func TestEveryWordHasBothLanguages(t *testing.T) {
	t.Parallel()
	for key, w := range words {
		assert.NotEmpty(t, w.en, key)
		assert.NotEmpty(t, w.zh, key)
	}
}

func TestEveryWordThatATemplateNamesIsThere(t *testing.T) {
	t.Parallel()
	names, err := files.ReadDir("templates")
	require.NoError(t, err)
	named := regexp.MustCompile(`\bt "([^"]+)"`)
	for _, name := range names {
		text, err := files.ReadFile("templates/" + name.Name())
		require.NoError(t, err)
		for _, m := range named.FindAllSubmatch(text, -1) {
			labelled(t, string(m[1]), name.Name())
		}
	}
}

func TestEveryButtonSaysWhatItDoesAndWhatItDid(t *testing.T) {
	t.Parallel()
	for _, moves := range []map[string]move{orderMoves, applicationMoves, alertMoves, storeMoves, grantMoves, breakMoves, campaignMoves, auditMoves, payoutMoves, accountMoves, statementMoves, receivableMoves, debtorMoves, budgetMoves, draftMoves, claimMoves, reconMoves, invoiceMoves, planMoves, paymentMoves, closeMoves, feeMoves, policyMoves, controlMoves, findingMoves, engagementMoves, verificationMoves, disputeMoves, advanceMoves, approvalMoves, commitmentMoves, virementMoves, draftFeeMoves} {
		for verb := range moves {
			labelled(t, "move."+verb)
			labelled(t, "done."+verb)
		}
	}
	for _, reasons := range [][]string{cancelReasons, refundReasons, clearReasons, graceReasons, reviewReasons, refusals, rules, endings, surrenders, occasion, grantReasons, revokeReasons, breakRefusals, verdicts, answers, payoutEndings, payoutChecks, proofs, doubts, questions, replies, disputeEnds, lossReasons, writeOffRefuse, planRefusals, planEndings, claimReturns, claimRefusals, bankAnswers, bankFailures, reclaims, sentBack, redReasons, planReasons, reopenReasons, waiveReasons, discards, fixRefusals, fixCauses, fixActions, guilt, splitReasons, flaws, rulingReasons, advanceReasons, advanceRefusals, matrixReasons, carryReasons, virementReasons, foundReasons, noticeReasons, bankWords, bindReasons, overLimits} {
		for _, code := range reasons {
			labelled(t, "reason."+code)
		}
	}
	for _, code := range uses {
		labelled(t, "use."+code)
	}
}

// labelled fails for a key without words, and does not print all the others.
func labelled(t *testing.T, key string, why ...any) {
	t.Helper()
	_, known := words[key]
	assert.True(t, known, fmt.Sprint(key, " ", why))
}

func TestEveryCodeOfTheLawsChartHasAName(t *testing.T) {
	t.Parallel()
	for role, code := range finance.PRC() {
		labelled(t, "law."+code, role)
	}
}

// Whatever is booked on a party's account is named on its statement, in the journal
// and among the flows of cash: the recipes are read from the books' own source.
func TestEveryRecipeOfTheBooksHasAName(t *testing.T) {
	t.Parallel()
	kinds := keysOf(t, "../../../finance/recipes.go", "recipes")
	require.Contains(t, kinds, "payout.sent")
	require.Contains(t, kinds, "posting.reversed")
	for _, what := range kinds {
		labelled(t, "booked."+what)
	}
	for key := range words {
		if what, booked := strings.CutPrefix(key, "booked."); booked && what != "other" {
			assert.Contains(t, kinds, what, "the books know no such thing")
		}
	}
}

func TestEveryAccountOfTheChartHasAName(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../finance/chart.go")
	require.NoError(t, err)
	roles := regexp.MustCompile(`\{Role: "([a-z_]+)"`).FindAllSubmatch(source, -1)
	require.Greater(t, len(roles), 40)
	for _, role := range roles {
		assert.Contains(t, words, "role."+string(role[1]))
	}
}

// keysOf are the keys of a map that a file declares.
func keysOf(t *testing.T, source, name string) (keys []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != name || len(spec.Values) != 1 {
			return true
		}
		for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
			text, err := strconv.Unquote(e.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value)
			require.NoError(t, err)
			keys = append(keys, text)
		}
		return false
	})
	return keys
}

// The states are read from the domains' own sources, so that a new one without
// a word fails here.
func TestEveryStateHasALabel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ folder, of, group string }{
		{"order", "State", "order"},
		{"order", "RefundState", "refund"},
		{"order", "PaymentStatus", "payment"},
		{"order", "Fault", "fault"},
		{"order", "PolicyState", "policy_state"},
		{"order", "Way", "policy_way"},
		{"order", "NoShowOutcome", "no_show"},
		{"order/dispatch", "State", "assignment"},
		{"order/dispute", "State", "dispute"},
		{"order/dispute", "LegKind", "disputeleg"},
		{"finance/payment", "IntentState", "intent"},
		{"finance/payment", "AttemptState", "attempt"},
		{"finance/payment", "ReturnState", "return"},
		{"finance/payment", "Purpose", "purpose"},
		{"finance/payment", "ChargebackState", "chargeback"},
		{"finance/payment", "InboxState", "notice"},
		{"finance/payment", "Circuit", "circuit"},
		{"finance/payment", "SharingState", "split"},
		{"finance/payment", "RecipientState", "recipient"},
		{"finance/payment", "FundsMode", "funds"},
		{"finance", "Class", "class"},
		{"finance", "PeriodState", "period"},
		{"finance/settlement", "PayoutState", "payout"},
		{"finance/settlement", "AccountState", "account"},
		{"finance/settlement", "StatementState", "statement"},
		{"finance/settlement", "Cycle", "cycle"},
		{"finance/receivable", "State", "receivable"},
		{"finance/receivable", "Cause", "cause"},
		{"finance/budget", "State", "budget"},
		{"finance/claim", "State", "claim"},
		{"finance/claim", "AdvanceState", "advance"},
		{"finance/reconciliation", "CaseState", "difference"},
		{"finance/reconciliation", "Class", "recon_class"},
		{"finance/invoice", "State", "invoice"},
		{"finance/invoice", "LetterState", "letter"},
		{"finance/invoice", "Kind", "invoice_kind"},
		{"finance/refund", "Way", "way"},
		{"finance/refund", "Stage", "stage"},
		{"finance/fee", "State", "fee_state"},
		{"finance/fee", "Payer", "fee_payer"},
		{"finance/fee", "Per", "fee_per"},
		{"finance/fee", "Back", "fee_back"},
		{"finance/fee", "Tiering", "fee_by"},
		{"finance/supervision", "State", "finding"},
		{"finance/supervision", "Severity", "severity"},
		{"finance/supervision", "Every", "every"},
		{"finance/supervision", "Phase", "engagement"},
		{"finance/supervision", "Opinion", "opinion"},
		{"finance/supervision", "Method", "method"},
		{"finance/supervision", "AdjustmentState", "adjustment"},
		{"risk", "State", "alert"},
		{"risk", "Level", "level"},
		{".", "ActorKind", "actor"},
		{"security/access", "State", "access"},
		{".", "Class", "data_class"},
	} {
		values := constants(t, filepath.Join("../../..", c.folder), c.of)
		require.NotEmpty(t, values, "%s.%s", c.folder, c.of)
		for _, v := range values {
			labelled(t, c.group+"."+v)
		}
	}
}

func TestEveryUseOfDataHasALabel(t *testing.T) {
	t.Parallel()
	all, err := market.Catalogue(market.Stored())
	require.NoError(t, err)
	for _, f := range all {
		if f.Purpose != "" {
			labelled(t, "use."+f.Purpose)
			labelled(t, "basis."+f.Basis)
		}
	}
}

func TestTheFilterHasEveryState(t *testing.T) {
	t.Parallel()
	var shown []string
	for _, s := range states {
		shown = append(shown, string(s))
	}
	assert.ElementsMatch(t, constants(t, "../../../order", "State"), shown)
}

// constants are the values of a type's constants in a package.
func constants(t *testing.T, folder, of string) (values []string) {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != of || len(spec.Values) != 1 {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				values = append(values, text)
			}
			return true
		})
	}
	return values
}

func TestAmountsAreSetApartByThousands(t *testing.T) {
	t.Parallel()
	for want, amount := range map[string]platform.Money{
		"":                  {},
		"0.00 CNY":          platform.MustMoney("0", "CNY"),
		"999.99 CNY":        platform.MustMoney("999.99", "CNY"),
		"1,000.00 CNY":      platform.MustMoney("1000", "CNY"),
		"-1,234,567.89 CNY": platform.MustMoney("-1234567.89", "CNY"),
		"-123.00 CNY":       platform.MustMoney("-123", "CNY"),
		"1,234,567 JPY":     platform.MustMoney("1234567", "JPY"),
	} {
		assert.Equal(t, want, money(amount))
	}
}

func TestIDsAreShortAndNamesAreNot(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "cus_…dbsqqg", short(platform.ID("cus_01kdvdna00eajs4d2pf2dbsqqg")))
	assert.Equal(t, "system:payment", short(platform.SystemActor("payment").ID))
	assert.Equal(t, "<script>", short("<script>"))
}
