package verification_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/verification"
	"github.com/liangding/platform/store/memory"
)

func ExampleEvaluate() {
	day := time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC)
	food := verification.Scope{Op: "eq", Of: "category", Values: []string{"food"}}
	set := verification.Set{Name: "base", Party: platform.Merchant, Number: 1, Open: true, Requirements: []verification.Requirement{
		{Code: "licence", Kind: verification.Qualification, Phase: verification.AtApply, Gates: []string{"sell"}},
		{Code: "hygiene", Kind: verification.Document, Phase: verification.AtApply, Gates: []string{"sell"}, Scope: food},
	}}
	party := verification.Party{Kind: platform.Merchant, Since: day, Attributes: map[string]string{"category": "cleaning"}}
	licence := verification.Evidence{Code: "licence", State: verification.Verified, From: day, Until: day.AddDate(1, 0, 0)}

	for _, now := range []time.Time{day, day.AddDate(1, 0, 0), day.AddDate(1, 0, 14)} {
		e := verification.Evaluate(party, []verification.Set{set}, []verification.Evidence{licence}, nil, now)
		fmt.Println(now.Format(time.DateOnly), e.Capability("sell").Mode, "until", e.Next.Format(time.DateOnly))
	}
	// Output:
	// 2030-03-01 enabled until 2031-03-01
	// 2031-03-01 grace until 2031-03-15
	// 2031-03-15 disabled until 0001-01-01
}

func ExampleService_Submit() {
	noon := time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC)
	db := memory.New(verification.Kinds(), nil)
	now := func() time.Time { return noon }
	desk := verification.New(platform.Writer{Store: db, Now: now}, db, verification.Ports{}, nil)
	operator := platform.As(context.Background(), platform.Actor{ID: "opr-1", Kind: platform.Operator})
	seller := platform.NewID("mer", noon, 1, 1)
	merchant := platform.As(context.Background(), platform.Actor{ID: seller, Kind: platform.Merchant})
	none := 0

	_, err := desk.Publish(operator, verification.Publish{
		Name: "base", Party: platform.Merchant, Effective: noon, Transition: &none, Open: true, Basis: "law", Owner: "ops",
		Requirements: []verification.Requirement{{Code: "contract", Kind: verification.Agreement, Phase: verification.AtApply, Gates: []string{"sell"}}},
	})
	fmt.Println(err)
	_, err = verification.Standings{DB: db}.May(merchant, seller, "sell", noon)
	fmt.Println(err != nil)
	draft, _ := desk.Begin(merchant, verification.Begin{Party: seller, Code: "contract"})
	handed, _ := desk.Submit(merchant, verification.Submit{Submission: draft.ID})
	verified, _ := desk.Verify(operator, verification.Verify{Submission: handed.ID})
	fmt.Println(handed.State, verified.State)
	_, err = verification.Standings{DB: db}.May(merchant, seller, "sell", noon)
	fmt.Println(err)
	// Output:
	// <nil>
	// true
	// pending verified
	// <nil>
}
