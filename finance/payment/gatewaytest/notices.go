package gatewaytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// told are the notices that letters hold, by key, and which ids they have.
func (b *bench) told(ctx context.Context, letters []Letter) (map[payment.Key][]payment.Notice, error) {
	all := map[payment.Key][]payment.Notice{}
	for _, l := range letters {
		read, err := b.Gateway.Notices(ctx, l.Header, l.Body)
		if err != nil {
			return nil, fmt.Errorf("a genuine notice: %w", err)
		}
		for _, n := range read {
			if n.ID == "" {
				return nil, fmt.Errorf("a notice of %s has no id", n.Status.Key)
			}
			all[n.Status.Key] = append(all[n.Status.Key], n)
		}
	}
	return all, nil
}

// notices: they are read in reverse, so that the last comes first.
func notices(ctx context.Context, b *bench) error {
	lost := b.charge("100.00")
	b.Fail(lost.Key, LostAfter)
	_, err := b.Gateway.Charge(ctx, lost)
	if err := first(is("a charge whose answer is lost", err, payment.ErrUnknownOutcome), b.done(ctx, lost.Key, lost.Amount)); err != nil {
		return err
	}
	answered, err := b.paid(ctx, "70.00")
	if err != nil {
		return err
	}
	r := b.refund(answered, "30.00")
	if err := b.refunded(ctx, r); err != nil {
		return err
	}
	letters := b.Letters()
	slices.Reverse(letters)
	told, err := b.told(ctx, letters)
	if err != nil {
		return err
	}
	for key, amount := range map[payment.Key]string{lost.Key: "100.00", answered: "70.00", r.Key: "30.00"} {
		done := slices.IndexFunc(told[key], func(n payment.Notice) bool { return n.Status.Outcome == payment.Done })
		if done < 0 || told[key][done].Status.Amount != b.money(amount) {
			return fmt.Errorf("of %s, done with %s, the notices say %+v", key, amount, told[key])
		}
	}
	for _, l := range letters {
		if err := b.again(ctx, l, told); err != nil {
			return err
		}
	}
	return nil
}

// again wants a letter that was read before to be refused, or to have the same
// ids, by which the inbox knows it.
func (b *bench) again(ctx context.Context, l Letter, told map[payment.Key][]payment.Notice) error {
	read, err := b.Gateway.Notices(ctx, l.Header, l.Body)
	if err != nil {
		return is("a notice that is sent twice", err, payment.ErrNoticeReplayed)
	}
	for _, n := range read {
		if !slices.Contains(told[n.Status.Key], n) {
			return fmt.Errorf("a notice of %s that is sent twice is not the same twice", n.Status.Key)
		}
	}
	return nil
}

func forgeries(ctx context.Context, b *bench) error {
	if _, err := b.paid(ctx, "100.00"); err != nil {
		return err
	}
	letters := b.Letters()
	if len(letters) == 0 {
		return errors.New("no notice of a charge that is done")
	}
	genuine := letters[len(letters)-1]
	for at := 0; at < len(genuine.Body); at += 1 + len(genuine.Body)/40 {
		altered := bytes.Clone(genuine.Body)
		altered[at] ^= 1
		if err := b.refuses(ctx, "a notice altered at byte "+strconv.Itoa(at), Letter{genuine.Header, altered}, payment.ErrNoticeSignature); err != nil {
			return err
		}
	}
	for name, l := range map[string]Letter{
		"no header": {nil, genuine.Body}, "no body": {genuine.Header, nil}, "a longer body": {genuine.Header, append(bytes.Clone(genuine.Body), ' ')},
	} {
		if err := b.refuses(ctx, "a notice with "+name, l, payment.ErrNoticeSignature); err != nil {
			return err
		}
	}
	for name := range genuine.Header {
		header := maps.Clone(genuine.Header)
		delete(header, name)
		read, err := b.Gateway.Notices(ctx, header, genuine.Body)
		if err == nil && len(read) > 0 {
			continue // the header says nothing about who wrote it; but then the letter is read
		}
		if err := is("a notice without "+name, err, platform.ErrDenied); err != nil {
			return err
		}
	}
	if err := b.refuses(ctx, "a notice by or for somebody else", b.Foreign(), payment.ErrNoticeSignature, payment.ErrNoticeAccount); err != nil {
		return err
	}
	b.Advance(5*time.Minute + 2*time.Second)
	return b.refuses(ctx, "a notice of five minutes ago", genuine, payment.ErrNoticeStale)
}

func (b *bench) refuses(ctx context.Context, what string, l Letter, want ...error) error {
	read, err := b.Gateway.Notices(ctx, l.Header, l.Body)
	if len(read) > 0 {
		return fmt.Errorf("%s is read: %d notices", what, len(read))
	}
	return is(what, err, want...)
}
