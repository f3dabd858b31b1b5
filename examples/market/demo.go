package market

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/staff"
)

// Cast is who acts in a demo, and what they sell.
type Cast struct {
	Operator, Second, Third, Merchant, Customer, Staff platform.Actor // Second is another operator, for what takes two; Third has no role yet
	Zone, Listing                                      platform.ID
	Price                                              platform.Money
}

// Demo fills an empty market: two operators who may do everything and one who
// may do nothing until they grant it, a zone with a
// member on duty day and night, and an active merchant with two live listings. All
// of it goes through the same commands as anybody's.
func (m *Market) Demo(ctx context.Context) (Cast, error) {
	c := Cast{
		Customer: platform.Actor{ID: m.Writer.NewRoot(ctx, "cus"), Kind: platform.Customer, Tenant: m.Writer.Tenant},
		Price:    platform.MustMoney("180.00", "CNY"),
	}
	if err := m.appoint(ctx, &c); err != nil {
		return Cast{}, fmt.Errorf("demo operators: %w", err)
	}
	if err := m.hire(platform.As(ctx, c.Operator), &c); err != nil {
		return Cast{}, fmt.Errorf("demo staff: %w", err)
	}
	if err := m.admit(ctx, &c); err != nil {
		return Cast{}, fmt.Errorf("demo merchant: %w", err)
	}
	if err := m.bank(ctx, c); err != nil {
		return Cast{}, fmt.Errorf("demo payout account: %w", err)
	}
	if err := m.list(ctx, &c); err != nil {
		return Cast{}, fmt.Errorf("demo listing: %w", err)
	}
	return c, nil
}

// DemoRoles are those of the demo's operators: every command, a look at what is
// sealed, bookings by hand, and the word on what is spent and written off.
var DemoRoles = []string{"admin", "privacy", finance.Accountant, receivable.Manager, receivable.Director}

// appoint gives two operators the first grants.
func (m *Market) appoint(ctx context.Context, c *Cast) (err error) {
	first, second := m.Writer.NewRoot(ctx, "opr"), m.Writer.NewRoot(ctx, "opr")
	in := access.Bootstrap{Accounts: []platform.ID{first, second}, Roles: DemoRoles}
	if _, err = m.Access.Bootstrap(platform.As(ctx, platform.SystemActor("demo")), in); err != nil {
		return err
	}
	if c.Operator, err = m.Access.Actor(ctx, first, platform.Operator); err != nil {
		return err
	}
	if c.Second, err = m.Access.Actor(ctx, second, platform.Operator); err != nil {
		return err
	}
	c.Third, err = m.Access.Actor(ctx, m.Writer.NewRoot(ctx, "opr"), platform.Operator)
	return err
}

// hire opens a zone and takes a member on.
func (m *Market) hire(operator context.Context, c *Cast) error {
	zone, err := m.Staff.DraftZone(operator, staff.DraftZone{Name: "Riverside", TimeZone: "Asia/Shanghai"})
	if err != nil {
		return err
	}
	c.Zone = zone.ID
	if _, err := m.Staff.PublishZone(operator, staff.PublishZone{Zone: zone.ID}); err != nil {
		return err
	}
	member, err := m.Staff.Hire(operator, staff.Hire{Name: "Demo member", Zone: zone.ID})
	if err != nil {
		return err
	}
	c.Staff = platform.Actor{ID: member.ID, Kind: platform.Staff, Tenant: m.Writer.Tenant}
	today := m.Writer.Now()
	if _, err := m.Staff.Grant(operator, staff.Grant{Member: member.ID, Code: "cleaning", Level: 3, From: today.Add(-time.Hour)}); err != nil {
		return err
	}
	if _, err := m.Staff.Activate(operator, staff.Activate{Member: member.ID}); err != nil {
		return err
	}
	day := func(days int) staff.Day { return staff.Day(today.AddDate(0, 0, days).Format(time.DateOnly)) }
	always := []staff.Shift{{Starts: "00:00", Ends: "12:00", First: day(-1), Until: day(300)}, {Starts: "12:00", Ends: "00:00", First: day(-1), Until: day(300)}}
	_, err = m.Staff.Publish(operator, staff.Publish{Member: member.ID, Shifts: always})
	return err
}

// admit takes a merchant from its application to an agreement in force.
func (m *Market) admit(ctx context.Context, c *Cast) error {
	applicant := platform.As(ctx, platform.Actor{ID: m.Writer.NewRoot(ctx, "usr"), Kind: platform.Merchant, Tenant: m.Writer.Tenant})
	a, err := m.Merchants.Apply(applicant, merchant.Apply{Party: merchant.Party{
		Name: "Bright Windows", LegalName: "Bright Windows Ltd", Licence: "91310000MA1FL0AB12", Contact: "post@bright-windows.example",
	}})
	if err != nil {
		return err
	}
	if _, err := m.Merchants.Submit(applicant, merchant.Submit{Application: a.ID}); err != nil {
		return err
	}
	if _, err := m.Merchants.Approve(platform.As(ctx, c.Operator), merchant.Approve{Application: a.ID}); err != nil {
		return err
	}
	c.Merchant = platform.Actor{ID: a.Merchant, Kind: platform.Merchant, Tenant: m.Writer.Tenant}
	self := platform.As(ctx, c.Merchant)
	found, err := m.Merchants.Merchant(self, a.Merchant)
	if err != nil {
		return err
	}
	_, text, err := m.Merchants.Agreement(self, found.Agreement)
	if err != nil {
		return err
	}
	_, err = m.Merchants.Sign(self, merchant.Sign{Agreement: found.Agreement, Hash: text.Hash()})
	return err
}

// bank tells where the merchant's money goes, and has it verified: its payouts end
// well at the institution. In funds mode split that is an account of its own there.
func (m *Market) bank(ctx context.Context, c Cast) error {
	from, payee := m.Sandbox.Info().Institution, "bright-windows"
	if m.options.Payment.Funds == payment.SplitFunds {
		r, err := m.Payments.Onboard(platform.As(ctx, c.Operator), payment.Onboard{Party: c.Merchant.ID, Institution: from, Country: "CN", Email: "post@bright-windows.example"})
		if err != nil {
			return err
		}
		from, payee = from+"."+string(c.Merchant.ID), r.Account
	}
	a, err := m.Payouts.Register(platform.As(ctx, c.Merchant), settlement.Register{
		Party: c.Merchant.ID, Currency: "CNY", Zone: "Asia/Shanghai", Institution: from, Payee: payee,
	})
	if err != nil {
		return err
	}
	_, err = m.Payouts.VerifyAccount(platform.As(ctx, c.Operator), settlement.VerifyAccount{Account: a.ID, Reason: "document"})
	return err
}

// list brings two listings from their drafts to the customers: one that staff carry
// out and that is taken at once, and one that the merchant answers and does itself.
func (m *Market) list(ctx context.Context, c *Cast) (err error) {
	c.Listing, err = m.offer(ctx, *c, merchant.Content{
		Title: "Window cleaning", Text: "Both sides of up to ten windows, frames and sills included.", Unit: "visit", Price: c.Price,
		Standard: merchant.Standard{Scope: "up to ten windows", Result: "free of streaks", Warranty: "cleaned again within a week"},
		Minutes:  120, Zone: c.Zone, Seats: 1, Need: []string{"cleaning"}, Proof: []string{"photo"},
	})
	if err != nil {
		return err
	}
	_, err = m.offer(ctx, *c, merchant.Content{
		Title: "Curtain washing", Text: "Taken down, washed, ironed and hung again.", Unit: "window", Price: platform.MustMoney("60.00", "CNY"),
		Standard: merchant.Standard{Scope: "the curtains of one window", Result: "clean and without creases", Warranty: "washed again within a week"},
		Minutes:  90, Zone: c.Zone, Confirmation: "manual", Proof: []string{"photo"},
	})
	return err
}

// offer has the merchant write a listing and an operator approve it.
func (m *Market) offer(ctx context.Context, c Cast, content merchant.Content) (platform.ID, error) {
	self := platform.As(ctx, c.Merchant)
	draft, err := m.Merchants.NewDraft(self, merchant.NewDraft{Content: &content})
	if err != nil {
		return "", err
	}
	if _, err := m.Merchants.SubmitDraft(self, merchant.SubmitDraft{Revision: draft.ID}); err != nil {
		return "", err
	}
	_, err = m.Merchants.ApproveRevision(platform.As(ctx, c.Operator), merchant.ApproveRevision{Revision: draft.ID})
	return draft.Listing, err
}

// Photo is a proof taken now, with the digest of a picture that lies elsewhere.
func (m *Market) Photo() []order.Taken {
	return []order.Taken{{Kind: "photo", SHA256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", Bytes: 48_213, TakenAt: m.Writer.Now()}}
}
