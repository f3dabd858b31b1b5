package access_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/store/memory"
)

// The folder of each domain, and who may give its commands; a domain that is
// named here nowhere is for the administrator and the system.
var domains = map[string]struct {
	folder string
	who    []string
}{
	"merchant": {"merchant", []string{"admission", "merchant"}},
	"order":    {"order", []string{"customer", "merchant", "service", "staff"}},
	"care":     {"order/care", []string{"customer", "service"}},
	"dispatch": {"order/dispatch", []string{"merchant", "service", "staff"}},
	"staff":    {"staff", []string{"admission", "staff"}},
	"payment":  {"finance/payment", []string{"finance"}},
	"finance":  {"finance", []string{"accountant", "finance"}},

	"settlement": {"finance/settlement", []string{"finance", "merchant", "staff"}},

	"budget": {"finance/budget", []string{"director", "finance"}},
	"claim":  {"finance/claim", []string{"director", "finance", "manager", "staff"}},
	"risk":   {"risk", []string{"risk"}},

	"supervision": {"finance/supervision", []string{"supervisor"}},
	"screen":      {"risk/screen", nil},
	"vault":       {"", nil},

	"verification": {"security/verification", nil},
}

// Who may give a single command beside those who may give all of its domain.
var besides = map[string][]string{
	"payment.pay":            {"customer", "service"},
	"order.approveRefund":    {"finance"},
	"order.rejectRefund":     {"finance"},
	"order.requestRefund":    {"finance"},
	"order.clearReview":      {"risk"},
	"claim.draft":            {"operator"},
	"claim.amend":            {"operator"},
	"claim.submit":           {"operator"},
	"claim.withdraw":         {"operator"},
	"claim.askAdvance":       {"operator"},
	"claim.away":             {"operator"},
	"supervision.planFix":    {"operator"},
	"supervision.startFix":   {"operator"},
	"supervision.finishFix":  {"operator"},
	"supervision.raise":      {"auditor", "risk"},
	"supervision.readRecord": {"auditor"},
	"supervision.opine":      {"auditor"},
	"merchant.suspend":       {"risk"},
	"merchant.restore":       {"risk"},

	"verification.begin":        {"admission", "customer", "merchant", "staff"},
	"verification.submit":       {"admission", "customer", "merchant", "staff"},
	"verification.withdraw":     {"admission", "customer", "merchant", "staff"},
	"verification.verify":       {"admission"},
	"verification.reject":       {"admission"},
	"verification.revoke":       {"admission", "risk"},
	"verification.reopen":       {"admission"},
	"verification.describe":     {"admission"},
	"verification.sharers":      {"risk"},
	"verification.waive":        {"director", "manager"},
	"verification.decideWaiver": {"director", "manager"},
}

func operator(roles ...string) platform.Actor {
	return platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Operator, Roles: roles}
}

// standard is the standard policy, of kinds that are not known.
func standard(t testing.TB) *access.Policy {
	t.Helper()
	p, err := access.Standard().Compile(access.Known{})
	require.NoError(t, err)
	return p
}

// holder is an actor that has the role and no other.
func holder(role string) platform.Actor {
	for _, kind := range []platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff, platform.System, platform.Auditor} {
		if role == string(kind) {
			return platform.Actor{ID: "x-1", Kind: kind}
		}
	}
	return operator(role)
}

func TestEachRoleGivesItsCommandsAndNoOther(t *testing.T) {
	t.Parallel()
	p := standard(t)
	roles := []string{"accountant", "admin", "admission", "auditor", "customer", "director", "finance", "manager", "merchant", "operator", "privacy", "risk", "service", "staff", "supervisor", "system"}
	for domain, d := range domains {
		commands := []string{domain + ".unheardOf"}
		for command := range besides {
			if strings.HasPrefix(command, domain+".") {
				commands = append(commands, command)
			}
		}
		for _, command := range commands {
			may := slices.Concat([]string{"admin", "system"}, d.who, besides[command])
			slices.Sort(may)
			assert.Equal(t, may, p.WhoCan(command, "", ""), command)
			for _, role := range roles {
				_, err := p.Permit(t.Context(), platform.Act{Actor: holder(role), Action: command})
				if slices.Contains(may, role) || slices.Contains(may, "operator") && holder(role).Kind == platform.Operator {
					require.NoError(t, err, "%s by %s", command, role)
					continue
				}
				require.ErrorIs(t, err, access.ErrDenied, "%s by %s", command, role)
				assert.Equal(t, command, platform.Details(err)["action"])
			}
		}
	}
}

// TestSingleGrantsNameCommandsThatExist: a grant that was misspelt, or whose
// command was renamed, would deny in silence.
func TestSingleGrantsNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	for command := range besides {
		domain, name, _ := strings.Cut(command, ".")
		files, err := filepath.Glob(filepath.Join("../..", domains[domain].folder, "*.go"))
		require.NoError(t, err)
		declared := slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(text), "\ntype "+strings.ToUpper(name[:1])+name[1:]+" struct")
		})
		assert.True(t, declared, command)
	}
}

func TestARoleThatWasTakenAwayHoldsNoLonger(t *testing.T) {
	t.Parallel()
	policy, err := access.Rules{Roles: []access.Role{{Name: "sexton", May: []access.Permission{{Action: "access_test.ring"}}}}}.Compile(access.Known{})
	require.NoError(t, err)
	db, rung := memory.New(nil, nil), 0
	pull := func(by platform.Actor) (string, error) {
		ctx := platform.WithKey(platform.As(t.Context(), by), "one")
		w := platform.Writer{Store: db, Guard: policy, Now: func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }}
		return platform.Update(ctx, w, ring{Bell: "great"}, func(context.Context) (string, []platform.Change, error) {
			rung++
			return "dong", []platform.Change{platform.Happened("bell.rung", platform.Ref{Kind: "bell", ID: "great"}, nil)}, nil
		})
	}

	_, err = pull(operator("sexton"))
	require.NoError(t, err)
	answer, err := pull(operator())
	require.ErrorIs(t, err, access.ErrDenied, "not even the answer of the same key")
	assert.Empty(t, answer)
	answer, err = pull(operator("sexton"))
	require.NoError(t, err)
	assert.Equal(t, "dong", answer)
	assert.Equal(t, 2, rung, "decided twice; the key let it happen once")
	page, err := db.Scan(t.Context(), platform.Query{Kind: "event"})
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
}

// TestSupervisorsNeitherBookApproveNorPay: at grant and at use.
func TestSupervisorsNeitherBookApproveNorPay(t *testing.T) {
	t.Parallel()
	p := standard(t)
	for _, action := range []string{"finance.approveJournal", "settlement.approvePayout", "payment.capture", "closing.hardClose", "claim.approve", "claim.pay", "receivable.writeOff", "supervision.linkAdjustment"} {
		for _, by := range []platform.Actor{operator("supervisor"), operator("supervisor", "finance", "accountant", "admin")} {
			_, err := p.Permit(t.Context(), platform.Act{Actor: by, Action: action})
			require.ErrorIs(t, err, access.ErrSegregation, action)
			assert.Equal(t, "access.segregation", platform.Code(err))
		}
	}
	_, err := p.Permit(t.Context(), platform.Act{Actor: operator("supervisor"), Action: "supervision.runControl"})
	require.NoError(t, err)
	_, err = p.Permit(t.Context(), platform.Act{Actor: operator("supervisor"), Action: "claim.submit"})
	require.NoError(t, err, "they claim what they spent, as everybody")
	_, err = p.Permit(t.Context(), platform.Act{Actor: operator("service"), Action: "finance.approveJournal"})
	require.NotErrorIs(t, err, access.ErrSegregation)
	rules := access.Standard()
	for _, role := range []string{"finance", "accountant", "manager", "director", "admin"} {
		assert.Contains(t, rules.Exclusive, []string{"supervisor", role})
	}
}
