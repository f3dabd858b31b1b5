package pages

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
)

// form is a form on a page: where it leads, the key of its command, and, when it was
// refused, what was typed and what is wrong with it.
type form struct {
	Action  string
	Verb    string // its button is move.<verb>
	Key     string
	Hidden  map[string]string
	Choices []string // codes to choose one of
	Refused bool     // it was sent, and came to nothing
	of      string   // part of its fields' ids
	typed   url.Values
	wrong   []edge.Field
}

// field is one of a form as its page needs it.
type field struct{ ID, Name, Value, Wrong string }

type refusedKey struct{}

// refused is a form that came to nothing.
type refused struct {
	action  string
	typed   url.Values
	problem *edge.Problem
}

// formFor is the form of a verb. After its refusal it holds what was typed. It keeps
// its key when nobody knows whether the command happened: the next press finds out.
func formFor(ctx context.Context, at, verb string, choices ...string) *form {
	f := &form{Action: at + "/" + verb, Verb: verb, Key: rand.Text(), Hidden: map[string]string{}, Choices: choices, typed: url.Values{}}
	if was, _ := ctx.Value(refusedKey{}).(refused); was.action == f.Action {
		f.Refused, f.typed, f.wrong = true, was.typed, was.problem.Fields
		if was.problem.Status >= http.StatusInternalServerError {
			f.Key = was.typed.Get("key")
		}
	}
	return f
}

// with is the form with a hidden field.
func (f *form) with(name, value string) *form {
	f.Hidden[name] = value
	return f
}

// about is a hidden field that tells the form from others of its action on the page:
// what was typed into those is not in this one.
func (f *form) about(name, value string) *form {
	if f.Refused && f.typed.Get(name) != value {
		f = &form{Action: f.Action, Verb: f.Verb, Key: rand.Text(), Hidden: map[string]string{}, Choices: f.Choices, typed: url.Values{}}
	}
	return f.with(name, value)
}

// as tells the form's fields from those of another of its verb on the page.
func (f *form) as(id platform.ID) *form {
	f.of = "-" + string(id)
	return f
}

// asking is a form that only asks: it is sent with GET, and has what was asked and
// what is wrong with it, whether the question or the command after it was refused.
func asking(ctx context.Context, at, verb string, in url.Values, err error) *form {
	f := &form{Action: at, Verb: verb, typed: in}
	if err != nil {
		f.wrong = edge.Explain(ctx, err).Fields
	}
	if was, is := ctx.Value(refusedKey{}).(refused); is {
		f.wrong = append(f.wrong, was.problem.Fields...)
	}
	return f
}

// Field is a field with what was typed into it.
func (f *form) Field(name string) field {
	at := field{ID: f.Verb + f.of + "-" + name, Name: name, Value: f.typed.Get(name)}
	for _, w := range f.wrong {
		if named(w.Path) == name {
			at.Wrong = w.Text
		}
	}
	return at
}

// Chosen tells whether a choice was made before; nothing is chosen for anybody.
func (f *form) Chosen(name, value string) bool {
	return slices.Contains(f.typed[name], value)
}

// Or is a field that shows a value until something was typed.
func (f *form) Or(name, value string) field {
	at := f.Field(name)
	if !f.typed.Has(name) {
		at.Value = value
	}
	return at
}

// named is the field of a path as a command knows it: lines[0].quantity is quantity.
func named(path string) string {
	path = path[strings.LastIndex(path, ".")+1:]
	path, _, _ = strings.Cut(path, "[")
	return path
}

// asked is what a page was asked with, by its address or by a form on it.
func asked(r *http.Request) url.Values {
	if r.PostForm != nil {
		return r.PostForm
	}
	return r.URL.Query()
}

// parsed reads a form, and the hashes of its files, which are not kept.
func parsed(r *http.Request) error {
	err := r.ParseMultipartForm(edge.MaxBody)
	if errors.Is(err, http.ErrNotMultipart) {
		err = r.ParseForm()
	}
	if err == nil && r.MultipartForm != nil {
		err = hashed(r.MultipartForm.File, r.PostForm)
	}
	if err != nil || r.PostForm.Get("key") == "" {
		return fmt.Errorf("read form: %w", errForm)
	}
	return nil
}

// hashed adds the hash and the size of each file to what was typed, as the page's
// script does before it sends anything.
func hashed(sent map[string][]*multipart.FileHeader, into url.Values) error {
	for name, all := range sent {
		if len(all) == 0 || all[0].Size == 0 {
			continue
		}
		file, err := all[0].Open()
		if err != nil {
			return err
		}
		sum := sha256.New()
		n, err := io.Copy(sum, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
		into.Set(name+".sha256", hex.EncodeToString(sum.Sum(nil)))
		into.Set(name+".bytes", strconv.FormatInt(n, 10))
	}
	return nil
}

// whole reads a number.
func whole(in url.Values, name string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(in.Get(name)), 10, 64)
	if err != nil {
		return 0, platform.Wrong(name, errCount)
	}
	return n, nil
}

// moment reads the clock of a zone, as a browser writes it; nothing typed is no time.
func moment(in url.Values, name string, zone *time.Location) (time.Time, error) {
	text := strings.TrimSpace(in.Get(name))
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", text, zone)
	if err != nil {
		return time.Time{}, platform.Wrong(name, errTime)
	}
	return at, nil
}

// amount reads money in the currency of another amount; nothing typed is absent.
func amount(in url.Values, name string, like platform.Money) (platform.Money, error) {
	text := strings.TrimSpace(in.Get(name))
	if text == "" {
		return platform.Money{}, nil
	}
	m, err := platform.ParseMoney(text, like.Currency().String())
	if err != nil {
		return platform.Money{}, platform.Wrong(name, err)
	}
	return m, nil
}

// sum reads an amount that a form carries with its currency, as [platform.Money]
// writes it.
func sum(in url.Values, name string) (platform.Money, error) {
	number, currency, _ := strings.Cut(in.Get(name), " ")
	m, err := platform.ParseMoney(number, currency)
	if err != nil {
		return platform.Money{}, fmt.Errorf("%s: %w: %w", name, errForm, err)
	}
	return m, nil
}
