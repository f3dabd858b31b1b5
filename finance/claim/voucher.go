package claim

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/liangding/platform"
)

// Voucher is an expense and the paper that proves it. A draft may lack what is
// not known yet; a claim that is submitted lacks nothing.
type Voucher struct {
	Line        platform.ID    `json:"line,omitempty" validate:"omitempty,id=bgt"`                               // that pays for it
	Kind        string         `json:"kind" validate:"required,oneof=invoice receipt ticket toll other"`         // of paper
	File        string         `json:"file,omitempty" validate:"omitempty,len=64,hexadecimal,lowercase"`         // SHA-256 of the scan
	Number      string         `json:"number,omitempty" validate:"text=40"`                                      // on the paper; a receipt may have none
	Seller      string         `json:"seller,omitempty" validate:"text=100"`                                     // name
	SellerTaxID string         `json:"seller_tax_id,omitempty" validate:"text=40"`                               // (統一社會信用代碼)
	Purpose     string         `json:"purpose,omitempty" validate:"text=200"`                                    // what for
	Date        time.Time      `json:"date" validate:"required"`                                                 // on the paper
	Amount      platform.Money `json:"amount" validate:"required,gt=0" code:"claim.amount"`                      // with tax
	Tax         platform.Money `json:"tax,omitzero" validate:"omitempty,min=0" code:"claim.amount"`              // of it, deductible
	Days        int            `json:"days,omitempty" validate:"min=0,max=366"`                                  // that it is for; 0 is one
	City        string         `json:"city,omitempty" validate:"omitempty,max=30,alphanum,lowercase"`            // shanghai
	Class       string         `json:"class,omitempty" validate:"omitempty,max=30,alphanum,lowercase"`           // of a seat or room: economy
	Exception   string         `json:"exception,omitempty" validate:"omitempty,max=64,printascii,excludesall= "` // a code: why above a limit
}

// Item is a voucher as it is stored, without what is personal about it: who sold
// is a blind index, and so is the voucher's number with its seller.
type Item struct {
	Line      platform.ID    `json:"line,omitempty" class:"internal"`
	Centre    string         `json:"centre,omitempty" class:"internal"`   // of the line, when it was submitted
	Category  string         `json:"category,omitempty" class:"internal"` // the line's account
	Kind      string         `json:"kind" class:"internal"`
	File      string         `json:"file,omitempty" class:"internal"`
	Voucher   string         `json:"voucher,omitempty" class:"internal"` // by seller and number, or by seller, date and amount
	Seller    string         `json:"seller,omitempty" class:"internal"`
	Date      time.Time      `json:"date" class:"internal"`
	Amount    platform.Money `json:"amount" class:"internal"`
	Tax       platform.Money `json:"tax" class:"internal"`
	Days      int            `json:"days" class:"internal"`
	City      string         `json:"city,omitempty" class:"internal"`
	Class     string         `json:"class,omitempty" class:"internal"`
	Exception string         `json:"exception,omitempty" class:"internal"`
	Whole     bool           `json:"whole" class:"internal"` // has file, seller and purpose
}

// detail is what of a voucher is sealed.
type detail struct {
	Number      string `json:"number,omitempty"`
	Seller      string `json:"seller,omitempty"`
	SellerTaxID string `json:"seller_tax_id,omitempty"`
	Purpose     string `json:"purpose,omitempty"`
}

// sealed are vouchers as they may be stored.
type sealed struct {
	Items   []Item
	Details platform.Sealed
}

// seal makes vouchers ready to be stored in a claim. It comes before the decision,
// since sealing is random.
func (s *Service) seal(ctx context.Context, claim platform.ID, by platform.Actor, vouchers []Voucher) (sealed, error) {
	if s.ports.Sealer == nil {
		return sealed{}, fmt.Errorf("keep vouchers of %s: %w", claim, errSealer)
	}
	out, details := sealed{}, make([]detail, len(vouchers))
	for n, v := range vouchers {
		i, err := s.item(ctx, v)
		if err != nil {
			return sealed{}, fmt.Errorf("voucher %d of %s: %w", n+1, claim, err)
		}
		out.Items, details[n] = append(out.Items, i), detail{v.Number, v.Seller, v.SellerTaxID, v.Purpose}
	}
	plain, err := json.Marshal(details)
	if err != nil {
		return sealed{}, fmt.Errorf("keep vouchers of %s: %w", claim, err)
	}
	out.Details, err = s.ports.Sealer.Seal(ctx, platform.Place{Subject: person(by), Record: about(claim), Field: "details"}, string(plain))
	return out, err
}

// person is whose data the details of a claim are.
func person(by platform.Actor) platform.Ref {
	if by.Kind == platform.Staff {
		return platform.Ref{Kind: "staff.member", ID: by.For()}
	}
	return platform.Ref{Kind: string(by.Kind), ID: by.For()}
}

// item is a voucher without what is personal.
func (s *Service) item(ctx context.Context, v Voucher) (Item, error) {
	i := Item{
		Line: v.Line, Kind: v.Kind, File: v.File, Date: v.Date.UTC(), Amount: v.Amount, Tax: v.Tax,
		Days: max(v.Days, 1), City: v.City, Class: v.Class, Exception: v.Exception,
	}
	if i.Tax.Absent() {
		i.Tax = zero(v.Amount)
	}
	seller := folded(v.SellerTaxID)
	if seller == "" {
		seller = "name " + folded(v.Seller)
	}
	i.Whole = v.File != "" && strings.TrimSpace(v.Purpose) != "" && folded(v.Seller)+folded(v.SellerTaxID) != ""
	if !i.Whole {
		return i, nil
	}
	name := seller + "\x00" + folded(v.Number)
	if folded(v.Number) == "" {
		name = fmt.Sprintf("%s\x00%s\x00%s", seller, v.Date.UTC().Format(time.DateOnly), v.Amount)
	}
	var err error
	if i.Seller, err = s.ports.Sealer.Blind(ctx, "claim.seller", seller); err != nil {
		return Item{}, err
	}
	i.Voucher, err = s.ports.Sealer.Blind(ctx, "claim.voucher", name)
	return i, err
}

// folded is a text in one form, however it was typed: its letters and digits,
// those of full width in ASCII, in upper case.
func folded(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r += '!' - '！'
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, text)
}
