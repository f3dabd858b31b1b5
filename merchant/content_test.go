package merchant

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

func TestContentNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	assert.Empty(t, content().missing())

	codes := map[string]string{}
	for _, f := range (Content{Acceptance: "proof"}).missing() {
		codes[f.Path] = f.Code
	}
	assert.Equal(t, map[string]string{
		"content.title": "listing.title", "content.text": "listing.text", "content.unit": "listing.unit",
		"content.price": "listing.price", "content.minutes": "listing.standard", "content.zone": "listing.area",
		"content.standard.scope": "listing.standard", "content.standard.result": "listing.standard",
		"content.standard.warranty": "listing.standard", "content.proof": "listing.proof",
	}, codes)
}

func TestContactDataIsFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"call 138 0013 8000", "１３８００１３８０００", "1-3-8-0-0-1-3-8-0-0-0", "+86 (591) 8765-4321", "138\u200b0013\u200b8000", "138\u30000013\u00a08000",
		"phone: 8765-4321", "电话8765 4321", "write to windows@example.com", "windows @ example . com", "see https://example.com/x",
		"www.example.com", "at example.cn", "微信：bright_windows", "加微信号 bright888", "QQ 1234567", "WhatsApp: brightwin",
	} {
		_, wrong := content(func(c *Content) { c.Standard.Warranty = text }).screen(Options{})
		require.NotEmpty(t, wrong, text)
		assert.Equal(t, "listing.contact_data", wrong[0].Code)
		assert.Equal(t, "content.standard.warranty", wrong[0].Path)
	}
}

func TestNoFieldThatCustomersReadIsLeftUnchecked(t *testing.T) {
	t.Parallel()
	const phone = "138 0013 8000"
	for path, hide := range map[string]func(*Content){
		"content.title":             func(c *Content) { c.Title = phone },
		"content.text":              func(c *Content) { c.Text = phone },
		"content.unit":              func(c *Content) { c.Unit = phone },
		"content.standard.scope":    func(c *Content) { c.Standard.Scope = phone },
		"content.standard.result":   func(c *Content) { c.Standard.Result = phone },
		"content.standard.warranty": func(c *Content) { c.Standard.Warranty = phone },
		"content.cancel_policy":     func(c *Content) { c.CancelPolicy = phone },
		"content.need[1]":           func(c *Content) { c.Need = []string{"windows", phone} },
		"content.proof[0]":          func(c *Content) { c.Proof = []string{phone} },
	} {
		_, wrong := content(hide).screen(Options{})
		require.Len(t, wrong, 1, path)
		assert.Equal(t, "listing.contact_data", wrong[0].Code)
		assert.Equal(t, path, wrong[0].Path)
	}
}

func TestOrdinaryTextsPass(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"from 2030-01-15 to 2030-12-31", "2030.1.15 - 2030.12.31", "10 windows, 2 hours, 180.00 CNY", "3 @ 5.00 each",
		"支持微信支付", "model AB-12345678", "hotel rooms, 24 h a day", "open 08:00-18:00, 7 days", "",
	} {
		flags, wrong := content(func(c *Content) { c.Text = text }).screen(Options{}.withDefaults())
		assert.Empty(t, wrong, text)
		assert.Empty(t, flags, text)
	}
}

func TestNoTextHidesATelephoneNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.String().Draw(t, "before")
		after := rapid.String().Draw(t, "after")
		number := rapid.StringMatching(`1[3-9][0-9]{9}`).Draw(t, "number")
		if !reachable(folded(before + " " + number + " " + after)) {
			t.Fatalf("missed %q", number)
		}
	})
}

func TestBannedTermsRefuseAndPraiseFlags(t *testing.T) {
	t.Parallel()
	o := Options{Banned: []string{"Miracle", ""}}.withDefaults()

	flags, wrong := content(func(c *Content) { c.Title = "A ＭＩＲＡＣＬＥ for windows" }).screen(o)
	require.Len(t, wrong, 1)
	assert.Equal(t, "listing.banned_term", wrong[0].Code)
	assert.Equal(t, "content.title", wrong[0].Path)
	assert.Empty(t, flags)

	flags, wrong = content(func(c *Content) { c.Text, c.Title = "the best in town, 全城第一", "The Best" }).screen(o)
	assert.Empty(t, wrong)
	assert.Equal(t, []string{"listing.superlative"}, flags)
}

func TestDefaultsOfContent(t *testing.T) {
	t.Parallel()
	c := Content{}.withDefaults()
	assert.Equal(t, []string{"auto", "customer", "standard"}, []string{c.Confirmation, c.Acceptance, c.CancelPolicy})
	c = Content{Confirmation: "manual", Acceptance: "proof", CancelPolicy: "strict"}
	assert.Equal(t, c, c.withDefaults())
}

func TestContentIsBounded(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		path, code string
		change     func(*Content)
	}{
		{"content.title", "text.too_long", func(c *Content) { c.Title = strings.Repeat("窗", 121) }},
		{"content.text", "text.too_long", func(c *Content) { c.Text = strings.Repeat("a", 10001) }},
		{"content.text", "text.control", func(c *Content) { c.Text = "a\x00b" }},
		{"content.unit", "text.encoding", func(c *Content) { c.Unit = "\xff" }},
		{"content.price", "listing.price", func(c *Content) { c.Price = platform.MustMoney("-1.00", "CNY") }},
		{"content.minutes", "field.gte", func(c *Content) { c.Minutes = -1 }},
		{"content.seats", "field.lte", func(c *Content) { c.Seats = 21 }},
		{"content.zone", "id.wrong_kind", func(c *Content) { c.Zone = platform.NewID("ord", noon, 1, 1) }},
		{"content.zone", "id.malformed", func(c *Content) { c.Zone = "downtown" }},
		{"content.need", "field.unique", func(c *Content) { c.Need = []string{"a", "a"} }},
		{"content.proof[0]", "field.required", func(c *Content) { c.Proof = []string{""} }},
		{"content.confirmation", "field.oneof", func(c *Content) { c.Confirmation = "never" }},
		{"content.acceptance", "field.oneof", func(c *Content) { c.Acceptance = "nobody" }},
	} {
		c := content(row.change)
		err := platform.Validate(NewDraft{Content: &c})
		var fields platform.FieldErrors
		require.ErrorAs(t, err, &fields, row.path)
		assert.Equal(t, row.path, fields[0].Path)
		assert.Equal(t, row.code, fields[0].Code, row.path)
	}
	whole := content(func(c *Content) { c.Title = strings.Repeat("窗", 120) })
	require.NoError(t, platform.Validate(NewDraft{Content: &whole}))
}
