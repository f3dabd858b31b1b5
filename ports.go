package platform

import "context"

// Leg is what a domain tells the books: an amount on an account, named by the
// role that it plays. Debits are positive and credits negative; the legs of
// one posting sum to zero in each currency.
type Leg struct {
	Role   string `json:"role" class:"internal"`            // escrow, earning, commission …
	Of     ID     `json:"of,omitempty" class:"internal"`    // the order (or contract) whose account it is; empty for an account of the party alone
	Party  ID     `json:"party,omitempty" class:"internal"` // merchant, staff member, institution
	Amount Money  `json:"amount" class:"internal"`
}

// Act is what somebody wants to do: give a command, or see a sealed field.
type Act struct {
	Actor           Actor
	Action          string // the command, as in "order.cancel"
	On              Ref    // its record; zero when it names none
	Field           string // that is to be seen, by its path in the record
	Purpose, Reason string // of seeing it
}

// Guard answers whether an act is permitted, beside the rules of ownership that
// hold anyway. [Update] asks it before anything is loaded, at each try anew.
type Guard interface {
	// Permit returns the changes that must be part of the act's commit, which
	// are mostly none: what the permission rests on, or what it uses up. Its
	// refusal wraps ErrDenied; events beside it are committed, nothing else.
	Permit(ctx context.Context, act Act) ([]Change, error)
}

// Place is where a personal value is kept: whose it is, in which record and
// field. A sealed value opens nowhere else.
type Place struct {
	Subject, Record Ref
	Field           string
}

// Sealer keeps personal values from being stored in the clear. Sealing is
// random, so it happens before [Update], once.
type Sealer interface {
	// Seal encrypts plain for its place. An empty value seals to nil.
	Seal(ctx context.Context, at Place, plain string) (Sealed, error)

	// Blind is a keyed digest by which equal values of one field can be found
	// and kept unique without being readable.
	Blind(ctx context.Context, field, plain string) (string, error)
}
