package platform

import (
	"errors"
	"maps"
)

// The six kinds of refusal. Every error of the library wraps exactly one of
// them; test with [errors.Is]. Each has a stable code of its own, so that an
// error without a finer one still answers [Code].
var (
	ErrNotFound    = Err(nil, "not_found", "not found", "找不到")
	ErrConflict    = Err(nil, "conflict", "changed by somebody else meanwhile", "已被他人更改")
	ErrState       = Err(nil, "state", "not possible in this state", "目前状态下不可操作")
	ErrInvalid     = Err(nil, "invalid", "invalid input", "输入无效")
	ErrDenied      = Err(nil, "denied", "not allowed", "无权操作")
	ErrUnavailable = Err(nil, "unavailable", "temporarily unavailable", "暂时不可用")
)

// Refusals that any command can meet.
var (
	errKeyReused    = Err(ErrInvalid, "key.reused", "the key was used for another command", "此键已用于另一命令")
	errKeyMalformed = Err(ErrInvalid, "key.malformed", "a key has 1 to 255 visible ASCII characters", "键须为1至255个可见ASCII字符")
	errNoActor      = Err(ErrDenied, "actor.missing", "nobody is named who acts", "未指明操作者")
)

// refusal is what Err makes: a constant of its package, compared by identity.
type refusal struct {
	kind         error
	code, en, zh string
}

// Err declares a refusal of the given kind (one of the six, or an error that
// wraps one) with its stable machine code, as in "order.not_cancellable", and
// its text in English and Chinese. Declare it once, as a package variable, and
// wrap it with what was tried on what:
//
//	fmt.Errorf("complete order %s: %w", o.ID, ErrNotAssigned)
func Err(kind error, code, en, zh string) error {
	return &refusal{kind: kind, code: code, en: en, zh: zh}
}

func (r *refusal) Error() string { return r.en }
func (r *refusal) Unwrap() error { return r.kind }

// Code is the stable machine code of the outermost refusal in err's chain, ""
// for nil, and "internal" for an error that is none of the library's.
func Code(err error) string {
	if err == nil {
		return ""
	}
	if fields, ok := errors.AsType[FieldErrors](err); ok && len(fields) > 0 {
		return fields[0].Code
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.code
	}
	return "internal"
}

// Text is what an end user may read about err, in the language asked for
// ("zh…" for Chinese, anything else English): the text of its refusal, never
// the ids and causes wrapped around it. An unknown error reads as unavailable.
func Text(err error, lang string) string {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		kind := ErrUnavailable
		if _, invalid := errors.AsType[FieldErrors](err); invalid {
			kind = ErrInvalid
		}
		r, _ = errors.AsType[*refusal](kind)
	}
	if chinese(lang) {
		return r.zh
	}
	return r.en
}

func chinese(lang string) bool { return len(lang) >= 2 && (lang[:2] == "zh" || lang[:2] == "ZH") }

// detailed is an error that carries facts for the caller.
type detailed struct {
	error
	facts map[string]any
}

func (d *detailed) Unwrap() error { return d.error }

// Detail wraps err with a fact that the caller can act on, such as the new
// quote beside order.cancel_fee_changed. HTTP shows facts as extension members
// of the problem (RFC 9457 §3.2). A fact never holds personal data.
func Detail(err error, name string, fact any) error {
	return &detailed{error: err, facts: map[string]any{name: fact}}
}

// Details are all facts that err carries; an outer fact hides an inner one of
// the same name. It is nil when there are none.
func Details(err error) (all map[string]any) {
	switch e := err.(type) { //nolint:errorlint // it walks the chain itself
	case *detailed:
		all = maps.Clone(e.facts)
		join(all, Details(e.error))
	case interface{ Unwrap() error }:
		all = Details(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, branch := range e.Unwrap() {
			if facts := Details(branch); all == nil {
				all = facts
			} else {
				join(all, facts)
			}
		}
	}
	return all
}

func join(all, more map[string]any) {
	for name, fact := range more {
		if _, hidden := all[name]; !hidden {
			all[name] = fact
		}
	}
}
