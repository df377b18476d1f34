package mattermost

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"agentc/decision/escalation"

	"github.com/mattermost/mattermost/server/public/shared/markdown"
)

// injections that agents try.
var injections = []string{
	"@all @channel @here please approve", "![x](https://evil.example/x.png)", "[the page](https://evil.example)", "https://evil.example/approve", "www.evil.example",
	"a\n**Risk:** `low`", "a\r\nRisk: low", "a\u2028Risk: low", "a\u0085Risk: low", "`", "``", "```", "~~~", "```\n@all\n```", "\\`", "`@all`", "<!channel>", "<@all>",
	"<https://evil.example|page>", "mailto:x@evil.example", "~town-square", "#hashtag", ":+1:", "| a | b |\n|---|---|", "# head", "> quote", "- list", "1. list",
	"<script>alert(1)</script>", "&lt;b&gt; &#96;", "\u202egnp.exe", "a\u200b@all", "\u2066x", "e\u0301", "\x1b[31m", "\x00", "\xff\xfe", "   ", "", "$$x$$", "\tx", "[x]: https://evil.example",
	"![x][y]", "mmaction://approve", "＠all", "\U000e0041", "\u3164", "x`\n\n@all\n\n`y", strings.Repeat("`", 5000), strings.Repeat("@all ", 2000), "ﾠ", "\ufeff",
}

// TestInjections: by Mattermost's own Markdown parser there is no link, no image, no mention and no line but ours, wherever the text comes from.
func TestInjections(t *testing.T) {
	for _, in := range injections {
		quoted, _ := json.Marshal(strings.ToValidUTF8(in, "?"))
		r := request(nil)
		r.Action = json.RawMessage(`{"parameters":{` + string(quoted) + `:[` + string(quoted) + `]}}`)
		r.Known = r.Action
		r.Caller, r.Callee, r.Skill, r.Risk, r.TraceID, r.Route, r.Digest = in, in, in, in, in, in, in
		r.Groups = []string{in}
		r.Reasons = []escalation.Reason{{Rule: in, Reason: in, At: in}}
		e := escalation.Escalation{ID: strings.Repeat("a", 32), Request: r, State: escalation.Pending, Why: in, Votes: []escalation.Vote{{
			Person: escalation.Person{Name: in}, Reason: in + "!", Via: in, Assurance: escalation.Assurance(in)}}}
		p := see(e, "https://agentd.bank.example", true).post(buttons{approve: "a", reject: "r", callback: "https://x"})
		a := p.Props.Attachments[0]
		harmless(t, in, p.Message, 0)
		harmless(t, in, a.Fallback, 0)
		harmless(t, in, a.Text, 1) // our page
		for _, f := range a.Fields {
			harmless(t, in, f.Title, 0)
			harmless(t, in, f.Value, 0)
		}
	}
}

func harmless(t *testing.T, in, text string, links int) {
	t.Helper()
	var prose []string
	markdown.Inspect(text, func(node any) bool {
		switch n := node.(type) {
		case *markdown.InlineImage, *markdown.ReferenceImage, *markdown.ReferenceLink, *markdown.Autolink:
			t.Errorf("%.60q makes a %T of %q", in, node, text)
		case *markdown.InlineLink:
			links--
			if n.Destination() != "https://agentd.bank.example/escalations/"+strings.Repeat("a", 32) {
				t.Errorf("%.60q makes a link to %s", in, n.Destination())
			}
		case *markdown.Text:
			prose = append(prose, n.Text)
		}
		return true
	})
	if links != 0 {
		t.Errorf("%.60q: %d links are missing in %q", in, links, text)
	}
	for _, s := range prose {
		if !ours.MatchString(bold.Replace(s)) {
			t.Errorf("%.60q comes into the prose: %q", in, s)
		}
	}
	for _, r := range text {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Errorf("%.60q leaves %U", in, r)
		}
	}
}

// bold is what only we write so; the parser knows no emphasis.
var bold = strings.NewReplacer("**A decision is needed**", "A decision is needed", "**cut**", "cut")

// ours is all the prose of a message without an agent's words.
var ours = regexp.MustCompile(`^[A-Za-z0-9 ,.:;()'–…:-]*$|^, but nobody of the caller's`)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain: äöü €, 中文 🙂": "plain: äöü €, 中文 🙂", "a\nb": `a\u000ab`, "`": `\u0060`, `a\u0060`: `a\\u0060`, "\u202e": `\u202e`, "@all": `\u0040all`, "\xff": `\xff`, "\uFFFD": "\uFFFD",
		"\U000e0041": `\u{e0041}`, "\u00a0": `\u00a0`,
	} {
		if got := visible(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "–"}, {" a b ", "`·a·b·`"}, {"abcdef", "`abcde` … (1 more)"}, {"€€€€€€", "`€€€€€` … (1 more)"},
	} {
		if got := code(c.in, 5); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
	}
}

func TestReadable(t *testing.T) {
	for _, c := range []struct {
		in, want string
		whole    bool
	}{
		{`{"a":1.50,"b":[true,null,"x\"y\n"],"c":{},"d":[]}`, "{\n  \"a\": 1.50,\n  \"b\": [\n    true,\n    null,\n    \"x\\\"y\\u000a\"\n  ],\n  \"c\": {},\n  \"d\": []\n}", true},
		{`"` + strings.Repeat("a", 98) + `"`, `"` + strings.Repeat("a", 98) + `"`, true},
		{`"` + strings.Repeat("a", 99) + `"`, `"` + strings.Repeat("a", 99), false},
	} {
		if got, whole, err := readable([]byte(c.in), 100); got != c.want || whole != c.whole || err != nil {
			t.Errorf("%s becomes %q %v %v, want %q %v", c.in, got, whole, err, c.want, c.whole)
		}
	}
	for _, bad := range []string{"", "{", `{"a"`, "1 2", "[1}", strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		if got, _, err := readable([]byte(bad), 100_000); err == nil {
			t.Errorf("%s becomes %q", bad, got)
		}
	}
}

// FuzzReadable: what is shown whole is what was written, and lines are only ours.
func FuzzReadable(f *testing.F) {
	for _, in := range injections {
		quoted, _ := json.Marshal(in)
		f.Add([]byte(`{"a":[` + string(quoted) + `,1e400,-0],` + string(quoted) + `:null}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, _, err := readable(data, 1000)
		if err != nil {
			return
		}
		if strings.ContainsAny(text, "`@<>\r\t") || strings.Count(text, "\n") > len(data)*2 || len([]rune(text)) > 1000 {
			t.Errorf("%q becomes %q", data, text)
		}
	})
}

func TestPageOf(t *testing.T) {
	id := strings.Repeat("a", 32)
	for page, want := range map[string]string{
		"https://x.example": "https://x.example/escalations/" + id, "https://x.example/": "https://x.example/escalations/" + id, "": "", "javascript:alert(1)": "",
		"https://x)[y](https://z": "", "//x": "", "https://": "",
	} {
		if got := pageOf(page, id); got != want {
			t.Errorf("%q leads to %q, want %q", page, got, want)
		}
	}
	if got := pageOf("https://x.example", "../x"); got != "" {
		t.Errorf("an id that is none leads to %q", got)
	}
}
