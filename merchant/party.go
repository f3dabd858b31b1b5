package merchant

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/liangding/platform"
)

// Party is what an applicant tells about itself, as it was typed. All but the
// name is personal and is kept sealed only.
type Party struct {
	Name      string `json:"name,omitempty" validate:"text=120"`       // trade name, public
	LegalName string `json:"legal_name,omitempty" validate:"text=200"` // as in the register
	Licence   string `json:"licence,omitempty" validate:"text=64"`     // number; spaces, dashes and case do not count
	Contact   string `json:"contact,omitempty" validate:"text=200"`    // how to reach the applicant
}

// Profile is a [Party] as it is stored.
type Profile struct {
	Name      string          `json:"name" class:"public"`
	LegalName platform.Sealed `json:"legal_name,omitempty" class:"personal,agreement,3y,contract"`
	Licence   platform.Sealed `json:"licence,omitempty" class:"personal,agreement,3y,contract"`
	Contact   platform.Sealed `json:"contact,omitempty" class:"personal,agreement,3y,contract"`
}

// sealed is what a party told, ready to be stored.
type sealed struct {
	Profile
	identity string // blind index of the licence, "" without one
}

// faults lists what is wrong with what a party told: a field that is demanded
// and missing, a licence that cannot be one, and personal fields where there is
// nothing to seal them.
func (p Party) faults(demanded []string, sealable bool) platform.FieldErrors {
	var wrong platform.FieldErrors
	for _, f := range []struct {
		name, value string
		personal    bool
	}{{"name", p.Name, false}, {"legal_name", p.LegalName, true}, {"licence", p.Licence, true}, {"contact", p.Contact, true}} {
		switch {
		case strings.TrimSpace(f.value) == "" && slices.Contains(demanded, f.name):
			wrong = append(wrong, platform.Wrong("party."+f.name, errMissing)...)
		case f.value == "":
		case f.personal && !sealable:
			wrong = append(wrong, platform.Wrong("party."+f.name, errSealer)...)
		case f.name == "licence" && !plausible(f.value):
			wrong = append(wrong, platform.Wrong("party.licence", errLicence)...)
		}
	}
	return wrong
}

// licence is a licence number as it is compared: letters and digits only, upper
// case, of normal width.
func licence(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, narrow(text))
}

// plausible tells whether a text can be a licence number.
func plausible(text string) bool {
	n := utf8.RuneCountInString(licence(text))
	return n >= 4 && n <= 32
}

// narrow writes the full-width forms of ASCII (U+FF01 to U+FF5E) in ASCII.
func narrow(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, text)
}

// vet refuses a command whose party cannot be sealed and stored.
func (s *Service) vet(command any, p Party, demanded []string) error {
	if err := platform.Validate(command); err != nil {
		return err
	}
	if wrong := p.faults(demanded, s.ports.Sealer != nil); len(wrong) > 0 {
		return wrong
	}
	return nil
}

// seal makes a party ready to be stored in its application.
func (s *Service) seal(ctx context.Context, application platform.ID, p Party) (sealed, error) {
	out := sealed{Profile: Profile{Name: strings.TrimSpace(p.Name)}}
	place := platform.Place{
		Subject: platform.Ref{Kind: kindMerchant, ID: application.As("mer")},
		Record:  platform.Ref{Kind: kindApplication, ID: application},
	}
	for _, f := range []struct {
		name, plain string
		to          *platform.Sealed
	}{{"legal_name", p.LegalName, &out.LegalName}, {"licence", p.Licence, &out.Licence}, {"contact", p.Contact, &out.Contact}} {
		if f.plain == "" {
			continue
		}
		place.Field = "profile." + f.name
		var err error
		if *f.to, err = s.ports.Sealer.Seal(ctx, place, f.plain); err != nil {
			return sealed{}, err
		}
	}
	if p.Licence == "" {
		return out, nil
	}
	var err error
	out.identity, err = s.ports.Sealer.Blind(ctx, "merchant.licence", licence(p.Licence))
	return out, err
}

// with is the application with what the party told; what it left out stays.
func (a Application) with(told sealed, by platform.Actor) Application {
	if told.Name != "" {
		a.Profile.Name = told.Name
	}
	for _, f := range []struct {
		to   *platform.Sealed
		from platform.Sealed
	}{{&a.Profile.LegalName, told.LegalName}, {&a.Profile.Licence, told.Licence}, {&a.Profile.Contact, told.Contact}} {
		if len(f.from) > 0 {
			*f.to = f.from
		}
	}
	if told.identity != "" {
		a.Identity = "licence/" + told.identity
	}
	a.Hands = joined(a.Hands, by)
	return a
}
