package claim_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/claim"
)

// ranks are the roles of the property's matrices.
var ranks = []string{"lead", "manager", "director", "chief"}

// crew are the operators of the property, of whom anybody may claim.
func crew() (all []platform.Actor) {
	for i := range 6 {
		all = append(all, operator(uint64(200+i)))
	}
	return all
}

// approvers draws a chain of levels, some with deputies.
func approvers(r *rapid.T) (all []claim.Approver) {
	roles := rapid.Permutation(ranks).Draw(r, "roles")
	for i := range rapid.IntRange(1, 3).Draw(r, "levels") {
		a := claim.Approver{Role: roles[i]}
		if deputy := rapid.SampledFrom(append([]string{""}, ranks...)).Draw(r, "deputy"); deputy != a.Role {
			a.Deputy = deputy
		}
		all = append(all, a)
	}
	return all
}

// TestFourEyesHoldWhateverRolesAndDelegations: invariant 20. Over random matrices
// and deputies, roles given and taken mid-way, absences, people who stand in for
// others and races of all of them, the claimant approves no level, nobody two, the
// last level is never passed over, and whoever pays did neither.
func TestFourEyesHoldWhateverRolesAndDelegations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		v := newWorld(t, levels(approvers(r)...))
		all := crew()
		roles := map[platform.ID][]string{}
		actor := func(i int, behalf platform.ID) platform.Actor {
			who := all[i]
			who.Roles, who.OnBehalf = ranks, behalf // a login may have what was taken since
			return who
		}
		give := func(i int, role string) {
			if !slices.Contains(roles[all[i].ID], role) {
				roles[all[i].ID] = append(roles[all[i].ID], role)
				v.house.give(all[i].ID, role)
			}
		}
		pick := rapid.IntRange(0, len(all)-1)
		for range rapid.IntRange(0, 12).Draw(r, "grants") {
			give(pick.Draw(r, "who"), rapid.SampledFrom(ranks).Draw(r, "role"))
		}
		claimant := pick.Draw(r, "claimant")
		c, err := v.submit(all[claimant], v.voucher(1, "10.00"))
		require.NoError(r, err)
		paid := map[platform.ID]bool{}
		r.Repeat(map[string]func(*rapid.T){
			"approve": func(r *rapid.T) {
				i := pick.Draw(r, "who")
				before := v.stands(r, c)
				after, err := v.Approve(v.as(actor(i, "")), claim.Approve{Claim: c.ID})
				if err == nil {
					require.Equal(r, all[i].ID, after.Chain[lastBy(after)].By)
					require.True(r, slices.Contains(roles[all[i].ID], after.Chain[lastBy(after)].Role) || slices.Contains(roles[all[i].ID], after.Chain[lastBy(after)].Deputy), "a role held now")
				}
				require.LessOrEqual(r, before.At, v.stands(r, c).At)
			},
			"stand in": func(r *rapid.T) {
				_, _ = v.Approve(v.as(actor(pick.Draw(r, "who"), all[pick.Draw(r, "for")].ID)), claim.Approve{Claim: c.ID})
			},
			"race": func(*rapid.T) {
				crowd(len(all), func(i int) error {
					_, err := v.Approve(v.as(actor(i, "")), claim.Approve{Claim: c.ID})
					return err
				})
			},
			"give": func(r *rapid.T) { give(pick.Draw(r, "who"), rapid.SampledFrom(ranks).Draw(r, "role")) },
			"take": func(r *rapid.T) {
				i, role := pick.Draw(r, "who"), rapid.SampledFrom(ranks).Draw(r, "role")
				roles[all[i].ID] = slices.DeleteFunc(roles[all[i].ID], func(s string) bool { return s == role })
				v.house.take(all[i].ID, role)
			},
			"away": func(r *rapid.T) {
				_, err := v.Away(v.as(all[pick.Draw(r, "who")]), claim.Away{From: march, Until: march.Add(rapid.SampledFrom([]time.Duration{0, 9 * day}).Draw(r, "until"))})
				require.NoError(r, err)
			},
			"return": func(r *rapid.T) {
				_, err := v.Return(v.as(actor(pick.Draw(r, "who"), "")), claim.Return{Claim: c.ID, Reason: "blurred"})
				if err == nil {
					_, err = v.Submit(v.as(all[claimant]), claim.Submit{Claim: c.ID})
					require.NoError(r, err)
				}
			},
			"pay": func(r *rapid.T) {
				v.tick()
				i := pick.Draw(r, "who")
				if _, err := v.pay(actor(i, ""), c); err == nil {
					paid[all[i].ID] = true
				}
			},
			"": func(r *rapid.T) {
				now := v.stands(r, c)
				require.NoError(r, fourEyes(now, all[claimant].ID, paid))
			},
		})
		v.proved()
	})
}

// stands is the claim as it stands.
func (v *world) stands(r *rapid.T, c claim.Claim) claim.Claim {
	now, err := v.Claim(v.as(planner), c.ID)
	require.NoError(r, err)
	return now
}

// lastBy is the level that somebody approved last.
func lastBy(c claim.Claim) int {
	last := 0
	for i, s := range c.Chain {
		if s.By != "" {
			last = i
		}
	}
	return last
}

// fourEyes says what of four eyes is broken.
func fourEyes(c claim.Claim, claimant platform.ID, paid map[platform.ID]bool) error {
	var hands []platform.ID
	for _, s := range c.Chain[:c.At] {
		if s.By == "" {
			continue
		}
		if s.By == claimant || s.For == claimant {
			return errors.New("the claimant approved")
		}
		if slices.Contains(hands, s.By) || slices.Contains(hands, s.For) {
			return errors.New("one person approved two levels")
		}
		hands = append(hands, s.By, s.For)
	}
	done := c.State == claim.Approved || c.State == claim.Payable || c.State == claim.Paid
	if done && c.Chain[len(c.Chain)-1].By == "" {
		return errors.New("the last level was passed over")
	}
	if paid[claimant] {
		return errors.New("the claimant paid")
	}
	for _, id := range c.Hands {
		if paid[id] {
			return errors.New("an approver paid")
		}
	}
	return nil
}
