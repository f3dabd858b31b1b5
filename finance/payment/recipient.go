package payment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// RecipientState is whether shares may go to a recipient.
type RecipientState string

// The states of a recipient.
const (
	RecipientAsked   RecipientState = "asked"   // an account is opened, or lacks something; see Recipient.Needs
	RecipientReady   RecipientState = "ready"   // shares may go to it
	RecipientRefused RecipientState = "refused" // the institution takes no such receiver
)

// Recipient is the account of a party at an institution, to which its shares go.
type Recipient struct {
	platform.Head
	Party       platform.ID    `json:"party" class:"internal"`
	Institution string         `json:"institution" class:"internal"`
	Account     string         `json:"account,omitempty" class:"internal"` // the institution's name of it
	State       RecipientState `json:"state" class:"internal"`
	PaysOut     bool           `json:"pays_out,omitempty" class:"internal"` // what it has goes to the party's bank
	Needs       []string       `json:"needs,omitempty" class:"internal"`    // what the institution still asks for, in its own words
	Reason      string         `json:"reason,omitempty" class:"internal"`   // a code
	CheckedAt   time.Time      `json:"checked_at,omitzero" class:"internal"`
	Due         time.Time      `json:"due,omitzero" class:"internal"` // when the institution is asked again
}

// Ref names the recipient.
func (r Recipient) Ref() platform.Ref { return platform.Ref{Kind: recipientKind, ID: r.ID} }

const recipientKind = "payment.recipient"

// RecipientID is the id of the recipient that a party is at an institution. The
// formula is frozen: moment 0, the slot of both names, and 8 bytes of SHA-256 of
// them.
func RecipientID(institution string, party platform.ID) platform.ID {
	key := platform.Key{Scope: "recipient/" + institution, Name: string(party)}
	sum := sha256.Sum256([]byte(key.Scope + "\x00" + key.Name))
	return platform.NewID("rcp", time.UnixMilli(0), key.Slot(), binary.BigEndian.Uint64(sum[8:16]))
}

func recipientRef(institution string, party platform.ID) platform.Ref {
	return platform.Ref{Kind: recipientKind, ID: RecipientID(institution, party)}
}

// stands returns the recipient as the institution says its account stands; it is
// asked again after a day, while it takes no shares.
func (r Recipient) stands(st Standing, at time.Time) Recipient {
	r.Account, r.PaysOut, r.Needs, r.CheckedAt, r.Reason = st.Account, st.PaysOut, st.Needs, at, ""
	r.State, r.Due = RecipientReady, time.Time{}
	if !st.Receives {
		r.State, r.Due = RecipientAsked, at.Add(24*time.Hour)
	}
	return r
}

// AddRecipient makes an account that a party has at an institution one that its
// shares go to.
type AddRecipient struct {
	Party       platform.ID `json:"party" validate:"required,max=30"`
	Institution string      `json:"institution" validate:"required,max=33"`
	Account     string      `json:"account" validate:"required,max=64,printascii"`
	Name        string      `json:"name,omitempty" validate:"max=200"` // of its holder, where the institution compares it; told to it and kept nowhere
}

// Subject is the recipient.
func (in AddRecipient) Subject() platform.Ref { return recipientRef(in.Institution, in.Party) }

// AddRecipient tells the institution of a receiver, and returns the recipient:
// ready, or refused with the institution's reason. Adding it again changes nothing.
// While the institution gives no answer it is asked, and the command is to be
// repeated. Operators and the system may do so.
//
// It fails with ErrInstitution, with ErrNoSplits for an institution that hands
// nothing on, and with ErrAccount when the party has another account there that
// shares go to.
func (s *Service) AddRecipient(ctx context.Context, in AddRecipient) (Recipient, error) {
	g, err := s.splitter(in.Institution)
	if err != nil {
		return Recipient{}, err
	}
	r, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Recipient, []platform.Change, error) {
		r, err := s.recipient(ctx, in.Institution, in.Party)
		if err != nil {
			return Recipient{}, nil, err
		}
		if r.State == RecipientReady && r.Account != in.Account {
			return Recipient{}, nil, fmt.Errorf("add %s: %w", r.ID, ErrAccount)
		}
		if r.State != RecipientReady {
			r.State, r.Account, r.Reason = RecipientAsked, in.Account, ""
		}
		return r, []platform.Change{platform.Put(r), r.event()}, nil
	})
	if err != nil || r.State == RecipientReady {
		return r, err
	}
	call, cancel := context.WithTimeout(ctx, s.opts.Call)
	defer cancel()
	told := g.AddReceiver(call, Receiver{Account: in.Account, Name: in.Name})
	return s.recipientIs(ctx, r, func(r Recipient, at time.Time) (Recipient, error) {
		switch {
		case told == nil:
			return r.stands(Standing{Account: in.Account, Receives: true, PaysOut: r.PaysOut}, at), nil
		case errors.Is(told, ErrRefused), errors.Is(told, ErrDeclined):
			r.State, r.Reason, r.Due, r.CheckedAt = RecipientRefused, platform.Code(told), time.Time{}, at
			return r, nil
		}
		return Recipient{}, told
	})
}

// Recipient is one recipient, see [RecipientID], to operators and auditors.
func (s *Service) Recipient(ctx context.Context, id platform.ID) (Recipient, error) {
	ref := platform.Ref{Kind: recipientKind, ID: id}
	if err := s.visible(ctx, "", ref); err != nil {
		return Recipient{}, err
	}
	found, err := s.store.Found(ctx, ref)
	if err == nil && len(found.Recipients) == 0 {
		err = platform.NotFound(ref)
	}
	if err != nil {
		return Recipient{}, err
	}
	return found.Recipients[0], nil
}

// recipient is the one that is known, or a new one.
func (s *Service) recipient(ctx context.Context, institution string, party platform.ID) (Recipient, error) {
	if err := platformOnly(ctx); err != nil {
		return Recipient{}, fmt.Errorf("recipient %s: %w", party, err)
	}
	found, err := s.store.Found(ctx, recipientRef(institution, party))
	if err != nil {
		return Recipient{}, err
	}
	for _, r := range found.Recipients {
		return r, nil
	}
	return Recipient{Head: platform.Head{ID: RecipientID(institution, party)}, Party: party, Institution: institution}, nil
}

// stand records how an account stands, after the institution was told that shares
// go to it.
func (s *Service) stand(ctx context.Context, r Recipient, st Standing) (Recipient, error) {
	if g, err := s.splitter(r.Institution); err == nil && st.Receives {
		call, cancel := context.WithTimeout(ctx, s.opts.Call)
		defer cancel()
		if err := g.AddReceiver(call, Receiver{Account: st.Account}); err != nil {
			st.Receives = false
			st.Needs = append(st.Needs, platform.Code(err))
		}
	}
	return s.recipientIs(ctx, r, func(r Recipient, at time.Time) (Recipient, error) { return r.stands(st, at), nil })
}

// knownRecipient is what was heard of a recipient.
type knownRecipient struct{ Recipient platform.ID }

// Subject is the recipient.
func (k knownRecipient) Subject() platform.Ref {
	return platform.Ref{Kind: recipientKind, ID: k.Recipient}
}

func (s *Service) recipientIs(ctx context.Context, r Recipient, decide func(Recipient, time.Time) (Recipient, error)) (Recipient, error) {
	return persist(context.WithoutCancel(ctx), s, knownRecipient{r.ID}, func(ctx context.Context) (Recipient, []platform.Change, error) {
		now, err := s.recipient(ctx, r.Institution, r.Party)
		if err != nil {
			return Recipient{}, nil, err
		}
		next, err := decide(now, s.w.Now())
		if err != nil {
			return Recipient{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), next.event()}, nil
	})
}

// askRecipient asks how an account stands.
func (s *Service) askRecipient(due Recipient) errand {
	var st Standing
	return errand{
		ask: func(ctx context.Context) error {
			g, err := s.onboarder(due.Institution)
			if err != nil {
				return err
			}
			call, cancel := context.WithTimeout(ctx, s.opts.Call)
			defer cancel()
			if st, err = g.Standing(call, due.Account); err != nil {
				st = Standing{Account: due.Account, Needs: due.Needs} // as it was, until tomorrow
			}
			return nil
		},
		then: func(ctx context.Context) error {
			_, err := s.stand(ctx, due, st)
			return err
		},
	}
}

// onboarder is the institution of that name, which opens accounts.
func (s *Service) onboarder(institution string) (Onboarder, error) {
	g, err := s.gateway(institution)
	if err != nil {
		return nil, err
	}
	can, ok := g.(Onboarder)
	if !ok {
		return nil, fmt.Errorf("institution %q: %w", institution, ErrNoSplits)
	}
	return can, nil
}

func (r Recipient) event() platform.Change {
	return platform.Happened("payment.recipient_"+string(r.State), r.Ref(), struct {
		Party       platform.ID `json:"party"`
		Institution string      `json:"institution"`
		Needs       []string    `json:"needs,omitempty"`
		Reason      string      `json:"reason,omitempty"`
	}{r.Party, r.Institution, r.Needs, r.Reason})
}

// AccountAt is the institution's name of a party's account there; ErrNotFound where it
// has none.
func (a Asks) AccountAt(ctx context.Context, institution string, party platform.ID) (string, error) {
	found, err := a.Store.Found(ctx, recipientRef(institution, party))
	if err == nil && (len(found.Recipients) == 0 || found.Recipients[0].Account == "") {
		err = platform.NotFound(recipientRef(institution, party))
	}
	if err != nil {
		return "", err
	}
	return found.Recipients[0].Account, nil
}
