package budget

import (
	"errors"
	"slices"

	"github.com/liangding/platform"
)

// legs are those of one posting, one an account.
type legs []platform.Leg

// move adds an amount that goes from one account of a line to another.
func (l *legs) move(from, to string, of Line, amount platform.Money) error {
	return errors.Join(l.add(from, of, amount), l.add(to, of, amount.Neg()))
}

// add adds an amount to an account of a line.
func (l *legs) add(role string, of Line, amount platform.Money) (err error) {
	at := slices.IndexFunc(*l, func(x platform.Leg) bool { return x.Role == role && x.Of == of.ID })
	switch {
	case amount.Sign() == 0:
	case at < 0:
		*l = append(*l, platform.Leg{Role: role, Of: of.ID, Amount: amount})
	default:
		(*l)[at].Amount, err = (*l)[at].Amount.Add(amount)
	}
	return err
}

// grow adds what a line's plan grows by: less than nothing where it shrinks.
func (l *legs) grow(of Line, by platform.Money) error {
	return errors.Join(l.add("plan", of, by), l.add("free", of, by.Neg()))
}
