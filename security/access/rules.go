package access

import (
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
)

// Rules are a policy as data: who has which role is told by grants, what a role
// may do is told here. What no rule permits is denied.
type Rules struct {
	Roles     []Role     `json:"roles"`
	Exclusive [][]string `json:"exclusive,omitempty"` // roles of which one person may hold only one
	Guarded   []string   `json:"guarded,omitempty"`   // acts that need a grant in force at their commit, as patterns
}

// Role is a named list of rules. One that is named after a kind of actor holds
// for all actors of that kind, and cannot be granted to others.
type Role struct {
	Name  string       `json:"name"`
	May   []Permission `json:"may,omitempty"`
	Never []Permission `json:"never,omitempty"` // whatever another role permits
}

// Permission matches acts; what is left empty matches all, but for a field: an
// empty one permits no look at any. "*" as field means every personal field of
// the kind, and with a purpose those only that are kept for it; sensitive and secret
// ones are permitted by name alone.
type Permission struct {
	Action  string `json:"action"`            // "order.cancel", "order.*" or "*"
	Kind    string `json:"kind,omitempty"`    // of the record acted on
	Field   string `json:"field,omitempty"`   // as the kind's catalogue names it
	Purpose string `json:"purpose,omitempty"` // of a look
	View    string `json:"view,omitempty"`    // of the field: full if empty
	When    string `json:"when,omitempty"`    // a condition of [Known]
}

// Known is what rules may name. With no actions, every action is known.
type Known struct {
	Actions []string
	Kinds   []platform.Kind
	When    map[string]func(platform.Act) bool // conditions, by name: pure, for several goroutines at once
}

// Actions on sealed fields: to look at one, and to have all of a person's
// forgotten.
const (
	reveal = "vault.reveal"
	shred  = "vault.shred"
)

// own are the actions that are known besides the caller's.
var own = []string{
	reveal, shred, "access.publish", "access.propose", "access.activate", "access.revoke", "access.bootstrap",
	"access.request", "access.approve", "access.refuse", "access.review", "access.begin", "access.decide",
}

// Standard opens to customers, merchants and staff the domains in which they have
// anything to do; there the domains' own tables and ownership rules decide. It
// divides the operators' commands among roles: admission, arbiter, service, finance,
// accountant, who books by hand with another, manager and director, who approve
// what is spent and what is given up, risk, privacy, which looks at personal
// fields, reviews who did and has people forgotten, and admin. The system may give
// every command, auditors those of their own work; a command of a platform's own is for these two
// until a policy says otherwise. Nobody both admits merchants and pays them.
func Standard() Rules {
	return Rules{
		Roles: []Role{
			{Name: string(platform.Customer), May: may("order.*", "dispute.*", "payment.pay", "care.*", "receivable.*", "invoice.*", "verification.begin", "verification.submit", "verification.withdraw")},
			{Name: string(platform.Merchant), May: may("merchant.*", "order.*", "dispute.*", "dispatch.*", "settlement.*", "receivable.*", "invoice.*", "verification.begin", "verification.submit", "verification.withdraw")},
			{Name: string(platform.Staff), May: may("staff.*", "order.*", "dispatch.*", "settlement.*", "receivable.*", "claim.*", "verification.begin", "verification.submit", "verification.withdraw")},
			{Name: string(platform.Operator), May: may("claim.draft", "claim.amend", "claim.submit", "claim.withdraw", "claim.askAdvance", "claim.away",
				"supervision.planFix", "supervision.startFix", "supervision.finishFix")},
			{Name: string(platform.Auditor), May: may("supervision.raise", "supervision.readRecord", "supervision.publishSeed", "supervision.drawSample",
				"supervision.proposeAdjustment", "supervision.fixCutoff", "supervision.opine", "supervision.makePack")},
			{Name: string(platform.System), May: slices.Concat(may("*"), looks("invoicing", security.Full))},
			{Name: "admission", May: slices.Concat(may("merchant.*", "staff.*", "access.request", "verification.begin", "verification.submit", "verification.withdraw",
				"verification.verify", "verification.reject", "verification.revoke", "verification.reopen", "verification.describe"),
				looks("agreement", security.Full), looks("verification", security.Full))},
			{Name: "arbiter", May: slices.Concat(may("dispute.decide", "dispute.endorse"), looks("dispute", security.Full))},
			{Name: "service", May: slices.Concat(may("order.*", "dispute.open", "dispute.file", "dispute.answer", "dispute.settle", "dispute.withdraw", "dispatch.*", "care.*", "payment.pay", "access.request"),
				looks("fulfilment", security.Full), looks("review", security.Full), looks("employment", security.Surname))},
			{Name: "finance", May: slices.Concat(may("finance.*", "fee.*", "payment.*", "settlement.*", "closing.*", "reconciliation.*", "receivable.*", "invoice.*", "budget.*", "claim.*",
				"order.approveRefund", "order.rejectRefund", "order.requestRefund"), looks("invoicing", security.Full))},
			{Name: "accountant", May: may("finance.*", "reconciliation.*", "closing.*", "supervision.linkAdjustment", "supervision.declineAdjustment")},
			{Name: "supervisor", May: may("supervision.*"), Never: may("finance.*", "fee.*", "payment.*", "settlement.*", "closing.*", "reconciliation.*", "receivable.*", "invoice.*", "budget.*",
				"claim.approve", "claim.return", "claim.reject", "claim.pay", "claim.resolvePayment", "claim.reclaim", "claim.grantAdvance", "claim.publishMatrix",
				"order.approveRefund", "order.rejectRefund", "supervision.linkAdjustment", "supervision.declineAdjustment")},
			{Name: "manager", May: slices.Concat(may("receivable.*", "claim.*", "verification.waive", "verification.decideWaiver"), looks("reimbursement", security.Full))},
			{Name: "director", May: slices.Concat(may("receivable.*", "budget.*", "claim.*", "verification.waive", "verification.decideWaiver"), looks("reimbursement", security.Full))},
			{Name: "risk", May: slices.Concat(may("risk.*", "supervision.raise", "order.clearReview", "merchant.suspend", "merchant.restore", "access.request", "verification.revoke", "verification.sharers"), looks("", security.Hash))},
			{Name: "privacy", May: slices.Concat(may("access.approve", "access.refuse", "access.review", shred), looks("", security.Full))},
			{Name: "admin", May: may("*")},
		},
		Exclusive: [][]string{{"admission", "finance"}, {"supervisor", "finance"}, {"supervisor", "accountant"}, {"supervisor", "manager"}, {"supervisor", "director"}, {"supervisor", "admin"}},
		Guarded:   []string{reveal, shred, "access.*"},
	}
}

func may(actions ...string) (all []Permission) {
	for _, a := range actions {
		all = append(all, Permission{Action: a})
	}
	return all
}

// looks permits to see every personal field that is kept for a purpose; without
// one, all of them for any.
func looks(purpose, view string) []Permission {
	return []Permission{{Action: reveal, Field: "*", Purpose: purpose, View: view}}
}
