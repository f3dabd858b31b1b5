package market_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// edges are the edge cases of an order's life, and the tests that answer them, by
// their folder.
var edges = map[string][2]string{
	"E1 pay twice at once":                                {"finance/payment", "TestE1ParallelPaysShareTheActiveAttempt"},
	"E2 two institutions both succeed":                    {"finance/payment", "TestE2OfTwoInstitutionsThatTookTheMoneyOneGivesItBack"},
	"E3 a notice before the attempt is recorded":          {"finance/payment", "TestE3NoticeBeforeTheAnswer"},
	"E4 success after the time to pay":                    {"finance/payment", "TestE4SuccessAfterExpiryGoesBack"},
	"E5 the answer is lost, or the process, after a call": {"finance/payment", "TestE5PayCrashesWithoutLosingMoney"},
	"E6 another amount":                                   {"finance/payment", "TestE6OtherAmountIsQuarantined"},
	"E7 secured for less than due":                        {"order", "TestE7APartThatWasPaidGoesBackWhenTheOrderExpires"},
	"E8 cancel and start at once":                         {"order", "TestE8CancelAndStartAtOnce"},
	"E9 many refund all":                                  {"examples/server", "TestE9ManyRefundAllAndOneIsPaidBack"},
	"E11 reduced while only authorised":                   {"finance/payment", "TestE11WhatIsHeldAboveIsLetGoOf"},
	"E12 a refund after the payout":                       {"order", "TestE12ARefundAfterPayoutIsOwedByTheMerchant"},
	"E13 a chargeback and a refund":                       {"order/dispute", "TestE13WhatTheBankReturnedIsNotReturnedAgain"},
	"E14 two members take one seat":                       {"order/dispatch", "TestE14OneOfManyWhoAcceptASeatGetsIt"},
	"E16 one member takes two orders":                     {"order/dispatch", "TestE16MemberGetsOneOfTwoOverlappingOrders"},
	"E17 a change that the member cannot follow":          {"order", "TestE17AMemberWhoCannotFollowIsReleasedAfterApproval"},
	"E18 the price rises after a change was priced":       {"order", "TestE18TheTableThatWasPricedCounts"},
	"E19 the listing is taken down":                       {"order", "TestE19AListingTakenDownMeanwhileIsNotSold"},
	"E22 the clocks change before the work":               {"order", "TestE22AStartIsAMomentAndItsZone"},
	"E23 a tick with an older now":                        {"order", "TestE23ATickWithAnOlderNowFiresNothing"},
	"E24 delivered, handed back, delivered":               {"order", "TestE24ReworkStopsTheClockTwiceAtMost"},
	"E25 a dispute as the order accepts itself":           {"order/dispute", "TestE25OfADisputeAndAnAcceptanceInOneSecondEitherHolds"},
	"E26 an order without a price":                        {"order", "TestE26AnOrderWithoutAPriceIsConfirmedAtOnce"},
	"E28 a decision's refund fails":                       {"order/dispute", "TestE28AFailedRefundIsNotDecidedAgain"},
	"E29 a dispute after a refund in part":                {"order/dispute", "TestE29ADisputeHoldsNoMoreThanIsLeft"},
	"E30 a proof twice":                                   {"order", "TestE30AProofThatIsHandedOverTwiceIsOneProof"},
	"E32 a member who is tied to the customer":            {"order/dispatch", "TestE32BarredMemberIsNotAsked"},
	"E34 an operator orders for a customer":               {"order", "TestE34AnOperatorOrdersOnBehalfOfACustomer"},
	"E35 a licence ends while money is held":              {"finance/payment", "TestE35RunningBusinessGoesOnWithoutLicence"},
	"E36 one key, two commands":                           {".", "TestE36AKeyBelongsToOneCommand"},
}

// unanswered are those that no code answers yet, and what they wait for.
var unanswered = map[string]string{
	"E10 a refund while a capture is under way": "orders that are captured later",
	"E15 a skill that ends after acceptance":    "a second look at the start of the work, and the day before",
	"E20 a merchant who leaves before a payout": "an exit of merchants",
	"E21 a customer erased while an order runs": "a hold on erasures",
	"E27 a deposit and the rest":                "deposits",
	"E31 an operator cancels very many orders":  "a command for many",
	"E33 a tip for an order that is disputed":   "tips",
}

// Each of the 36 edge cases has a test of its number, or says what it waits for.
func TestEachEdgeCaseHasItsTest(t *testing.T) {
	t.Parallel()
	numbers := map[string]bool{}
	for name, at := range edges {
		number, _, _ := strings.Cut(name, " ")
		numbers[number] = true
		assert.True(t, strings.HasPrefix(at[1], "Test"+number) && at[1][len("Test"+number)] > '9', "%s is answered by %s", name, at[1])
		assert.True(t, declared(t, at[0], at[1]), "%s: there is no %s in %s", name, at[1], at[0])
	}
	for name := range unanswered {
		number, _, _ := strings.Cut(name, " ")
		assert.False(t, numbers[number], "%s is answered", name)
		numbers[number] = true
	}
	assert.Len(t, numbers, 36)
}

// declared tells whether a folder's tests have a function of the name.
func declared(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
