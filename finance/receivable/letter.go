package receivable

import (
	"context"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/liangding/platform"
)

// Letter tells a debtor what it owes: all claims that are overdue, once a day at
// most. Its id is made of the debtor and the day.
type Letter struct {
	platform.Head
	To    platform.ID `json:"to" class:"internal"`
	At    time.Time   `json:"at" class:"internal"`
	Lines []Demand    `json:"lines" class:"internal"`           // the oldest due first
	Sent  time.Time   `json:"sent,omitzero" class:"internal"`   // when it was brought to the debtor
	Tries int         `json:"tries,omitempty" class:"internal"` // in vain
	Due   time.Time   `json:"due,omitzero" class:"internal"`    // when it is sent next
}

// Demand is one claim in a letter.
type Demand struct {
	Item      platform.ID    `json:"item" class:"internal"`
	Reference string         `json:"reference" class:"internal"`
	Due       time.Time      `json:"due" class:"internal"`
	Open      platform.Money `json:"open" class:"internal"`
	Disputed  platform.Money `json:"disputed" class:"internal"`
	Fee       platform.Money `json:"fee" class:"internal"`
	Interest  platform.Money `json:"interest" class:"internal"`
	Level     int            `json:"level" class:"internal"`
	Name      string         `json:"name" class:"internal"`          // of the level
	New       bool           `json:"new,omitempty" class:"internal"` // it was reached by this letter
}

// Ref names the letter.
func (l Letter) Ref() platform.Ref { return platform.Ref{Kind: "receivable.letter", ID: l.ID} }

// letterOf is the id of the one letter to a party on the day of a moment.
func (t Terms) letterOf(party platform.ID, at time.Time) platform.ID {
	day := t.day(at, 0)
	return platform.NewID("ltr", day, party.Slot(), random(string(party), day.Format(time.DateOnly)))
}

// demand is a claim as a letter tells it.
func (i Item) demand(at time.Time, t Terms, stepped bool) Demand {
	level, _ := t.level(i.Level)
	reference := i.Reference
	if reference == "" {
		reference = string(i.ID)
	}
	return Demand{
		Item: i.ID, Reference: reference, Due: i.Due, Open: i.Open(), Disputed: i.Disputed, Fee: i.Fee,
		Interest: i.Accrued(at, t), Level: i.Level, Name: level.Name, New: stepped,
	}
}

var letters = map[string]*template.Template{
	"en": template.Must(template.New("en").Parse(`Payment reminder

The following amounts are overdue:
{{range .Lines}}
- {{.Reference}}, due {{.Due.Format "2006-01-02"}}: {{.Open}}{{if .Disputed.Sign}}, of which {{.Disputed}} is disputed and not asked for{{end}}{{if .Fee.Sign}}; fee {{.Fee}}{{end}}{{if .Interest.Sign}}; interest {{.Interest}}{{end}}{{if .Level}} (level {{.Level}}, {{.Name}}){{end}}
{{- end}}

Please pay, say by when you will, or tell us what you dispute. Money covers the claims themselves first. If you have paid meanwhile, nothing is left to do.
`)),
	"zh": template.Must(template.New("zh").Parse(`付款提醒

以下款项已逾期：
{{range .Lines}}
- {{.Reference}}，到期日{{.Due.Format "2006-01-02"}}：{{.Open}}{{if .Disputed.Sign}}，其中{{.Disputed}}有争议，暂不催收{{end}}{{if .Fee.Sign}}；费用{{.Fee}}{{end}}{{if .Interest.Sign}}；利息{{.Interest}}{{end}}{{if .Level}}（第{{.Level}}级）{{end}}
{{- end}}

请尽快付款、承诺付款日期，或说明有争议的部分。款项先抵偿本金。如已付款，请忽略本函。
`)),
}

// Texts are the letter as its debtor reads it, by language.
func (l Letter) Texts(zone *time.Location) (map[string]string, error) {
	if zone == nil {
		zone = time.UTC
	}
	l.Lines = append([]Demand(nil), l.Lines...)
	for n := range l.Lines {
		l.Lines[n].Due = l.Lines[n].Due.In(zone)
	}
	texts := map[string]string{}
	for lang, t := range letters {
		var b strings.Builder
		if err := t.Execute(&b, l); err != nil {
			return nil, fmt.Errorf("write letter %s: %w", l.ID, err)
		}
		texts[lang] = b.String()
	}
	return texts, nil
}

// unpaid is the letter without the claims that were paid since it was written.
func (s *Service) unpaid(ctx context.Context, l Letter) (Letter, error) {
	ids := make([]platform.ID, len(l.Lines))
	for n, d := range l.Lines {
		ids[n] = d.Item
	}
	items, err := s.store.ItemsByID(ctx, ids...)
	if err != nil {
		return Letter{}, err
	}
	lines := l.Lines
	l.Lines = nil
	for n, i := range items {
		if i.Open().Sign() > 0 {
			l.Lines = append(l.Lines, lines[n])
		}
	}
	return l, nil
}

// send brings one letter to its debtor, outside any decision, and notes the
// outcome: of what was paid meanwhile it says nothing, and when nothing is left it
// is not sent. What fails is tried again after an hour, and after a day each, five
// times in all.
func (s *Service) send(ctx context.Context, l Letter, now time.Time) error {
	left, err := s.unpaid(ctx, l)
	if err != nil {
		return err
	}
	texts, err := left.Texts(s.terms.Zone)
	if err != nil {
		return err
	}
	var failed error
	if len(left.Lines) > 0 {
		failed = s.ports.Notify.Notify(ctx, l.Ref(), l.To, texts)
	}
	_, err = platform.Update(ctx, s.w, posted{l.ID}, func(ctx context.Context) (Letter, []platform.Change, error) {
		next, err := s.store.Letter(ctx, l.ID)
		if err != nil {
			return Letter{}, nil, err
		}
		if next.Version != l.Version { // another tick sent it
			return Letter{}, nil, fmt.Errorf("letter %s: %w", l.ID, ErrNotDue)
		}
		what := "receivable.letter_sent"
		next.Due = time.Time{}
		switch {
		case len(left.Lines) == 0:
			what = "receivable.letter_withdrawn"
		case failed == nil:
			next.Sent = now
		default:
			what = "receivable.letter_failed"
			next.Tries++
			if wait := [...]time.Duration{time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour}; next.Tries <= len(wait) {
				next.Due = now.Add(wait[next.Tries-1])
			}
		}
		return next, []platform.Change{platform.Put(next), platform.Happened(what, next.Ref(), map[string]any{"debtor": next.To})}, nil
	})
	return err
}

// posted notes that a letter was sent, or was not.
type posted struct {
	Letter platform.ID `json:"letter"`
}

// Letter is one letter, to its debtor and to those who oversee all.
func (s *Service) Letter(ctx context.Context, id platform.ID) (Letter, error) {
	l, err := s.store.Letter(ctx, id)
	if err == nil {
		err = s.visible(ctx, l.To, l.Ref())
	}
	if err != nil {
		return Letter{}, err
	}
	return l, nil
}

// Letters is a page of the letters to a party, the latest first.
func (s *Service) Letters(ctx context.Context, party platform.ID, cursor string) (platform.Page[Letter], error) {
	if err := s.visible(ctx, party, platform.Ref{Kind: "receivable.debtor"}); err != nil {
		return platform.Page[Letter]{}, err
	}
	return s.store.Letters(ctx, party, cursor)
}
