package merchant_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/store/memory"
)

var (
	today    = time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC)
	operator = platform.Actor{ID: "operator-1", Kind: platform.Operator}
	account  = platform.Actor{ID: "account-1", Kind: platform.Merchant}
)

// desk is a service over a fresh memory store, for applicants without licence.
func desk() (*merchant.Service, merchant.Store) {
	db := memory.New(merchant.Kinds(), nil)
	store := merchant.StoreOn(db)
	w := platform.Writer{Store: db, Now: func() time.Time { return today }}
	return merchant.New(w, store, merchant.Ports{}, &merchant.Options{LicenceOptional: true}), store
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// settled runs an application to its end and returns the merchant as an actor.
func settled(s *merchant.Service) platform.Actor {
	applicant := platform.As(context.Background(), account)
	a := must(s.Apply(applicant, merchant.Apply{Party: merchant.Party{Name: "Bright Windows"}}))
	must(s.Submit(applicant, merchant.Submit{Application: a.ID}))
	must(s.Approve(platform.As(context.Background(), operator), merchant.Approve{Application: a.ID}))
	owner := platform.Actor{ID: a.Merchant, Kind: platform.Merchant}
	self := platform.As(context.Background(), owner)
	m := must(s.Merchant(self, a.Merchant))
	must(s.Sign(self, merchant.Sign{Agreement: m.Agreement, Hash: hash(self, s, m)}))
	return owner
}

func hash(ctx context.Context, s *merchant.Service, m merchant.Merchant) string {
	_, text, err := s.Agreement(ctx, m.Agreement)
	if err != nil {
		panic(err)
	}
	return text.Hash()
}

func cleaning() *merchant.Content {
	return &merchant.Content{
		Title: "Window cleaning", Text: "Both sides of up to ten windows.", Unit: "visit", Price: platform.MustMoney("180.00", "CNY"),
		Standard: merchant.Standard{Scope: "ten windows", Result: "free of streaks", Warranty: "cleaned again within a week"},
		Minutes:  120, Zone: platform.NewID("zon", today, 1, 1),
	}
}

// From an application to a merchant who may sell.
func ExampleService_Apply() {
	s, _ := desk()
	applicant := platform.As(context.Background(), account)
	reviewer := platform.As(context.Background(), operator)

	a := must(s.Apply(applicant, merchant.Apply{Party: merchant.Party{Name: "Bright Windows"}, Channel: "social"}))
	fmt.Println(a.State, a.Due.Format(time.DateOnly))
	a = must(s.Submit(applicant, merchant.Submit{Application: a.ID}))
	fmt.Println(a.State)
	a = must(s.Approve(reviewer, merchant.Approve{Application: a.ID}))

	self := platform.As(context.Background(), platform.Actor{ID: a.Merchant, Kind: platform.Merchant})
	m := must(s.Merchant(self, a.Merchant))
	fmt.Println(m.Name, m.State)
	g := must(s.Sign(self, merchant.Sign{Agreement: m.Agreement, Hash: hash(self, s, m)}))
	m = must(s.Merchant(self, a.Merchant))
	fmt.Println(g.State, m.State)
	// Output:
	// applied 2030-05-30
	// in_review
	// Bright Windows approved
	// in_force active
}

// From a draft to what customers see.
func ExampleService_NewDraft() {
	s, _ := desk()
	owner := platform.As(context.Background(), settled(s))
	reviewer := platform.As(context.Background(), operator)

	content := cleaning()
	content.Text = "Call 138 0013 8000"
	r := must(s.NewDraft(owner, merchant.NewDraft{Content: content}))
	_, err := s.SubmitDraft(owner, merchant.SubmitDraft{Revision: r.ID})
	fmt.Println(platform.Code(err))
	must(s.Edit(owner, merchant.Edit{Revision: r.ID, Content: *cleaning()}))
	must(s.SubmitDraft(owner, merchant.SubmitDraft{Revision: r.ID}))
	r = must(s.ApproveRevision(reviewer, merchant.ApproveRevision{Revision: r.ID}))
	fmt.Println(r.Number, r.State)

	for _, card := range must(s.Live(context.Background(), merchant.Filter{})).Items {
		fmt.Println(card.Name, "·", card.Content.Title, "·", card.Content.Price)
	}
	// Output:
	// listing.contact_data
	// 1 live
	// Bright Windows · Window cleaning · 180.00 CNY
}

// What an order pins, and what it may rely on until it commits.
func ExampleCatalogue_Pin() {
	s, store := desk()
	owner := platform.As(context.Background(), settled(s))
	r := must(s.NewDraft(owner, merchant.NewDraft{Content: cleaning()}))
	must(s.SubmitDraft(owner, merchant.SubmitDraft{Revision: r.ID}))
	_, _, err := merchant.Catalogue{Store: store}.Pin(owner, today, r.Listing)
	fmt.Println(platform.Code(err))

	must(s.ApproveRevision(platform.As(context.Background(), operator), merchant.ApproveRevision{Revision: r.ID}))
	terms, checks, err := merchant.Catalogue{Store: store}.Pin(owner, today, r.Listing)
	fmt.Println(len(terms), len(checks), err)
	// Output:
	// merchant.listing_not_live
	// 1 1 <nil>
}

// What an operator sees of a race between two reviewers.
func ExampleService_Approve() {
	s, _ := desk()
	applicant := platform.As(context.Background(), account)
	a := must(s.Apply(applicant, merchant.Apply{Party: merchant.Party{Name: "Bright Windows"}}))
	must(s.Submit(applicant, merchant.Submit{Application: a.ID}))
	must(s.Approve(platform.As(context.Background(), operator), merchant.Approve{Application: a.ID}))

	second := platform.As(context.Background(), platform.Actor{ID: "operator-2", Kind: platform.Operator})
	_, err := s.Reject(second, merchant.Reject{Application: a.ID, Reasons: []string{"incomplete"}})
	fmt.Println(platform.Code(err), platform.Details(err)["decision"])
	fmt.Println(platform.Text(err, "zh"))
	// Output:
	// review.already_decided approved
	// 已有审核结论
}
