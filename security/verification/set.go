package verification

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

const day = 24 * time.Hour

// Kind is what sort of proof a requirement asks for.
type Kind string

// The kinds of requirement.
const (
	Data          Kind = "data"
	Document      Kind = "document"
	Identity      Kind = "identity"
	Qualification Kind = "qualification"
	BankAccount   Kind = "bank_account"
	Agreement     Kind = "agreement"
	Training      Kind = "training"
	Deposit       Kind = "deposit"
	Fee           Kind = "fee"
	Attestation   Kind = "attestation"
	ExternalCheck Kind = "external_check" // sanction lists among them
	SiteVisit     Kind = "site_visit"
	CreditRating  Kind = "credit_rating"
)

var kinds = []Kind{Data, Document, Identity, Qualification, BankAccount, Agreement, Training, Deposit, Fee, Attestation, ExternalCheck, SiteVisit, CreditRating}

// sensitive tells whether what proves it needs the consent of whom it is about.
func (k Kind) sensitive() bool { return k == Identity || k == BankAccount }

// graceless tells whether a capability ends with the proof, at once.
func (k Kind) graceless() bool { return k == Identity || k == ExternalCheck }

// waivable tells whether somebody may be let off: never from identity, a sanction
// list or a legal licence.
func (k Kind) waivable() bool {
	return !slices.Contains([]Kind{Identity, ExternalCheck, Qualification}, k)
}

// capabilities are what each kind of party may be kept from.
var capabilities = map[platform.ActorKind][]string{
	platform.Merchant: {"advertise", "dispatch", "list", "receive_payout", "sell"},
	platform.Staff:    {"dispatch", "lead", "receive_payout"},
	platform.Customer: {"buy", "pay_later", "post_review", "tip"},
}

// Phase is from when on a requirement is asked.
type Phase string

// The phases, in the order in which they come.
const (
	AtApply         Phase = "apply"
	BeforeFirstSale Phase = "before_first_sale"
	AtCount         Phase = "at_count"  // once the party's count has reached Requirement.Count
	AtVolume        Phase = "at_volume" // once its volume has reached Requirement.Volume
	Periodic        Phase = "periodic"  // from admission, and again every so often
)

var phases = []Phase{AtApply, BeforeFirstSale, AtCount, AtVolume, Periodic}

// Review says who decides on a submission.
type Review string

// The review policies. Of one that is sampled, so many percent go to a person
// although the checks passed.
const (
	Auto Review = "auto" // checks alone, if they all passed
	One  Review = "one"
	Two  Review = "two" // two different persons
)

// Validity is how long a proof lasts: for so many days, until the end that the
// document names, or, if zero, for ever. Five years are the most.
type Validity struct {
	Days     int  `json:"days,omitempty"`
	Document bool `json:"document,omitempty"`
}

const maxDays = 5 * 365

// Requirement is one thing that a party has to prove.
type Requirement struct {
	Code     string         `json:"code"`
	Kind     Kind           `json:"kind"`
	Scope    Scope          `json:"scope,omitzero"`
	Gates    []string       `json:"gates,omitempty"` // capabilities that it keeps from a party
	Phase    Phase          `json:"phase"`
	Count    int64          `json:"count,omitempty"`
	Volume   platform.Money `json:"volume,omitzero"`
	Every    int            `json:"every,omitempty"` // days after which it has to be proved anew
	Validity Validity       `json:"validity,omitzero"`
	Grace    *int           `json:"grace,omitempty"`   // days, 0 to 90; nil is 14. Identity and external checks have none
	Review   Review         `json:"review,omitempty"`  // empty is one
	Sample   int            `json:"sample,omitempty"`  // percent, of auto
	Instead  []string       `json:"instead,omitempty"` // other codes of the set, each of which would do
	Remedy   string         `json:"remedy,omitempty"`  // a code: what the party can do
	Number   Number         `json:"number,omitempty"`  // what the number in a submission has to be
	Checked  bool           `json:"checked,omitempty"` // asks the [Checker]
	Depends  []string       `json:"depends,omitempty"` // facts with whose change it is to be proved anew: name, licence, legal_person
	Oldest   int            `json:"oldest,omitempty"`  // version of the set under which proofs still count; 0 is any
}

func (r Requirement) grace() time.Duration {
	switch {
	case r.Kind.graceless():
		return 0
	case r.Grace == nil:
		return 14 * day
	}
	return time.Duration(*r.Grace) * day
}

// Check returns FieldErrors for what is wrong with the requirement by itself, of
// a set for a kind of party.
func (r Requirement) Check(party platform.ActorKind) error {
	var wrong platform.FieldErrors
	demand := func(path string, holds bool) {
		if !holds {
			wrong = append(wrong, platform.Wrong(path, errRule)...)
		}
	}
	demand("code", r.Code != "" && len(r.Code) <= 64)
	demand("kind", slices.Contains(kinds, r.Kind))
	demand("phase", slices.Contains(phases, r.Phase) && (r.Phase == AtCount) == (r.Count > 0) && (r.Phase == AtVolume) == (r.Volume.Sign() > 0))
	demand("every", r.Every >= 0 && r.Every <= maxDays && (r.Phase != Periodic || r.Every > 0))
	demand("validity", r.Validity.Days >= 0 && r.Validity.Days <= maxDays && (r.Validity.Days == 0 || !r.Validity.Document))
	demand("grace", r.Grace == nil || *r.Grace >= 0 && *r.Grace <= 90)
	demand("review", r.Review == "" || r.Review == Auto || r.Review == One || r.Review == Two)
	demand("sample", r.Sample == 0 || r.Review == Auto && r.Sample > 0 && r.Sample <= 100)
	demand("review", r.Review != Auto || r.Checked || r.Number != "" || r.Kind == Attestation || r.Kind == Data)
	demand("number", r.Number == "" || slices.Contains(numbers, r.Number))
	for _, gate := range r.Gates {
		demand("gates", slices.Contains(capabilities[party], gate))
	}
	if err := r.Scope.Check(); err != nil {
		wrong = append(wrong, platform.Wrong("scope", errPredicate)...)
	}
	if len(r.Instead) > 5 {
		wrong = append(wrong, platform.Wrong("instead", errInstead)...)
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// Set is a published version of the requirements of one name for one kind of
// party. It never changes.
type Set struct {
	platform.Head
	Name         string             `json:"name" class:"internal"`
	Party        platform.ActorKind `json:"party" class:"internal"`
	Number       int                `json:"number" class:"internal"` // 1, 2, 3 … of the name
	Effective    time.Time          `json:"effective" class:"internal"`
	Transition   int                `json:"transition" class:"internal"` // days more that parties have who are here before
	Open         bool               `json:"open,omitempty" class:"internal"`
	Basis        string             `json:"basis" class:"internal"` // the law or rule behind it
	Owner        string             `json:"owner" class:"internal"`
	Requirements []Requirement      `json:"requirements" class:"internal"`
	PublishedAt  time.Time          `json:"published_at" class:"internal"`
}

// Ref names the set.
func (s Set) Ref() platform.Ref { return platform.Ref{Kind: setKind, ID: s.ID} }

// Requirement is the one of a code.
func (s Set) Requirement(code string) (Requirement, bool) {
	i := slices.IndexFunc(s.Requirements, func(r Requirement) bool { return r.Code == code })
	if i < 0 {
		return Requirement{}, false
	}
	return s.Requirements[i], true
}

// Check returns FieldErrors for what is wrong with the set.
func (s Set) Check() error {
	var wrong platform.FieldErrors
	if s.Basis == "" || s.Owner == "" {
		wrong = append(wrong, platform.Wrong("basis", errBasis)...)
	}
	if capabilities[s.Party] == nil {
		wrong = append(wrong, platform.Wrong("party", errParty)...)
	}
	if len(s.Requirements) == 0 || len(s.Requirements) > 100 || s.Transition < 0 || s.Transition > 365 {
		wrong = append(wrong, platform.Wrong("requirements", errRule)...)
	}
	codes := map[string]int{}
	for i, r := range s.Requirements {
		at := fmt.Sprintf("requirements[%d].", i)
		if _, twice := codes[r.Code]; twice {
			wrong = append(wrong, platform.Wrong(at+"code", errTwice)...)
		}
		codes[r.Code] = i
		if faults, ok := r.Check(s.Party).(platform.FieldErrors); ok { //nolint:errorlint // it returns nothing else
			for _, f := range faults {
				f.Path = at + f.Path
				wrong = append(wrong, f)
			}
		}
	}
	seen := map[string]bool{}
	for i, r := range s.Requirements {
		if !s.ends(r.Code, codes, seen) {
			wrong = append(wrong, platform.Wrong(fmt.Sprintf("requirements[%d].instead", i), errInstead)...)
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// ends tells whether the alternatives of a code are of the set, and none leads
// back to where it came from. Seen are codes under way, and true once they ended.
func (s Set) ends(code string, codes map[string]int, seen map[string]bool) bool {
	i, known := codes[code]
	if !known {
		return false
	}
	if ended, met := seen[code]; met {
		return ended
	}
	seen[code] = false
	for _, other := range s.Requirements[i].Instead {
		if !s.ends(other, codes, seen) {
			return false
		}
	}
	seen[code] = true
	return true
}

// Rules is the book of rules for a kind of party: which versions of which sets
// count. Who relies on a standing checks it.
type Rules struct {
	platform.Head
	Party    platform.ActorKind `json:"party" class:"internal"`
	Versions []Listed           `json:"versions" class:"internal"`
}

// Listed is a version in the book.
type Listed struct {
	Set       platform.ID `json:"set"`
	Name      string      `json:"name"`
	Number    int         `json:"number"`
	Withdrawn bool        `json:"withdrawn,omitempty"` // its number is not given again
}

// Ref names the rules.
func (r Rules) Ref() platform.Ref { return platform.Ref{Kind: rulesKind, ID: r.ID} }

// kept is how many versions of a name stay in the book: the one before may still
// hold for who has time to change, and more are to come.
const kept = 4

// live are the sets that count.
func (r Rules) live() (ids []platform.ID) {
	for _, v := range r.Versions {
		if !v.Withdrawn {
			ids = append(ids, v.Set)
		}
	}
	return ids
}

// number is the highest ever given of a name.
func (r Rules) number(name string) (n int) {
	for _, v := range r.Versions {
		if v.Name == name {
			n = max(n, v.Number)
		}
	}
	return n
}

// with is the book with one version more; the oldest of the name may go.
func (r Rules) with(s Set) Rules {
	r.Versions = append(slices.Clone(r.Versions), Listed{Set: s.ID, Name: s.Name, Number: s.Number})
	for {
		i, n := -1, 0
		for at, v := range r.Versions {
			if v.Name == s.Name {
				n++
				if i < 0 {
					i = at
				}
			}
		}
		if n <= kept {
			return r
		}
		r.Versions = slices.Delete(r.Versions, i, i+1)
	}
}
