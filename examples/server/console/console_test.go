package console_test

import (
	"context"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/store"
)

// paths are all pages of the console.
func (s scene) paths() []string {
	all := []string{"/console/", "/console/?state=closed", "/console/applications", "/console/alerts", "/console/alerts?state=firing", "/console/books", "/console/fees", "/console/policies", "/console/payments", "/console/payments?state=won", "/console/payments?splits=done", "/console/journal", "/console/journal?month=2030-03", "/console/financials", "/console/financials?month=2030-02", "/console/subledger?of=2030-03/commission", "/console/entries?of=commission/CNY", "/console/close", "/console/payouts", "/console/payouts?state=planned", "/console/accounts", "/console/accounts?account=" + string(s.account.ID), "/console/receivables", "/console/disputes", "/console/disputes?state=bank_turn", "/console/reconciliation", "/console/reconciliation?state=resolved", "/console/audit", "/console/store", "/console/grants", "/console/grants?action=order.cancel", "/console/breaks", "/console/campaigns", "/console/budgets", "/console/claims", "/console/claims?state=submitted", "/console/catalogue", "/console/catalogue?class=personal", "/console/controls", "/console/findings", "/console/findings?state=closed", "/console/engagements", "/console/advances", "/console/advances?state=open", "/console/approvals", "/console/fees/draft"}
	for _, o := range []order.Order{s.closed, s.delivered, s.refunded, s.cancelled, s.failed, s.confirmed, s.review, s.awaiting} {
		all = append(all, orderPage(o), orderPage(o)+"/refund", orderPage(o)+"/refund?amount=1.00&fault=customer")
	}
	for _, v := range []invoice.Invoice{s.invoice, s.asking, s.reversed} {
		all = append(all, invoicePage(v))
	}
	return append(all, "/console/invoices", "/console/invoices?state=issued", orderPage(s.confirmed)+"/refund?refund="+string(s.asked.ID))
}

func invoicePage(v invoice.Invoice) string { return "/console/invoices/" + string(v.ID) }

func orderPage(o order.Order) string { return "/console/orders/" + string(o.ID) }

func TestPagesReadInBothLanguages(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	for path, texts := range map[string][2][]string{
		"/console/":                                {{"Awaiting payment", "Under review", "Partly refunded", "54,000.00 CNY"}, {"待付款", "审核中", "部分退款", "54,000.00 CNY"}},
		"/console/?state=closed":                   {{`aria-current="true">Closed <b>1</b>`}, {`aria-current="true">已关闭 <b>1</b>`}},
		"/console/?state=expired":                  {{"None."}, {"无。"}},
		orderPage(s.closed):                        {{"Order closed", "Window cleaning", "18.00 CNY", "2030-03-01 09:30:00 +08:00", "Work delivered", "Proof added"}, {"订单关闭", "佣金", "2030-03-01 09:30:00 +08:00", "提交凭证"}},
		orderPage(s.cancelled):                     {{"K3c", "54.00 CNY", "126.00 CNY", "Refund arrived", "Return arrived"}, {"客户要求", "退款到账", "退回成功"}},
		orderPage(s.failed):                        {{"Payment failed", "Card declined"}, {"支付失败", "卡被拒"}},
		orderPage(s.confirmed):                     {{"Reserved for refunds", "45.50 CNY", "Requested", "134.50 CNY"}, {"退款预留", "已申请"}},
		orderPage(s.review):                        {{"Clear the review", "Under review"}, {"风控放行", "审核中"}},
		"/console/books":                           {{"Escrow", "Payable to merchants", "Debit and credit are equal."}, {"托管", "应付商家", "借贷相等。"}},
		"/console/financials":                      {{"Balance sheet", "Twelve months", "<rect class=\"income\"", "1012", "Held less owed"}, {"资产负债表", "现金流量表", "代管资金日报"}},
		"/console/journal":                         {{"pay.captured", "Escrow"}, {"pay.captured", "托管"}},
		"/console/subledger?of=2030-03/clearing":   {{"clearing:sandbox", "Entries"}, {"clearing:sandbox", "笔数"}},
		"/console/entries?of=clearing:sandbox/CNY": {{"Available", "pay.captured"}, {"可用", "pay.captured"}},
		"/console/close":                           {{"Closed for good until", "Suspense is empty", "2030-02", "Close for all but accountants"}, {"已结账至", "待查款清零", "软关账"}},
		"/console/payouts":                         {{"Plan a run", "None."}, {"计划批次", "无。"}},
		"/console/accounts":                        {{"To be verified", "Weekly", "Verify"}, {"待验证", "周结", "验证"}},
		"/console/reconciliation":                  {{"No statement was compared yet.", "Fetch and compare", "Waits for a second person"}, {"尚未对账", "获取并对账", "待复核"}},
		"/console/invoices":                        {{"Being issued", "Partly taken back", "180.00 CNY", "Platform fee"}, {"部分红冲", "平台服务费", "180.00 CNY"}},
		invoicePage(s.invoice):                     {{"Issued", "10.19 CNY", "169.81 CNY", "6 %", "Official number", "sealed", "Reverse all that is left"}, {"已开具", "价税合计", "红冲全部余额"}},
		invoicePage(s.reversed):                    {{"Red letters", "50.00 CNY", "Wrong title", "Taken back"}, {"红字发票", "抬头有误"}},
		invoicePage(s.invoice) + "/print":          {{"as in the official file", "Window cleaning"}, {"见官方文件", "价税合计"}},
		orderPage(s.closed) + "/refund":            {{"the customer gets 180.00 CNY back the way it was paid", "Released to the merchant", "Ask for this refund"}, {"客户原路退回 180.00 CNY", "已释放给商户"}},
		orderPage(s.confirmed) + "/refund?refund=" + string(s.asked.ID): {{"the customer gets 45.50 CNY back", "Approve as shown"}, {"按此方案批准"}},
		orderPage(s.closed) + "/refund?amount=180.01":                   {{"order.refund_exceeds"}, {"超过可退金额"}},
		orderPage(s.closed) + "/refund?amount=1.2.3":                    {{"money.number"}, {"money.number"}},
		"/console/alerts":              {{"warning: indicator orders placed is", "role/operator", "Acknowledge"}, {"预警：指标 orders placed", "role/operator", "确认"}},
		"/console/audit":               {{"Latest signed checkpoint", "market.example"}, {"最新签名检查点", "market.example"}},
		"/console/applications":        {{"Merchants who applied", "Superlative", "Approve"}, {"商家入驻申请", "夸大用语", "批准"}},
		"/console/grants?state=active": {{"In force", "First of the system", "admin", "Propose a grant"}, {"生效", "系统首次授权", "提议授权"}},
		"/console/breaks":              {{"Ask for emergency access", "None."}, {"申请应急访问", "无。"}},
		"/console/campaigns":           {{"Begin a review", "None."}, {"开始复核", "无。"}},
		"/console/budgets":             {{"In force", "travel", "24,000.00 CNY", "<svg"}, {"生效科目", "travel", "可用"}},
		"/console/controls":            {{"Duplicate payment", "<svg", "Hits by week", "Next run"}, {"重复付款", "每周发现数"}},
		"/console/findings":            {{"To be verified", "None."}, {"待核验"}},
		"/console/engagements":         {{"External audits", "None."}, {"外部审计", "无。"}},
		"/console/claims":              {{"My turn", "Claim an expense", "None."}, {"待我审批", "填写报销", "无。"}},
		"/":                            {{"Authorization: Bearer $TOKEN", "/openapi.json", "/healthz", `href="/console/"`}, {"使用令牌", "/openapi.json", "/healthz"}},
		"/console/catalogue":           {{"merchant.application", "legal_name", "internal", "agreement", "3y", "contract"}, {"merchant.application", "内部", "个人", "合同"}},
	} {
		for i, lang := range []string{"en", "zh-CN,zh;q=0.9"} {
			page := html.UnescapeString(s.ok("operator", path, "Accept-Language", lang))
			assert.Contains(t, page, `<html lang="`+lang[:2]+`">`, path)
			for _, text := range texts[i] {
				assert.Contains(t, page, text, "%s of %s in %s", text, path, lang)
			}
		}
	}
}

// A word that is missing would show its own name.
func TestNoPageShowsTheNameOfAWord(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	name := regexp.MustCompile(`(?:^|[\s>])(?:nav|title|part|field|move|done|closing|recon|control|finding|engagement|approvals|fees|forecast|payments|payouts|owed|invoices)\.[a-z_]+`)
	texts := regexp.MustCompile(`>[^<]+<`)
	for _, lang := range []string{"en", "zh"} {
		for _, path := range s.paths() {
			if strings.HasPrefix(path, "/console/catalogue") {
				continue // it names the kinds of records
			}
			for _, text := range texts.FindAllString(s.ok("operator", path, "Accept-Language", lang), -1) {
				assert.NotRegexp(t, name, text, "%s in %s", path, lang)
			}
		}
	}
}

func TestPagesHoldNothingThatTheBrowserWouldRun(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	for _, path := range append(s.paths(), "/console/?state="+url.QueryEscape(`"><script>`), "/console/audit?event="+url.QueryEscape(hostile)) {
		page := strings.ToLower(s.ok("operator", path))
		for _, bad := range []string{"<script", "<style", " style=", "javascript:", " onclick", "<b>queue"} {
			assert.NotContains(t, page, bad, path)
		}
	}
	assert.Contains(t, s.ok("operator", "/console/applications"), html.EscapeString(hostile)[:14], "it is shown as text")
	assert.Contains(t, s.ok("operator", "/console/alerts"), "look at the &lt;b&gt;queue&lt;/b&gt;")
	w := s.get("", "/console/style.css")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Header().Get("Content-Type"), "text/css")
}

func TestOnlyOperatorsAndAuditorsGetIn(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	for _, path := range s.paths() {
		w := s.get("", path)
		assert.Equal(t, http.StatusUnauthorized, w.Code, path)
		assert.Contains(t, w.Body.String(), "Open the login link", path)
		for _, token := range []string{"customer", "merchant", "staff"} {
			w := s.get(token, path)
			assert.Equal(t, http.StatusForbidden, w.Code, "%s as %s", path, token)
			assert.Contains(t, w.Header().Get("Content-Type"), "text/html")
			assert.Contains(t, w.Body.String(), "not for this kind of actor")
			assert.NotRegexp(t, `[0-9] CNY`, w.Body.String(), "%s as %s", path, token)
		}
	}
	cancel := form(t, s.ok("operator", orderPage(s.confirmed)), orderPage(s.confirmed)+"/cancel")
	cancel.Set("fault", "platform")
	for token, status := range map[string]int{"": 401, "customer": 403, "merchant": 403, "staff": 403, "auditor": 403} {
		assert.Equal(t, status, s.post(token, orderPage(s.confirmed)+"/cancel", cancel).Code, token)
		assert.Equal(t, status, s.post(token, "/console/books/verify", cancel).Code, token)
	}
	assert.Equal(t, order.Confirmed, s.again(s.confirmed).State)
}

func TestAuditorsReadEverythingAndPressNothing(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	for _, path := range s.paths() {
		page := s.ok("auditor", path)
		assert.Contains(t, page, "read only", path)
		for _, f := range forms.FindAllStringSubmatch(page, -1) {
			assert.Equal(t, "/logout", f[1], path)
		}
	}
}

func TestButtonsAreThereForThoseWhoMayPressThem(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	leads := func(token, path string) (to []string) {
		for _, f := range forms.FindAllStringSubmatch(s.ok(token, path), -1) {
			if f[1] != "/logout" {
				to = append(to, f[1][strings.LastIndex(f[1], "/")+1:])
			}
		}
		return to
	}
	assert.Equal(t, []string{"dispatch", "cancel", "approve-refund", "reject-refund"}, leads("operator", orderPage(s.confirmed)))
	assert.Equal(t, []string{"clear", "reject", "cancel"}, leads("operator", orderPage(s.review)))
	assert.Equal(t, []string{"cancel"}, leads("operator", orderPage(s.delivered)))
	assert.Empty(t, leads("operator", orderPage(s.closed)))
	assert.Empty(t, leads("admission", orderPage(s.confirmed)), "of another role")
	assert.Empty(t, leads("admission", "/console/alerts"))
	assert.Equal(t, []string{"approve", "refuse", "publish", "decline"}, leads("admission", "/console/applications"))

	_, err := s.Dispatch.DispatchOrder(s.as(s.cast.Operator), dispatch.DispatchOrder{Order: s.confirmed.ID})
	require.NoError(t, err)
	s.pass(3 * time.Hour) // the member is free again
	_, err = s.Dispatch.DispatchOrder(s.as(s.cast.Operator), dispatch.DispatchOrder{Order: s.confirmed.ID})
	require.NoError(t, err)
	if page, err := s.Dispatch.Assignments(s.as(s.cast.Operator), dispatch.Find{Order: s.confirmed.ID}); assert.NoError(t, err) && len(page.Items) > 0 {
		assert.NotContains(t, leads("operator", orderPage(s.confirmed)), "dispatch", "somebody is being asked")
	}
}

// Each button is pressed eight times at once, by the form as it was shown.
func TestButtonsMoveOnceHoweverOftenPressed(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	alerts, err := s.Risk.Alerts(s.as(s.cast.Operator), risk.AlertFiring, "", 0)
	require.NoError(t, err)
	require.Len(t, alerts.Items, 1)
	alert := "/console/alerts/" + string(alerts.Items[0].ID)
	other := s.refund(s.confirmed, "10.00")
	fresh := s.paid()

	for _, press := range []struct {
		page, to, event string
		set             url.Values
	}{
		{orderPage(s.confirmed), orderPage(s.confirmed) + "/approve-refund", "refund.approved", url.Values{"refund": {string(s.asked.ID)}}},
		{orderPage(s.confirmed), orderPage(s.confirmed) + "/reject-refund", "refund.rejected", url.Values{"refund": {string(other.ID)}}},
		{orderPage(s.confirmed), orderPage(s.confirmed) + "/cancel", "order.cancelled", url.Values{"fault": {"customer"}}},
		{orderPage(fresh), orderPage(fresh) + "/cancel", "order.cancelled", url.Values{"fault": {"platform"}}},
		{orderPage(s.review), orderPage(s.review) + "/clear", "order.review_cleared", nil},
		{"/console/alerts", alert + "/acknowledge", "alert.acknowledged", nil},
		{"/console/alerts", alert + "/resolve", "alert.resolved", nil},
		{"/console/applications", "/console/applications/" + string(s.application.ID) + "/approve", "merchant.approved", nil},
		{"/console/applications", "/console/applications/" + string(s.revision.ID) + "/decline", "listing.rejected", nil},
	} {
		before, sent := s.events(press.event), form(t, s.ok("operator", press.page), press.to)
		maps.Copy(sent, press.set)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				w := s.post("operator", press.to, sent)
				assert.Equal(t, http.StatusSeeOther, w.Code, "%s: %s", press.to, w.Body)
				assert.True(t, strings.HasPrefix(w.Header().Get("Location"), press.page+"?done="), w.Header().Get("Location"))
			})
		}
		all.Wait()
		assert.Equal(t, before+1, s.events(press.event), press.to)
	}
	assert.Equal(t, order.Cancelled, s.again(s.confirmed).State)
	assert.Equal(t, order.CustomerFault, s.again(s.confirmed).Cancellation.Fault)
	assert.Contains(t, s.ok("operator", orderPage(fresh)+"?done=cancel"), "The order is cancelled.")
	assert.NotContains(t, s.ok("operator", orderPage(fresh)+"?done=nonsense"), `role="status"`)
	found, err := s.VerifyBooks(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestDispatchAsksSomebodyOrSaysThatNobodyIsFree(t *testing.T) {
	t.Parallel()
	h := open(t)
	first, second := h.paid(), h.paid()
	page := orderPage(first)
	sent := form(t, h.ok("operator", page), page+"/dispatch")
	for range 2 {
		require.Equal(t, http.StatusSeeOther, h.post("operator", page+"/dispatch", sent).Code)
	}
	assert.Equal(t, 1, h.events("assignment.offered"))
	offers, err := h.Dispatch.Assignments(h.as(h.cast.Operator), dispatch.Find{Order: first.ID})
	require.NoError(t, err)
	_, err = h.Dispatch.Accept(h.as(h.cast.Staff), dispatch.Accept{Assignment: offers.Items[0].ID})
	require.NoError(t, err)

	page = orderPage(second)
	w := h.post("operator", page+"/dispatch", form(t, h.ok("operator", page), page+"/dispatch"))
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "nobody is free now")
}

func TestARefusedMoveShowsThePageAsItIsNow(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := h.paid()
	page := orderPage(o)
	sent := form(t, h.ok("operator", page), page+"/cancel")
	sent.Set("fault", "customer")
	cheap := url.Values{"key": {"another"}, "fault": {"customer"}, "fee.customer": {"1.00 CNY"}, "reason": {"other"}}
	w := h.post("operator", page+"/cancel?lang=zh", cheap)
	assert.Equal(t, http.StatusConflict, w.Code, "the fee is another than was shown")
	assert.Contains(t, w.Body.String(), "order.cancel_fee_changed")
	assert.Contains(t, w.Body.String(), "已确认")
	assert.Contains(t, w.Body.String(), `href="`+page+`?lang=en"`, "the other language is the page, not the form")

	_, err := h.Orders.Cancel(h.as(h.cast.Operator), order.Cancel{Order: o.ID, Reason: "other"})
	require.NoError(t, err)
	w = h.post("operator", page+"/cancel", sent)
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "order.not_cancellable")
	assert.Contains(t, w.Body.String(), "Cancelled")

	sent.Del("key")
	assert.Equal(t, http.StatusUnprocessableEntity, h.post("operator", page+"/cancel", sent).Code, "without its key")
	assert.Equal(t, http.StatusUnprocessableEntity, h.post("operator", page+"/cancel", url.Values{"key": {"k"}, "fault": {"nobody"}}).Code)
	assert.Equal(t, http.StatusNotFound, h.post("operator", page+"/fly", cheap).Code)
	assert.Equal(t, http.StatusNotFound, h.get("operator", "/console/orders/ord_01kdvdna00eajs4d2pf2dbsqqg").Code)
	assert.Equal(t, http.StatusUnprocessableEntity, h.get("operator", "/console/orders/x").Code)
	w = h.do("operator", newPost(page+"/cancel", cheap), "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, w.Code, "from another site")
}

func TestOrdersTurnTheirPages(t *testing.T) {
	t.Parallel()
	h := open(t)
	oldest := h.place(1)
	for range 50 {
		h.place(1)
	}
	path, rows := "/console/?state=awaiting_payment", 0
	first := h.ok("operator", path)
	assert.Contains(t, first, "Awaiting payment <b>50</b>")
	assert.NotContains(t, first, string(oldest.ID), "the newest come first")
	for page := first; ; {
		rows += strings.Count(page, `href="/console/orders/`)
		link, _, more := strings.Cut(page, `" rel="next"`)
		if !more {
			assert.Contains(t, page, string(oldest.ID))
			assert.Contains(t, page, `<a href="/console/?state=awaiting_payment">First page`)
			break
		}
		page = h.ok("operator", html.UnescapeString(link[strings.LastIndex(link, `"`)+1:]))
	}
	assert.Equal(t, 51, rows)
	assert.Equal(t, http.StatusUnprocessableEntity, h.get("operator", "/console/?cursor=nonsense").Code)
}

func TestTheLanguageIsRemembered(t *testing.T) {
	t.Parallel()
	h := open(t)
	english := h.ok("operator", "/console/?state=closed&done=cancel")
	assert.Contains(t, english, `<a href="/console/?lang=zh&amp;state=closed" rel="alternate">中文</a>`)
	w := h.get("operator", "/console/?lang=zh&state=closed")
	set := w.Header().Get("Set-Cookie")
	assert.Contains(t, set, "lang=zh;")
	pair, _, _ := strings.Cut(set, ";")
	assert.Contains(t, h.ok("operator", "/console/books", "Cookie", pair), `<html lang="zh">`)
	assert.Empty(t, h.get("operator", "/console/").Header().Get("Set-Cookie"))
}

func TestBooksAreVerifiedOnDemand(t *testing.T) {
	t.Parallel()
	h := open(t)
	assert.Contains(t, h.ok("operator", "/console/books"), "Nothing was booked yet.")
	h.paid()
	page := h.ok("operator", "/console/books")
	assert.NotContains(t, page, "The books are sound")
	w := h.post("operator", "/console/books/verify", form(t, page, "/console/books/verify"))
	require.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), "The books are sound")

	lamp := platform.Ref{Kind: "lamp", ID: platform.NewID("lmp", morning, 1, 1)}
	_, err := h.DB.Commit(t.Context(), platform.Set{Changes: []platform.Change{
		platform.Delta(platform.Counter("posted:commission", "CNY"), 500, lamp),
		{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: platform.NewID("evt", morning, 1, 1)}, Value: platform.Event{
			ID: platform.NewID("evt", morning, 1, 1), Type: "lamp.switched", Subject: lamp, Actor: h.cast.Operator, At: morning,
		}},
	}})
	require.NoError(t, err)
	w = h.post("operator", "/console/books/verify?lang=zh", form(t, page, "/console/books/verify"))
	require.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), "借贷不相等！")
	assert.Contains(t, w.Body.String(), "账簿有误：")
	assert.Contains(t, w.Body.String(), "V5")
}

func TestAnEventsReceiptIsVerified(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := h.paid()
	page, err := platform.List[platform.Event](t.Context(), h.DB, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{o.Ref()}})
	require.NoError(t, err)
	placed := string(page.Items[0].ID)
	assert.Contains(t, h.ok("auditor", "/console/audit?event="+placed), "audit.unlogged", "before the relay")
	require.NoError(t, h.Relay(t.Context()))
	found := h.ok("auditor", "/console/audit?event="+placed)
	assert.Contains(t, found, "The receipt verifies")
	assert.Contains(t, found, orderPage(o))
	checkpoint, err := h.Audit.Checkpoint(t.Context())
	require.NoError(t, err)
	root := strings.Split(string(checkpoint), "\n")[2]
	assert.GreaterOrEqual(t, strings.Count(html.UnescapeString(found), root), 3, "the last step, the root, the checkpoint")
	assert.Contains(t, h.ok("auditor", "/console/audit?event=evt_01kdvdna00eajs4d2pf2dbsqqg"), "event.not_found")
}

func TestTheTimelineTellsTheStoryInOrder(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	page := s.ok("operator", orderPage(s.closed))
	_, timeline, found := strings.Cut(page, "<h2>Timeline</h2>")
	require.True(t, found)
	at := -1
	for _, what := range []string{"order.placed", "payment.captured", "assignment.offered", "assignment.accepted", "order.started", "order.delivered", "order.completed", "order.closed"} {
		next := strings.Index(timeline, `title="`+what+`"`)
		assert.Greater(t, next, at, what)
		at = next
	}
	for _, o := range []order.Order{s.closed, s.delivered, s.refunded, s.cancelled, s.failed, s.confirmed, s.review, s.awaiting} {
		for _, title := range titles.FindAllStringSubmatch(s.ok("operator", orderPage(o)), -1) {
			assert.NotEqual(t, title[1], title[2], "an event without a label")
		}
	}
}

// lost is a sink that is gone for good, unless it is found again.
type lost struct{ found atomic.Bool }

func (l *lost) Publish(context.Context, []platform.Event) error {
	if l.found.Load() {
		return nil
	}
	return store.ErrHopeless
}

func TestWhatWasGivenUpIsSentAgainFromTheStorePage(t *testing.T) {
	t.Parallel()
	h := open(t)
	receiver := &lost{}
	h.Follow("accounts", receiver)
	h.paid()
	require.ErrorIs(t, h.Relay(t.Context()), store.ErrParked)
	page := h.ok("operator", "/console/store")
	for _, text := range []string{"accounts", "sink.hopeless", "Commands written", "Given up"} {
		assert.Contains(t, page, text)
	}
	parked, err := h.Parked(h.as(h.cast.Operator), "", 2)
	require.NoError(t, err)
	at := "/console/store/" + string(parked.Items[0].Event.ID)
	receiver.found.Store(true)
	resend := form(t, page, at+"/resend")
	for range 2 {
		assert.Equal(t, http.StatusSeeOther, h.post("operator", at+"/resend", resend).Code)
	}
	assert.Equal(t, 1, h.events("delivery.resent"))
	other := "/console/store/" + string(parked.Items[1].Event.ID)
	discard := form(t, page, other+"/discard")
	discard.Set("reason", "sink_gone")
	assert.Equal(t, http.StatusForbidden, h.post("admission", other+"/discard", discard).Code)
	assert.Equal(t, http.StatusSeeOther, h.post("operator", other+"/discard", discard).Code)
	assert.Equal(t, 1, h.events("delivery.discarded"))

	again := form(t, page, other+"/resend")
	w := h.post("operator", other+"/resend", again)
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "delivery.not_parked")
	assert.NotContains(t, h.ok("operator", "/console/store"), at)
	assert.NotContains(t, h.ok("auditor", "/console/store"), "<form class=\"line\" action=\"/console/store")
}
