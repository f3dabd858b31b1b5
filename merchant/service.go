package merchant

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Service carries out the commands of this package. It may be used by several
// goroutines at once.
type Service struct {
	w     platform.Writer
	store Store
	ports Ports
	opts  Options
}

// Ports are what the package needs of others; each may be nil.
type Ports struct {
	// Requirements tells what still blocks a merchant. If nil, nothing does.
	Requirements Requirements

	// Sealer keeps personal values. If nil, commands that carry any are refused
	// with code merchant.not_sealable.
	Sealer platform.Sealer
}

// Requirements judges what a party has to prove; security/verification is one.
type Requirements interface {
	// Met returns the changes (checks) on which its answer relies when nothing
	// blocks the capability at that moment, and an ErrState when something does.
	Met(ctx context.Context, party platform.ID, capability string, at time.Time) ([]platform.Change, error)
}

// Options are rules as data. The zero value of each field is a default.
type Options struct {
	// LicenceOptional lets applicants go without a licence number. Without one
	// there is one open application for each applicant.
	LicenceOptional bool

	// Templates are the texts of the agreement; the one with the latest From
	// that has come is offered. If empty, a plain text, version 1, serves until
	// the platform has its own.
	Templates []Template

	// Banned are terms that no listing may contain, whatever the case and width
	// of their letters.
	Banned []string

	// Praise are claims that a reviewer is shown. If nil, superlatives in
	// English and Chinese.
	Praise []string

	ApplyFor     time.Duration // to hand an application in; 0 is 90 days
	AnswerFor    time.Duration // to answer questions; 0 is 14 days
	SignFor      time.Duration // to sign once approved; 0 is 30 days
	OnboardFor   time.Duration // to become active once signed; 0 is 60 days
	CoolOff      time.Duration // from a rejection to the next application; 0 is 30 days
	FraudCoolOff time.Duration // the same after fraud; 0 is 365 days
}

const day = 24 * time.Hour

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		of   *time.Duration
		days int
	}{{&o.ApplyFor, 90}, {&o.AnswerFor, 14}, {&o.SignFor, 30}, {&o.OnboardFor, 60}, {&o.CoolOff, 30}, {&o.FraudCoolOff, 365}} {
		if *d.of <= 0 {
			*d.of = time.Duration(d.days) * day
		}
	}
	if len(o.Templates) == 0 {
		o.Templates = []Template{plain}
	}
	if o.Praise == nil {
		o.Praise = superlatives
	}
	o.Templates = slices.SortedStableFunc(slices.Values(o.Templates), func(a, b Template) int { return a.From.Compare(b.From) })
	return o
}

// New is a service that writes by w and reads from store. If opts is nil, all
// defaults hold.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	if opts == nil {
		opts = &Options{}
	}
	return &Service{w: w.Ready(), store: store, ports: ports, opts: opts.withDefaults()}
}

// visitor lets in anybody, nobody too, but for somebody of another tenant.
func (s *Service) visitor(ctx context.Context) error {
	if _, err := s.w.Actor(ctx); errors.Is(err, platform.ErrNotFound) {
		return err
	}
	return nil
}

// The reads below find a record for whoever acts in ctx. What is not theirs is
// as absent as what does not exist.

func (s *Service) application(ctx context.Context, id platform.ID) (Application, platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Application{}, by, err
	}
	a, err := s.store.Application(ctx, id)
	if err != nil {
		return Application{}, by, err
	}
	if !sees(by, a.Merchant) && !sees(by, a.Applicant) {
		return Application{}, by, platform.NotFound(a.Ref())
	}
	return a, by, nil
}

func (s *Service) merchant(ctx context.Context, id platform.ID) (Merchant, platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Merchant{}, by, err
	}
	if !sees(by, id) || id.Prefix() != "mer" { // an applicant acts under a name of its own
		return Merchant{}, by, platform.NotFound(platform.Ref{Kind: kindMerchant, ID: id})
	}
	m, err := s.store.Merchant(ctx, id)
	return m, by, err
}

func (s *Service) listing(ctx context.Context, id platform.ID) (Listing, platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Listing{}, by, err
	}
	l, err := s.store.Listing(ctx, id)
	if err != nil {
		return Listing{}, by, err
	}
	if !sees(by, l.Merchant) {
		return Listing{}, by, platform.NotFound(l.Ref())
	}
	return l, by, nil
}

// revision reads a revision with its listing.
func (s *Service) revision(ctx context.Context, id platform.ID) (Revision, Listing, platform.Actor, error) {
	r, err := s.store.Revision(ctx, id)
	if err != nil {
		return Revision{}, Listing{}, platform.Actor{}, err
	}
	l, by, err := s.listing(ctx, r.Listing)
	if err != nil {
		return Revision{}, Listing{}, by, hidden(err, r.Ref())
	}
	return r, l, by, nil
}

// hidden says of a record whose owner the actor may not see that there is none.
func hidden(err error, ref platform.Ref) error {
	if errors.Is(err, platform.ErrNotFound) {
		return platform.NotFound(ref)
	}
	return err
}
