package wechatpay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

const good = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\n" +
	"`2026-03-02 12:00:00,`503,`1,`退款,`退款,`支出,`0.02,`0.17,`system,`退款总金额0.03元;含手续费0.01元,`x\n" +
	"`2026-03-02 11:00:00,`503,`2,`交易,`交易,`收入,`0.19,`0.19,`system,`a \"quoted\" note,`x\n" +
	"资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n`2.0,`1.0,`0.19,`1.0,`0.02\n"

func TestFlowIsReadWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	lines, err := flow([]byte(good))
	require.NoError(t, err)
	require.Len(t, lines, 2)
	assert.Equal(t, "2", lines[0].ID, "the oldest comes first")
	assert.Equal(t, "0.01 CNY", lines[1].Fee.Neg().String(), "the fee came back")
	for name, file := range map[string]string{
		"nothing":        "",
		"cut off":        strings.Join(strings.Split(good, "\n")[:3], "\n"),
		"an amount":      strings.Replace(good, "`0.19,`0.19", "`0.1x,`0.19", 1),
		"more decimals":  strings.Replace(good, "`0.19,`0.19", "`0.191,`0.19", 1),
		"neither way":    strings.Replace(good, "`收入", "`转", 1),
		"a time":         strings.Replace(good, "11:00:00", "25:00:00", 1),
		"no number":      strings.Replace(good, "`503,`2", "`503,`", 1),
		"other count":    strings.Replace(good, "`2.0", "`3.0", 1),
		"other sum in":   strings.Replace(good, "`1.0,`0.19", "`1.0,`0.18", 1),
		"other sum out":  strings.Replace(good, "`1.0,`0.02", "`1.0,`0.03", 1),
		"no such column": strings.Replace(good, "收支金额(元)", "金额", 1),
	} {
		_, err := flow([]byte(file))
		require.ErrorIs(t, err, platform.ErrInvalid, name)
	}
}

func FuzzFlow(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("a\nb\nc\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, err := flow(file)
		for _, l := range lines {
			if net, failed := l.Gross.Sub(l.Fee); err == nil && (failed != nil || net != l.Net || l.ID == "") {
				t.Fatalf("line %+v", l)
			}
		}
	})
}
