package platform

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/zh"
	ut "github.com/go-playground/universal-translator"
	"github.com/go-playground/validator/v10"
	entexts "github.com/go-playground/validator/v10/translations/en"
	zhtexts "github.com/go-playground/validator/v10/translations/zh"
)

// FieldError is what is wrong with one field, named as the caller wrote it.
type FieldError struct {
	Path string `json:"path"` // items[2].price
	Code string `json:"code"`
	En   string `json:"-"`
	Zh   string `json:"-"`
}

// Text is the error in the language asked for, "zh…" or anything else English.
func (f FieldError) Text(lang string) string {
	if chinese(lang) {
		return f.Zh
	}
	return f.En
}

// FieldErrors lists everything that is wrong with an input; the first never
// hides the others. It is an ErrInvalid.
type FieldErrors []FieldError

func (f FieldErrors) Error() string {
	texts := make([]string, len(f))
	for i, e := range f {
		texts[i] = e.Path + ": " + e.En
	}
	return strings.Join(texts, "; ")
}

// Is makes every FieldErrors an ErrInvalid.
func (f FieldErrors) Is(target error) bool { return target == ErrInvalid }

// Wrong is a FieldErrors of one field, for what a tag cannot say: err gives
// code and texts.
func Wrong(path string, err error) FieldErrors {
	return FieldErrors{{Path: path, Code: Code(err), En: Text(err, "en"), Zh: Text(err, "zh")}}
}

// Validate checks the `validate` tags of a struct, and of what it holds. It
// returns nil or FieldErrors with all of them. Besides the tags of
// go-playground/validator there are
//
//	id=ord      an identifier with this prefix: id.malformed, id.wrong_kind
//	text=2000   at most so many characters, none of them a control character
//	            but newline and tab: text.encoding, text.control, text.too_long
//
// Money counts as its minor units, absent money as missing; required refuses
// both that and an amount of zero. The code of a field is that of its code tag,
// or "field." and the name of the rule.
func Validate(v any) error {
	if v == nil || reflect.Indirect(reflect.ValueOf(v)).Kind() != reflect.Struct {
		return nil
	}
	c := checker()
	err := c.validate.Struct(v)
	if err == nil {
		return nil
	}
	var found validator.ValidationErrors
	if !errors.As(err, &found) {
		return fmt.Errorf("validate %T: %w", v, ErrInvalid)
	}
	fields := make(FieldErrors, 0, len(found))
	for _, f := range found {
		fields = append(fields, c.describe(v, f))
	}
	return fields
}

type rules struct {
	validate *validator.Validate
	en, zh   ut.Translator
}

// checker is built once: it caches the tags of every struct that it has seen.
var checker = sync.OnceValue(func() rules {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	v.RegisterCustomTypeFunc(func(field reflect.Value) any {
		if m, ok := reflect.TypeAssert[Money](field); ok && m != (Money{}) {
			return m.Minor()
		}
		return nil
	}, Money{})
	translators := ut.New(en.New(), zh.New())
	english, _ := translators.GetTranslator("en")
	chinese, _ := translators.GetTranslator("zh")
	err := errors.Join(
		entexts.RegisterDefaultTranslations(v, english),
		zhtexts.RegisterDefaultTranslations(v, chinese),
		v.RegisterValidation("id", func(l validator.FieldLevel) bool { return idFault(l.Field().String(), l.Param()) == nil }),
		v.RegisterValidation("text", func(l validator.FieldLevel) bool { return textFault(l.Field().String(), l.Param()) == nil }),
	)
	if err != nil {
		panic(err) // a rule of this file registered wrongly
	}
	return rules{validate: v, en: english, zh: chinese}
})

func (c rules) describe(v any, f validator.FieldError) FieldError {
	_, path, _ := strings.Cut(f.Namespace(), ".")
	e := FieldError{Path: path, Code: "field." + f.Tag(), En: f.Translate(c.en), Zh: f.Translate(c.zh)}
	if e.En == f.Error() { // the rule has no text: never show Go's names
		e.En = Text(ErrInvalid, "en")
	}
	if e.Zh == f.Error() {
		e.Zh = Text(ErrInvalid, "zh")
	}
	var fault error
	switch value, _ := f.Value().(fmt.Stringer); f.Tag() {
	case "id":
		fault = idFault(textOf(f.Value(), value), f.Param())
	case "text":
		fault = textFault(textOf(f.Value(), value), f.Param())
	}
	if fault != nil {
		e.Code, e.En, e.Zh = Code(fault), Text(fault, "en"), Text(fault, "zh")
	}
	if code := codeTag(reflect.TypeOf(v), f.StructNamespace()); code != "" {
		e.Code = code
	}
	return e
}

func textOf(v any, s fmt.Stringer) string {
	if s != nil {
		return s.String()
	}
	return reflect.ValueOf(v).String()
}

// codeTag is the `code` tag of the field at a path such as "Place.Lines[2].Quantity".
func codeTag(t reflect.Type, namespace string) string {
	var code string
	for i, name := range strings.Split(namespace, ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Array {
			t = t.Elem()
		}
		if i == 0 || t.Kind() != reflect.Struct {
			continue
		}
		name, _, _ = strings.Cut(name, "[")
		f, ok := t.FieldByName(name)
		if !ok {
			return ""
		}
		code, t = f.Tag.Get("code"), f.Type
	}
	return code
}

var (
	errTextEncoding = Err(ErrInvalid, "text.encoding", "not valid UTF-8", "不是有效的UTF-8文本")
	errTextControl  = Err(ErrInvalid, "text.control", "contains control characters", "含有控制字符")
	errTextTooLong  = Err(ErrInvalid, "text.too_long", "too long", "文本过长")
)

func idFault(text, prefix string) error {
	id, err := ParseID(text)
	if err == nil && prefix != "" && id.Prefix() != prefix {
		return errIDKind
	}
	return err
}

func textFault(text, limit string) error {
	most := 0
	for _, digit := range limit {
		most = most*10 + int(digit-'0')
	}
	switch {
	case !utf8.ValidString(text):
		return errTextEncoding
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }):
		return errTextControl
	case utf8.RuneCountInString(text) > most:
		return errTextTooLong
	}
	return nil
}
