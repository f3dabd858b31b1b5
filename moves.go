package platform

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Move is a row of a transition table: from which states the verb leads where,
// and which kinds of actor may take it.
type Move[S ~string] struct {
	Verb    string
	From    []S
	To      S // empty: the state stays
	By      []ActorKind
	Refusal error // what any other state answers; it wraps ErrState. If nil, ErrState
}

// Moves is the transition table of a record: what is not in it cannot happen.
// A verb may have several rows, told apart by their From.
type Moves[S ~string] []Move[S]

// Take is the state after the verb. It fails with the row's Refusal, with the
// state as a detail, when the verb is not possible in this state, and with
// ErrDenied, code order.actor_not_allowed (say), when no row of the verb names
// the actor's kind.
func (m Moves[S]) Take(state S, verb string, by ActorKind) (S, error) {
	refusal, stranger := ErrState, false
	for _, row := range m {
		if row.Verb != verb {
			continue
		}
		mine := slices.Contains(row.By, by)
		if refusal == ErrState { //nolint:errorlint // no row gave its own yet
			refusal, stranger = cmp.Or(row.Refusal, ErrState), true
		}
		if mine && slices.Contains(row.From, state) {
			if row.To == "" {
				return state, nil
			}
			return row.To, nil
		}
		stranger = stranger && !mine
	}
	if stranger {
		refusal = actorRefusal(refusal)
	}
	return state, Detail(fmt.Errorf("%s %s: %w", verb, state, refusal), "state", string(state))
}

// actorRefusal has the code of the domain whose refusal it stands in for.
func actorRefusal(of error) error {
	domain, _, _ := strings.Cut(Code(of), ".")
	return Err(ErrDenied, domain+".actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")
}

// Open lists the verbs that a kind of actor may take in a state, in the
// table's order: what a user interface offers.
func (m Moves[S]) Open(state S, by ActorKind) []string {
	var verbs []string
	for _, row := range m {
		if slices.Contains(row.From, state) && slices.Contains(row.By, by) && !slices.Contains(verbs, row.Verb) {
			verbs = append(verbs, row.Verb)
		}
	}
	return verbs
}
