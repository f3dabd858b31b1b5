package finance

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/liangding/platform"
)

// Batch is groups that are independent of each other, unless atomic: then all
// stand or fall together.
type Batch struct {
	Groups []Transfer `json:"groups" validate:"min=1,max=10000"`
	Atomic bool       `json:"atomic,omitempty"`
}

// Batch books groups as sets of their own, which the store writes together as
// they come, and answers each in the order of the batch: one that fails harms no
// neighbour. Which comes first is not said, but of groups that begin with the
// same fact, or have the same key, it is the first. An atomic batch is one set:
// it fails as a whole, with the error of its first refusal. It fails with errSize
// for none or too many, and for an actor that may not.
func (s *Service) Batch(ctx context.Context, in Batch) ([]Result, error) {
	err := s.desk(ctx, platform.System)
	if n := len(in.Groups); err == nil && (n < 1 || n > 10_000) {
		err = errSize
	}
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	if in.Atomic {
		return s.together(ctx, in.Groups)
	}
	groups, err := named(ctx, in.Groups)
	if err != nil {
		return nil, err
	}
	ctx = platform.WithoutKey(ctx)
	results, lanes := make([]Result, len(groups)), lanes(groups)
	var done sync.WaitGroup
	next := make(chan []int)
	for range min(len(lanes), maxTogether) {
		done.Go(func() {
			for lane := range next {
				for _, i := range lane {
					result, err := s.transfer(ctx, groups[i])
					if err != nil {
						result = Result{Outcome: Refused, Err: err}
					}
					results[i] = result
				}
			}
		})
	}
	for _, lane := range lanes {
		next <- lane
	}
	close(next)
	done.Wait()
	return results, nil
}

// named are the groups with a key each: a group that has none, nor subjects,
// has that of the batch and its place. So has one that settles part of a hold,
// which nothing else tells from the next part.
func named(ctx context.Context, groups []Transfer) ([]Transfer, error) {
	key, err := platform.KeyOf(ctx)
	groups = slices.Clone(groups)
	for i, g := range groups {
		bare := slices.ContainsFunc(g.Steps, func(step Step) bool { return step.Subject == (platform.Ref{}) || recipes[step.What].Part })
		if bare && g.Key == "" && key.Name != "" {
			groups[i].Key = key.Name + "/" + strconv.Itoa(i)
		}
	}
	return groups, err
}

// maxTogether is how many sets of a batch wait at once: as many as one flush of a
// store takes.
const maxTogether = 1024

// lanes are the groups by what they begin with, each in order: only those of one
// lane can be duplicates.
func lanes(groups []Transfer) [][]int {
	var all [][]int
	at := map[string]int{}
	for i, g := range groups {
		name := "key " + g.Key
		if g.Key == "" && len(g.Steps) > 0 {
			name = fmt.Sprint(g.Steps[0].What, " ", g.Steps[0].Subject, " ", g.Steps[0].N)
		}
		lane, known := at[name]
		if !known {
			lane, all = len(all), append(all, nil)
			at[name] = lane
		}
		all[lane] = append(all[lane], i)
	}
	return all
}

// together books groups as one, and tells its result apart again.
func (s *Service) together(ctx context.Context, groups []Transfer) ([]Result, error) {
	var one Transfer
	var sizes []int
	for i, g := range groups {
		for _, step := range g.Steps {
			if step.Subject == (platform.Ref{}) {
				return nil, fmt.Errorf("groups[%d]: %w", i, ErrSubject)
			}
		}
		one.Steps, sizes = append(one.Steps, g.Steps...), append(sizes, len(g.Steps))
	}
	whole, err := s.transfer(ctx, one)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(groups))
	for i, n := range sizes {
		results[i] = Result{Outcome: whole.Outcome, Made: whole.Made[:n:n]}
		whole.Made = whole.Made[n:]
	}
	return results, nil
}
