package pages_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
)

// offered is a paid order whose work is offered to the member: both pages.
func (h *house) offered() (path, job string) {
	h.t.Helper()
	path = h.paid()
	d, err := h.Dispatch.DispatchOrder(h.as(h.cast.Operator), dispatch.DispatchOrder{Order: idOf(path)})
	require.NoError(h.t, err)
	return path, "/my/jobs/" + string(d.Offers[0].ID)
}

// sends a form with a picture, as a browser without a script does.
func (h *house) sends(token, action string, in url.Values, name string, picture []byte) *httptest.ResponseRecorder {
	h.t.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for field, values := range in {
		require.NoError(h.t, parts.WriteField(field, values[0]))
	}
	file, err := parts.CreateFormFile(name, "work.jpg")
	require.NoError(h.t, err)
	_, err = file.Write(picture)
	require.NoError(h.t, err)
	require.NoError(h.t, parts.Close())
	r := httptest.NewRequest(http.MethodPost, action, &body)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	return h.do(token, r)
}

// TestAMemberWalksFromTheOfferToTheHandover: the customer sees each step as it happens.
func TestAMemberWalksFromTheOfferToTheHandover(t *testing.T) {
	t.Parallel()
	h := open(t)
	path, job := h.offered()
	list := h.ok("staff", "/my/jobs")
	assert.Contains(t, list, job)
	assert.Regexp(t, `data-until="2030-03-01T01:[0-9:]+Z"`, list, "how long the offer stands, for a script and as a time")
	assert.Contains(t, h.ok("staff", job), "You see the order once you have taken it.")
	for _, step := range []struct{ verb, seen string }{
		{"take", "Accepted"}, {"en-route", "En route"}, {"arrive", "Arrived"}, {"begin", "In progress"},
	} {
		_, text := h.led("staff", job, job+"/"+step.verb, nil)
		assert.NotContains(t, text, job+"/"+step.verb+"\"", "a step is taken once")
		assert.Contains(t, h.ok("customer", path), step.seen, step.verb)
	}
	assert.Contains(t, h.ok("staff", "/my/jobs"), job, "today's")
}

func TestAPictureIsHashedAndNotKept(t *testing.T) {
	t.Parallel()
	h := open(t)
	path, job := h.offered()
	for _, verb := range []string{"take", "en-route", "arrive", "begin"} {
		h.led("staff", job, job+"/"+verb, nil)
	}
	h.pass(time.Hour)
	w := h.press("staff", job, job+"/hand", nil)
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "order.proof_missing", "nothing is handed over without the proof that was promised")

	in := h.form(w.Body.String(), job+"/hand")
	picture := []byte("a clean window")
	w = h.sends("staff", job+"/hand", in, "photo", picture)
	require.Equal(t, http.StatusSeeOther, w.Code, "%s", w.Body)
	again := h.sends("staff", job+"/hand", in, "photo", picture)
	assert.Equal(t, http.StatusSeeOther, again.Code, "pressed twice")
	o := h.order(path)
	assert.Equal(t, order.Delivered, o.State)
	sum := sha256.Sum256(picture)
	require.Len(t, o.Proofs, 1)
	assert.Equal(t, hex.EncodeToString(sum[:]), o.Proofs[0].SHA256)

	h.pass(time.Minute)
	hours := h.ok("staff", "/my/hours")
	assert.Contains(t, hours, "1:00", "an hour of work")
	assert.Contains(t, hours, "00:00 – 12:00", "the roster")
}

func TestADeclinedOfferNeedsAReasonAndHasNoOtherPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, job := h.offered()
	w := h.press("staff", job, job+"/pass", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, w.Body.String(), `id="pass-reason-wrong"`)
	path, _ := h.led("staff", job, job+"/pass", url.Values{"reason": {"unwell"}})
	assert.Equal(t, "/my/jobs?done=pass", path)
	assert.NotContains(t, h.ok("staff", "/my/jobs"), job)
	assert.NotContains(t, h.ok("staff", job), job+"/take")
}

// TestAnOfferThatIsOverCannotBeTaken: by its time, whether or not a tick has come round.
func TestAnOfferThatIsOverCannotBeTaken(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, job := h.offered()
	take := h.form(h.ok("staff", job), job+"/take")
	h.now.Add((time.Hour).Microseconds())
	assert.NotContains(t, h.ok("staff", "/my/jobs"), job+"/take")
	w := h.post("staff", job+"/take", take)
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "The offer is over.")
}

func TestGivenBackWorkIsLookedForAnew(t *testing.T) {
	t.Parallel()
	h := open(t)
	path, job := h.offered()
	h.led("staff", job, job+"/take", nil)
	assert.Equal(t, order.Assigned, h.order(path).State)
	h.led("staff", job, job+"/release", url.Values{"reason": {"unwell"}})
	assert.Equal(t, order.Confirmed, h.order(path).State)
	assert.Contains(t, h.ok("customer", path), "is being looked for")
}

func TestAnothersJobIsNotThere(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, job := h.offered()
	in := h.form(h.ok("staff", job), job+"/take")
	for _, who := range []string{"customer", "merchant", "operator"} {
		assert.Equal(t, http.StatusForbidden, h.get(who, job).Code, who)
		assert.Equal(t, http.StatusForbidden, h.post(who, job+"/take", in).Code, who)
	}
	a, err := h.Dispatch.Assignment(platform.As(t.Context(), h.cast.Operator), idOf(job))
	require.NoError(t, err)
	assert.Equal(t, dispatch.Offered, a.State)
}
