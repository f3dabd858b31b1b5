package storetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/liangding/platform"
)

// crowd is how many act at once unless a law says otherwise.
const crowd = 64

// reply is what one of several callers got.
type reply[T any] struct {
	value T
	err   error
}

// together calls f with 0…n-1, all at once, and returns what each got.
func together[T any](n int, f func(i int) (T, error)) []reply[T] {
	replies := make([]reply[T], n)
	start := make(chan struct{})
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-start
			replies[i].value, replies[i].err = f(i)
		})
	}
	close(start)
	done.Wait()
	return replies
}

// refusal demands that err is of the kind and has the code ("" for any).
func refusal(what string, err, kind error, code string) error {
	if err == nil {
		return fmt.Errorf("%s: succeeded, want %s (%s)", what, kind, code)
	}
	if !errors.Is(err, kind) || code != "" && platform.Code(err) != code {
		return fmt.Errorf("%s: got %w (code %s), want %s with code %q", what, err, platform.Code(err), kind, code)
	}
	return nil
}

// winner demands that exactly one succeeded and that all others were refused
// so, and tells which one it was.
func winner[T any](replies []reply[T], kind error, code string) (int, error) {
	won := -1
	for i, r := range replies {
		switch {
		case r.err == nil && won >= 0:
			return 0, fmt.Errorf("callers %d and %d both succeeded", won, i)
		case r.err == nil:
			won = i
		default:
			if err := refusal(fmt.Sprintf("caller %d", i), r.err, kind, code); err != nil {
				return 0, err
			}
		}
	}
	if won < 0 {
		return 0, errors.New("nobody succeeded")
	}
	return won, nil
}

// unanimous demands that everybody succeeded.
func unanimous[T any](replies []reply[T]) error {
	for i, r := range replies {
		if r.err != nil {
			return fmt.Errorf("caller %d: %w", i, r.err)
		}
	}
	return nil
}
