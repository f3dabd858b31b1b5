package supervision_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/store/memory"
)

// paid hands out two payouts of one amount to one party.
type paid struct{}

func (paid) Facts(context.Context, supervision.Window, string) (platform.Page[supervision.Item], error) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	one := supervision.Item{Ref: ref(1), What: "payout", Party: alice, Amount: cny("80.00"), At: noon}
	two := one
	two.Ref, two.At = ref(2), noon.Add(time.Hour)
	return platform.Page[supervision.Item]{Items: []supervision.Item{one, two}}, nil
}

// A supervisor runs a control by hand, and looks at what it found.
func ExampleService_RunControl() {
	db := memory.New(supervision.Kinds(), nil)
	now := func() time.Time { return time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC) }
	s := supervision.New(platform.Writer{Store: db, Now: now}, db, supervision.Ports{Items: paid{}}, nil)
	ctx := platform.As(context.Background(), platform.Actor{ID: "opr-1", Kind: platform.Operator, Roles: []string{supervision.Supervisor}})

	run, err := s.RunControl(ctx, supervision.RunControl{Control: "C1"})
	fmt.Println(run.Hits, "hit,", run.Fresh, "new", err)
	f, err := s.Finding(ctx, supervision.FindingID("C1", string(alice)))
	fmt.Println(f.State, f.Severity, f.Codes, f.Amount, err)
	// Output:
	// 1 hit, 1 new <nil>
	// open high [paid_twice] 80.00 CNY <nil>
}

// An auditor checks a pack that was unpacked to a folder.
func ExampleCheckPack() {
	_, err := supervision.CheckPack(os.DirFS("testdata"))
	fmt.Println(platform.Code(err))
	// Output: audit.pack
}
