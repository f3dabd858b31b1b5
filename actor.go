package platform

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// ActorKind says in what capacity somebody acts (clause 1.2).
type ActorKind string

// The kinds of actor. A transition table names, for each move, who may make it.
const (
	Customer ActorKind = "customer"
	Merchant ActorKind = "merchant"
	Staff    ActorKind = "staff"
	Operator ActorKind = "operator"
	System   ActorKind = "system"
	Auditor  ActorKind = "auditor"
)

// Actor is who acts: exactly one kind, the roles granted, and on whose behalf
// when not the actor's own. Every command and every event has one.
type Actor struct {
	ID       ID        `json:"id"`
	Kind     ActorKind `json:"kind"`
	Roles    []string  `json:"roles,omitempty"`
	OnBehalf ID        `json:"on_behalf,omitempty"`
	Tenant   string    `json:"tenant,omitempty"`
}

// Has tells whether the actor was granted the role.
func (a Actor) Has(role string) bool { return slices.Contains(a.Roles, role) }

// For is whose records the actor acts on: the one it stands in for, or itself.
func (a Actor) For() ID {
	if a.OnBehalf != "" {
		return a.OnBehalf
	}
	return a.ID
}

// SystemActor is the platform itself, acting through the named part: timers,
// results of an institution.
func SystemActor(part string) Actor { return Actor{ID: ID("system:" + part), Kind: System} }

type (
	actorKey   struct{}
	commandKey struct{}
	requestKey struct{}
	decideKey  struct{}
	versionKey struct{}
)

// As returns a ctx in which actor acts.
func As(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ActorOf is who acts in ctx. It fails with ErrDenied, code actor.missing, when
// nobody does.
func ActorOf(ctx context.Context) (Actor, error) {
	actor, ok := ctx.Value(actorKey{}).(Actor)
	if !ok || actor.ID == "" || actor.Kind == "" {
		return Actor{}, errNoActor
	}
	return actor, nil
}

// Key is the name under which the effect of a command happens at most once: the
// caller's own key in the scope of the actor.
type Key struct {
	Scope string `json:"scope"`
	Name  string `json:"name"`
}

// Slot is the first 12 bits of SHA-256(scope, 0x00, name): where the key, or a
// claim of that scope and name, is registered. The formula is frozen.
func (k Key) Slot() Slot {
	sum := sha256.Sum256([]byte(k.Scope + "\x00" + k.Name))
	return Slot(binary.BigEndian.Uint16(sum[:2]) >> 4)
}

// WithKey returns a ctx whose next command happens at most once: a repeat under
// the same key by the same actor gets the stored answer, and another command
// under it fails with ErrInvalid, code key.reused. A key is 1 to 255 visible
// ASCII characters; it is remembered for 30 days. A refused command leaves no
// key behind.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, commandKey{}, key)
}

// WithoutKey returns a ctx for the later steps of a command, which its records'
// versions guard: the key, and the version expected, belong to the first step.
func WithoutKey(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, versionKey{}, int64(0))
	return context.WithValue(ctx, commandKey{}, "")
}

// KeyOf is the key that the next command in ctx would use; the zero Key when
// there is none. It fails with ErrInvalid, code key.malformed.
func KeyOf(ctx context.Context) (Key, error) {
	name, _ := ctx.Value(commandKey{}).(string)
	if name == "" {
		return Key{}, nil
	}
	if len(name) > 255 {
		return Key{}, errKeyMalformed
	}
	for _, c := range []byte(name) {
		if c < '!' || c > '~' {
			return Key{}, errKeyMalformed
		}
	}
	actor, err := ActorOf(ctx)
	return Key{Scope: "key/" + string(actor.ID), Name: name}, err
}

// WithRequest returns a ctx whose events carry the id of the request that
// caused them.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// IfVersion returns a ctx whose next command happens only while the record that
// it names (its Subject) is at this version, as the caller saw it: otherwise it
// fails with ErrConflict, code precondition.
func IfVersion(ctx context.Context, version int64) context.Context {
	return context.WithValue(ctx, versionKey{}, version)
}

// Deciding tells whether ctx belongs to a decision under way inside [Update],
// where nothing outside may be called. Adapters to institutions panic when it
// does, since a decision may run several times.
func Deciding(ctx context.Context) bool { return ctx.Value(decideKey{}) != nil }
