package supervision

import (
	"context"

	"github.com/liangding/platform"
)

// reading is how a control's facts come in.
type reading func(ctx context.Context, p Ports, w Window, b *bounds, f *Facts) error

// bounds are how many pages a run may still read.
type bounds struct{ left, read, facts int }

func readItems(ctx context.Context, p Ports, w Window, b *bounds, f *Facts) (err error) {
	f.Items, err = readAll(ctx, p.Items, w, b)
	return err
}

func readWaiting(ctx context.Context, p Ports, w Window, b *bounds, f *Facts) (err error) {
	f.Waiting, err = readAll(ctx, p.Waiting, w, b)
	return err
}

func readPairs(ctx context.Context, p Ports, w Window, b *bounds, f *Facts) (err error) {
	f.Pairs, err = readAll(ctx, p.Pairs, w, b)
	return err
}

func readPayees(ctx context.Context, p Ports, w Window, b *bounds, f *Facts) (err error) {
	f.Payees, err = readAll(ctx, p.Payees, w, b)
	return err
}

func readLines(ctx context.Context, p Ports, w Window, b *bounds, f *Facts) (err error) {
	f.Lines, err = readAll(ctx, p.Lines, w, b)
	return err
}

func readPrices(ctx context.Context, p Ports, w Window, b *bounds, f *Facts) (err error) {
	f.Prices, err = readAll(ctx, p.Prices, w, b)
	return err
}

// readAll reads a source page by page, within bounds.
func readAll[F any](ctx context.Context, from Source[F], w Window, b *bounds) (all []F, err error) {
	if from == nil {
		return nil, ErrSource
	}
	for cursor := ""; ; {
		if b.left == 0 {
			return nil, platform.Detail(ErrTooMuch, "pages", b.read)
		}
		page, err := from.Facts(ctx, w, cursor)
		if err != nil {
			return nil, err
		}
		b.left, b.read, b.facts = b.left-1, b.read+1, b.facts+len(page.Items)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}
