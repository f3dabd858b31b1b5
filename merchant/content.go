package merchant

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/liangding/platform"
)

// Content is what a listing says and how its orders run (clause 2.2.2: content,
// price, service standard). A draft may be incomplete; [Service.SubmitDraft]
// says what is missing.
type Content struct {
	Title    string         `json:"title" class:"public" validate:"text=120"`
	Text     string         `json:"text" class:"public" validate:"text=10000"`
	Unit     string         `json:"unit" class:"public" validate:"text=20"` // what the price is for: hour, room …
	Price    platform.Money `json:"price,omitzero" class:"public" validate:"omitempty,gt=0" code:"listing.price"`
	Standard Standard       `json:"standard"`
	Minutes  int            `json:"minutes" class:"public" validate:"gte=0,lte=43200"` // planned duration
	Zone     platform.ID    `json:"zone,omitempty" class:"public" validate:"omitempty,id=zon"`

	Seats        int      `json:"seats" class:"public" validate:"gte=0,lte=20"` // staff members; 0: the merchant itself
	Need         []string `json:"need,omitempty" class:"public" validate:"max=20,unique,dive,required,text=40"`
	Confirmation string   `json:"confirmation" class:"public" validate:"omitempty,oneof=auto manual"`  // "" is auto
	Acceptance   string   `json:"acceptance" class:"public" validate:"omitempty,oneof=customer proof"` // "" is customer
	Proof        []string `json:"proof,omitempty" class:"public" validate:"max=5,unique,dive,required,text=20"`
	Capture      string   `json:"capture,omitempty" class:"public" validate:"omitempty,oneof=on_place on_start on_completion"` // when the customer's money is taken; "" is on_place
	Deposit      int      `json:"deposit,omitempty" class:"public" validate:"gte=0,lte=99"`                                    // percent that confirms an order; 0: all of it
	Balance      string   `json:"balance,omitempty" class:"public" validate:"omitempty,oneof=before_start on_completion"`      // when the rest must be there; "" is before_start
	CancelPolicy string   `json:"cancel_policy" class:"public" validate:"text=40"`                                             // "" is standard
}

// Standard is what the customer can hold the merchant to, beside the duration.
type Standard struct {
	Scope    string `json:"scope" class:"public" validate:"text=500"`
	Result   string `json:"result" class:"public" validate:"text=500"`
	Warranty string `json:"warranty" class:"public" validate:"text=500"`
}

func (c Content) withDefaults() Content {
	for _, d := range []struct {
		of    *string
		value string
	}{{&c.Confirmation, "auto"}, {&c.Acceptance, "customer"}, {&c.CancelPolicy, "standard"}} {
		if *d.of == "" {
			*d.of = d.value
		}
	}
	return c
}

// missing lists what a listing must say before anybody reviews it.
func (c Content) missing() platform.FieldErrors {
	empty := func(text string) bool { return strings.TrimSpace(text) == "" }
	var wrong platform.FieldErrors
	for _, f := range []struct {
		path    string
		missing bool
		refusal error
	}{
		{"content.title", empty(c.Title), errTitle},
		{"content.text", empty(c.Text), errText},
		{"content.unit", empty(c.Unit), errUnit},
		{"content.price", c.Price.Sign() <= 0, errPrice},
		{"content.standard.scope", empty(c.Standard.Scope), errStandard},
		{"content.standard.result", empty(c.Standard.Result), errStandard},
		{"content.standard.warranty", empty(c.Standard.Warranty), errStandard},
		{"content.minutes", c.Minutes <= 0, errStandard},
		{"content.zone", c.Zone == "", errArea},
		{"content.proof", c.Acceptance == "proof" && len(c.Proof) == 0, errProof},
	} {
		if f.missing {
			wrong = append(wrong, platform.Wrong(f.path, f.refusal)...)
		}
	}
	return wrong
}

// screen applies the automatic checks to every text: what must not be said
// refuses the content, what a reviewer should see is flagged by its rule.
func (c Content) screen(o Options) (flags []string, wrong platform.FieldErrors) {
	for _, t := range c.texts() {
		for _, rule := range checks {
			switch hit := rule.hit(folded(t.text), o); {
			case hit && rule.refusal != nil:
				wrong = append(wrong, platform.Wrong(t.path, rule.refusal)...)
			case hit && !slices.Contains(flags, rule.id):
				flags = append(flags, rule.id)
			}
		}
	}
	return flags, wrong
}

type passage struct{ path, text string }

// texts are all that a customer can read.
func (c Content) texts() []passage {
	all := []passage{
		{"content.title", c.Title}, {"content.text", c.Text}, {"content.unit", c.Unit},
		{"content.standard.scope", c.Standard.Scope}, {"content.standard.result", c.Standard.Result},
		{"content.standard.warranty", c.Standard.Warranty}, {"content.cancel_policy", c.CancelPolicy},
	}
	for i, need := range c.Need {
		all = append(all, passage{fmt.Sprintf("content.need[%d]", i), need})
	}
	for i, proof := range c.Proof {
		all = append(all, passage{fmt.Sprintf("content.proof[%d]", i), proof})
	}
	return all
}

// checks are the automatic checks; a rule without refusal only flags.
var checks = []struct {
	id      string
	refusal error
	hit     func(text string, o Options) bool
}{
	{"listing.banned_term", errBanned, func(text string, o Options) bool { return mentions(text, o.Banned) }},
	{"listing.contact_data", errContact, func(text string, _ Options) bool { return reachable(text) }},
	{"listing.superlative", nil, func(text string, o Options) bool { return mentions(text, o.Praise) }},
}

var superlatives = []string{
	"the best", "the cheapest", "number one", "no. 1", "unrivalled", "100% guaranteed",
	"第一", "最好", "最佳", "最低价", "国家级", "顶级", "独一无二", "百分之百",
}

func mentions(text string, terms []string) bool {
	return slices.ContainsFunc(terms, func(term string) bool { return term != "" && strings.Contains(text, folded(term)) })
}

// folded is a text as the checks read it: lower case, ASCII of normal width,
// one sort of space, nothing invisible.
func folded(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ToLower(r)
	}, narrow(text))
}

var (
	dates    = regexp.MustCompile(`\b(19|20)\d{2}[-./](0?[1-9]|1[0-2])[-./](0?[1-9]|[12]\d|3[01])\b`)
	contacts = []*regexp.Regexp{
		regexp.MustCompile(`\d([\s().+-]*\d){9,}`),                                                            // a telephone number in full
		regexp.MustCompile(`(\btel|\bphone|\bcall|\bmobile|电话|手机|热线)\D{0,6}\d([\s().-]*\d){5,}`),              // one without its area code
		regexp.MustCompile(`[a-z0-9._%+-]+\s*@\s*[a-z0-9-]+(\s*\.\s*[a-z0-9-]+)*\s*\.\s*[a-z]{2,}`),           // an e-mail address
		regexp.MustCompile(`https?://|\bwww\.|\b[a-z0-9-]+\.(com|cn|net|org|io)\b`),                           // a site
		regexp.MustCompile(`(微信|wechat|weixin|\bvx|\bqq|whatsapp|telegram)\s*(号码?|id)?\s*:\s*[a-z0-9_-]{4,}`), // a messenger, named
		regexp.MustCompile(`(微信|wechat|weixin|\bvx|\bqq|whatsapp|telegram)\s*(号码?|id)?\s*[a-z_-]*\d[a-z0-9_-]{2,}`),
	}
)

// reachable tells whether a folded text says how to reach somebody outside the
// platform. Dates are no telephone numbers.
func reachable(text string) bool {
	text = dates.ReplaceAllString(text, " ")
	return slices.ContainsFunc(contacts, func(r *regexp.Regexp) bool { return r.MatchString(text) })
}
