package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/access"
)

// A marketplace moves into a server that runs: what is wrong is told by row and
// field, dry nothing is written, and the order that came is there for its
// customer.
func TestAMarketplaceIsImported(t *testing.T) {
	t.Parallel()
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "old.json")
	s := openShop(t, folder)
	_, placed := s.call("customer", "POST", "/v1/orders", `{"lines":[{"listing":"`+s.word("LISTING=")+`","quantity":1}],"total":{"amount":"180.00","currency":"CNY"}}`)
	text := strings.NewReplacer("CUSTOMER", placed["customer"].(string), "MERCHANT", placed["merchant"].(string)).Replace(`{
		"source": "oldshop", "reason": "go_live", "at": "2026-01-01T00:00:00Z",
		"accounts": [{"account": "clearing:sandbox", "amount": {"amount": "100.00", "currency": "CNY"}, "reference": "psp"}],
		"orders": [{
			"reference": "4711", "state": "in_progress", "customer": "CUSTOMER", "merchant": "MERCHANT",
			"lines": [{"quantity": 1, "price": {"amount": "100.00", "currency": "CNY"}}], "total": {"amount": "100.00", "currency": "CNY"},
			"payments": [{"institution": "sandbox", "reference": "ch_9", "amount": {"amount": "100.00", "currency": "CNY"}, "at": "2026-01-01T00:00:00Z"}],
			"terms": {"confirmation": "auto", "acceptance": "customer"},
			"placed_at": "2026-01-01T00:00:00Z", "confirmed_at": "2026-01-01T00:00:00Z", "started_at": "2026-01-01T00:00:00Z"
		}]
	}`)
	put := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	put(text)
	do := func(args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), append([]string{"import", "-folder", folder}, args...), &out, io.Discard)
		return out.String(), err
	}

	_, me := s.call("operator", "GET", "/v1/access/me", "")
	operator := me["id"].(string)

	_, err := do(file)
	require.ErrorContains(t, err, "-by OPERATOR", "somebody answers for it")
	_, err = do("-by", operator)
	require.ErrorContains(t, err, "usage: server import")
	_, err = do("-by", "opr_stranger", file)
	require.ErrorIs(t, err, errPowerless)
	_, err = do("-by", operator, file+".missing")
	require.ErrorIs(t, err, os.ErrNotExist)
	put(strings.Replace(text, `"state": "in_progress"`, `"state": "half_way"`, 1))
	told, err := do("-by", operator, file)
	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.Contains(t, told, "orders[0].state: no state in which an order goes on here (order.state_not_taken_over)\n")
	assert.Contains(t, told, "         1 refused\n")
	put(strings.Replace(text, `"CNY"}, "reference": "psp"`, `"XYZ"}, "reference": "psp"`, 1))
	told, err = do("-by", operator, file)
	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.Contains(t, told, "accounts[0].amount: ")
	put(text)
	path := "/v1/orders/" + string(order.TakenID("oldshop", "4711"))

	told, err = do("-by", operator, "-dry", file)
	require.NoError(t, err)
	assert.Contains(t, told, "         2 would be written\n         0 there already\n")
	_, missing := s.call("customer", "GET", path, "")
	assert.Equal(t, "order.not_found", missing["code"])
	told, err = do("-by", operator, file)
	require.NoError(t, err)
	assert.Contains(t, told, "         2 written\n         0 there already\n         0 refused\n         0 left\n  0.00 CNY the opening account then\n")
	told, err = do("-by", operator, file)
	require.NoError(t, err)
	assert.Contains(t, told, "         0 written\n         2 there already\n")

	_, o := s.call("customer", "GET", path, "")
	assert.Equal(t, "in_progress", o["state"])
	_, delivered := s.call("merchant", "POST", path+"/deliver", "{}")
	assert.Equal(t, "delivered", delivered["state"])
	_, accepted := s.call("customer", "POST", path+"/accept", "{}")
	assert.Equal(t, "completed", accepted["state"])
	s.close()
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"verify", "-folder", folder}, &out, io.Discard))
	assert.Contains(t, out.String(), "sound")
}

// TestTheFirstOperatorsAreAppointedOnce: a market without demo gets its first
// grants from the shell, and all later ones by two of those.
func TestTheFirstOperatorsAreAppointedOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	do := func(args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), append(args, "-folder", folder), &out, io.Discard)
		return out.String(), err
	}
	_, err := do("appoint", "-by", "opr_alone")
	require.ErrorIs(t, err, errAppoint)

	told, err := do("appoint", "-by", "opr_one, opr_two")

	require.NoError(t, err)
	assert.Contains(t, told, "opr_one is admin until ")
	assert.Contains(t, told, "opr_two is privacy until ")
	_, err = do("appoint", "-by", "opr_three,opr_four")
	require.ErrorIs(t, err, access.ErrBegun)
}
