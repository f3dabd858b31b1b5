package screen_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/risk/screen"
	"github.com/liangding/platform/store/memory"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	clock = func() time.Time { return noon }
)

func order(n uint64, amount string) platform.Event {
	return platform.Event{
		ID: platform.NewID("evt", noon, 7, n), Type: "order.place", At: noon,
		Subject: platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 7, n)},
		Data:    fmt.Appendf(nil, `{"customer":"cus-1","merchant":"mer-1","amount":{"amount":%q,"currency":"CNY"}}`, amount),
	}
}

func ExampleService_Screen() {
	db := memory.New(screen.Kinds(), nil)
	rules, err := screen.Standard().Compile()
	if err != nil {
		fmt.Println(err)
		return
	}
	s := screen.New(platform.Writer{Store: db, Now: clock}, screen.StoreOn(db), rules, nil)

	for n, amount := range []string{"180.00", "60000.00", "600000.00"} {
		outcome, changes, err := s.Screen(context.Background(), order(uint64(n), amount))
		fmt.Println(outcome, len(changes), err)
	}
	// Output:
	// allow 2 <nil>
	// review 2 <nil>
	// block 2 <nil>
}

func ExampleLoad() {
	_, err := screen.Load([]byte(`{
		"version": "1", "basis": "platform terms", "owner": "risk",
		"policies": [{"event": "order.place", "failure": "open"}],
		"rules": [{"id": "many", "version": 1, "event": "order.place", "feature": "speed", "outcome": "block"}]
	}`))
	fmt.Println(platform.Code(err), err)
	// Output:
	// screen.feature rules[0].feature: no such feature
}

func ExampleDecision_Explain() {
	d := screen.Decision{Outcome: screen.Review, Score: 60, Rules: "1", Reasons: []screen.Reason{
		{Rule: "order.many", Version: 1, Feature: "count", Minutes: 60, Value: "21", Limit: "20", Points: 60},
	}}
	fmt.Println(d.Explain("en"))
	fmt.Println(d.Explain("zh"))
	// Output:
	// review with 60 points under rules version 1
	// order.many v1: attempts over 60 minutes is 21, above 20: 60 points
	// 结论：人工复核，得分 60，规则版本 1
	// order.many 第1版：尝试次数（60 分钟内）为 21，超过 20：60 分
}
