// Package webhook hands events to receivers over HTTP, signed as the Standard
// Webhooks specification says, in the envelope of CloudEvents. An [Endpoint] is
// a sink of a store's relay, which keeps and repeats what a receiver did not
// take. [Secrets.Verify] is the receiver's side.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Sink = (*Endpoint)(nil)

// How an endpoint is called.
const (
	timeout    = 5 * time.Second // from connecting to the end of the answer
	atOnce     = 8               // calls under way
	maxMessage = 256 << 10       // bytes of a body that is sent
	maxAnswer  = 4 << 10         // bytes of an answer that are read
	maxWait    = 24 * time.Hour  // that a receiver may ask for
	lostCalls  = 3               // in a row, and the others are left for later
)

// Options of an endpoint; nil means defaults.
type Options struct {
	Envelope store.Envelope
	Wants    func(platform.Event) bool // which events it gets; if nil, all
	Private  bool                      // also plain http, and receivers in private networks
	Now      func() time.Time          // for signatures; if nil, time.Now
}

// Endpoint is one receiver. It may be used by several goroutines at once.
type Endpoint struct {
	url    string
	host   string
	opts   Options
	client *http.Client

	mu      sync.Mutex
	secrets Secrets
	gone    bool
}

// New is an endpoint at an address, signing with one secret or two. It fails
// with [ErrURL] and [ErrSecret]. A name that stands for a private address is
// found when it is called.
func New(address string, secrets []string, o *Options) (*Endpoint, error) {
	if o == nil {
		o = &Options{}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !o.Private) {
		return nil, ErrURL
	}
	if at, err := netip.ParseAddr(u.Hostname()); err == nil && !public(at) && !o.Private {
		return nil, fmt.Errorf("%w: %w", ErrURL, ErrPrivate)
	}
	e := &Endpoint{url: u.String(), host: u.Hostname(), opts: *o, client: client(o.Private)}
	e.opts.Now = platform.Writer{Now: o.Now}.Ready().Now
	return e, e.Rotate(secrets...)
}

// Rotate signs with these one or two secrets from now on. It fails with
// [ErrSecret], and changes nothing then.
func (e *Endpoint) Rotate(secrets ...string) error {
	s, err := ParseSecrets(secrets...)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secrets = s
	return nil
}

// Gone tells whether the receiver answered 410 and is called no more: what it
// does not get is parked.
func (e *Endpoint) Gone() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.gone
}

// Enable has a receiver called again that was gone.
func (e *Endpoint) Enable() { e.disable(false) }

func (e *Endpoint) disable(gone bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.gone = gone
}

// Close lets idle connections go.
func (e *Endpoint) Close() error {
	e.client.CloseIdleConnections()
	return nil
}

// Publish sends each event that the endpoint wants as a message of its own,
// eight at once, under the event's id. What was answered by a status from 200 to
// 299 is taken; the others are in the [store.LeftError] that it fails with, with
// errors of this package. It stops at a 410, and when the receiver asks to wait
// or fails three times in a row.
func (e *Endpoint) Publish(ctx context.Context, events []platform.Event) error {
	b := batch{endpoint: e, left: &store.LeftError{Failed: map[platform.ID]error{}}}
	for _, event := range events {
		if e.opts.Wants == nil || e.opts.Wants(event) {
			b.queue = append(b.queue, event)
		}
	}
	var done sync.WaitGroup
	for range min(atOnce, len(b.queue)) {
		done.Go(func() { b.work(ctx) })
	}
	done.Wait()
	for _, event := range b.queue {
		b.left.Untried = append(b.left.Untried, event.ID)
	}
	if len(b.left.Failed)+len(b.left.Untried) == 0 {
		return nil
	}
	return b.left
}

// batch is what is sent in one Publish.
type batch struct {
	endpoint *Endpoint

	mu    sync.Mutex
	queue []platform.Event
	left  *store.LeftError
	lost  int  // calls in a row that the receiver did not answer well
	over  bool // nothing more is sent
}

func (b *batch) work(ctx context.Context) {
	for {
		event, ok := b.next(ctx)
		if !ok {
			return
		}
		wait, err := b.endpoint.send(ctx, event)
		b.note(ctx, event, wait, err)
	}
}

func (b *batch) next(ctx context.Context) (event platform.Event, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || len(b.queue) == 0 || ctx.Err() != nil {
		return event, false
	}
	event, b.queue = b.queue[0], b.queue[1:]
	return event, true
}

func (b *batch) note(ctx context.Context, event platform.Event, wait time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.lost = 0
		return
	case errors.Is(err, ErrUnreachable) && ctx.Err() != nil: // cut short, which says nothing of the receiver
		b.left.Untried = append(b.left.Untried, event.ID)
		return
	case errors.Is(err, ErrUnreachable), errors.Is(err, ErrPrivate), errors.Is(err, ErrFailing):
		b.lost++
	}
	b.left.Failed[event.ID] = err
	b.left.Wait = max(b.left.Wait, wait)
	b.over = b.over || b.lost >= lostCalls || wait > 0 || errors.Is(err, ErrGone)
	if errors.Is(err, ErrGone) {
		b.fail(err)
	}
}

// fail gives up what waits, which no later try will bring.
func (b *batch) fail(err error) {
	for _, event := range b.queue {
		b.left.Failed[event.ID] = err
	}
	b.queue = nil
}

// send is one call. wait is how long the receiver wants to be left alone.
func (e *Endpoint) send(ctx context.Context, event platform.Event) (wait time.Duration, err error) {
	body, err := e.opts.Envelope.Wrap(event)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", store.ErrHopeless, err)
	case len(body) > maxMessage:
		return 0, fmt.Errorf("event %s of %d bytes: %w", event.ID, len(body), ErrTooLarge)
	}
	e.mu.Lock()
	secrets, gone, at := e.secrets, e.gone, e.opts.Now()
	e.mu.Unlock()
	if gone {
		return 0, ErrGone
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return 0, ErrURL
	}
	request.Header.Set("Content-Type", store.ContentType)
	request.Header.Set("User-Agent", "platform-webhook/1")
	request.Header.Set(headerID, string(event.ID))
	request.Header.Set(headerTime, strconv.FormatInt(at.Unix(), 10))
	request.Header.Set(headerSignature, secrets.Sign(string(event.ID), at, body))
	answer, err := e.client.Do(request)
	if errors.Is(err, ErrPrivate) {
		return 0, fmt.Errorf("webhook to %s: %w", e.host, ErrPrivate)
	}
	if err != nil { // its text has the whole address, which may hold a secret
		return 0, fmt.Errorf("webhook to %s: %w", e.host, ErrUnreachable)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // so that the connection can be used again
	_ = answer.Body.Close()
	if answer.StatusCode == http.StatusGone {
		e.disable(true)
	}
	return verdict(e.host, answer.StatusCode, answer.Header.Get("Retry-After"), at)
}

// verdict is what an answer means.
func verdict(host string, status int, retryAfter string, now time.Time) (wait time.Duration, err error) {
	switch {
	case status >= 200 && status < 300:
		return 0, nil
	case status == http.StatusGone:
		err = ErrGone
	case status == http.StatusTooManyRequests:
		wait, err = time.Second, ErrBusy
	case status >= 500:
		err = ErrFailing
	default: // a redirect too: nobody is followed elsewhere
		err = ErrRefused
	}
	if seconds, failed := strconv.ParseInt(retryAfter, 10, 64); failed == nil {
		wait = max(wait, time.Duration(min(max(seconds, 0), int64(maxWait/time.Second)))*time.Second)
	} else if at, failed := http.ParseTime(retryAfter); failed == nil {
		wait = max(wait, min(at.Sub(now), maxWait))
	}
	return wait, fmt.Errorf("webhook to %s answered %d: %w", host, status, err)
}
