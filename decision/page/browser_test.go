//go:build browser

// The page in a real browser: go test -tags browser ./decision/page. With -shots DIR it also writes what it looks like.
package page

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"agentc/decision/escalation"
)

var shots = flag.String("shots", "", "folder for screenshots")

var night = time.Date(2026, 4, 30, 21, 10, 0, 0, time.UTC)

func open(t *testing.T) (*site, *httptest.Server, escalation.Escalation) {
	t.Helper()
	s := newSite(t, night)
	shown := s.story(t)
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	return s, web, shown
}

// TestLooks checks every page on every screen: nothing is cut off at the side, all text can be read, nothing is kept from loading.
func TestLooks(t *testing.T) {
	s, web, shown := open(t)
	if err := s.Service.Quarantine(context.Background(), escalation.Quarantine{Agent: "notify", By: "asel", Reason: "Posts the same message again and again."}); err != nil {
		t.Fatal(err)
	}
	empty := newSite(t, night)
	empty.vote(t, empty.ask(t, usual("checkout-api")), asel, false, "Planned load test.")
	nothing := httptest.NewServer(empty.Handler())
	t.Cleanup(nothing.Close)
	b := newBrowser(t)
	pages := []struct{ name, url string }{
		{"pending", web.URL + Pending}, {"one", web.URL + Pending + "/" + shown.ID}, {"history", web.URL + history}, {"quarantines", web.URL + agents},
		{"empty", nothing.URL + Pending}, {"trouble", web.URL + Pending + "/none"},
	}
	for _, width := range []int{1280, 390, 360} {
		for _, scheme := range []string{"light", "dark"} {
			b.screen(width, 844, scheme)
			for _, p := range pages {
				b.open(p.url)
				b.eval("document.querySelectorAll('details').forEach(d => d.open = false)", nil)
				name := fmt.Sprintf("%s-%d-%s", p.name, width, scheme)
				b.fits(name, width)
				if *shots != "" && width != 360 {
					b.shot(filepath.Join(*shots, name+".png"), true)
				}
				b.eval("document.querySelectorAll('details').forEach(d => d.open = true)", nil)
				b.fits(name+", opened", width)
				b.readable(name)
				if *shots != "" && p.name == "one" && width != 360 {
					b.shot(filepath.Join(*shots, name+"-opened.png"), true)
				}
			}
		}
	}
	for _, v := range b.violate {
		if !strings.Contains(v, "404") && !strings.Contains(v, "favicon") {
			t.Errorf("the browser complains: %s", v)
		}
	}
}

// fits says what is wider than the screen.
func (b *browser) fits(name string, width int) {
	b.t.Helper()
	var wide []string
	b.eval(fmt.Sprintf(`[...document.body.querySelectorAll('*')].filter(e => !e.closest('.vh, .skip, pre') && e.getBoundingClientRect().right > %d + .5)
		.map(e => e.tagName + '.' + e.className + ' ' + e.getBoundingClientRect().right)`, width), &wide)
	if len(wide) > 0 {
		b.t.Errorf("%s: wider than the screen: %v", name, wide)
	}
}

// readable computes the contrast of all text that is shown, after WCAG 2.2: at least 4.5 to 1, and 3 to 1 where it is large. Fields and buttons are
// bounded by 3 to 1.
func (b *browser) readable(name string) {
	b.t.Helper()
	var weak []string
	b.eval(`(() => {
		const rgb = c => { const m = c.match(/[\d.]+/g).map(Number); return {r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1}; };
		const part = v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
		const light = c => .2126 * part(c.r) + .7152 * part(c.g) + .0722 * part(c.b);
		const under = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.a === 1) return c; } return {r: 255, g: 255, b: 255}; };
		const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
		const weak = [];
		for (const e of document.body.querySelectorAll('*')) {
			const style = getComputedStyle(e);
			if (!e.checkVisibility() || e.closest('.vh')) continue;
			if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
				const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
				const c = contrast(rgb(style.color), under(e));
				if (c < (large ? 3 : 4.5)) weak.push(e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 30) + ': ' + c.toFixed(2));
			}
			if (e.matches('input:not([type=hidden]):not([type=checkbox]), select, textarea, button')) {
				const c = contrast(rgb(style.borderTopColor), under(e.parentElement));
				if (c < 3) weak.push('border of ' + e.tagName + '.' + e.className + ': ' + c.toFixed(2));
			}
		}
		return weak;
	})()`, &weak)
	if len(weak) > 0 {
		b.t.Errorf("%s: hard to read: %v", name, weak)
	}
}

// TestKeyboard approves by keyboard alone: everything is reached in the order of the page, what has the focus is seen, and the first step does nothing.
func TestKeyboard(t *testing.T) {
	s, web, shown := open(t)
	b := newBrowser(t)
	b.screen(1280, 844, "light")
	b.open(web.URL + Pending + "/" + shown.ID)
	var order []string
	tab := func() string {
		b.press("Tab", 9)
		var at struct{ Name, Outline string }
		b.eval(`(() => { const e = document.activeElement; return {Name: (e.id || e.textContent).trim().slice(0, 40), Outline: getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth}; })()`, &at)
		if at.Outline == "none0px" || strings.HasPrefix(at.Outline, "none") {
			t.Errorf("nobody sees that %q has the focus", at.Name)
		}
		order = append(order, at.Name)
		return at.Name
	}
	for name := tab(); !strings.HasPrefix(name, "Approve"); name = tab() {
		if len(order) > 40 {
			t.Fatalf("the keyboard does not reach the approval: %v", order)
		}
	}
	want := []string{"To the content", "Pending 3", "History", "Quarantines", "The whole action, as its digest covers i", "no", "Reject", "Approve …"}
	if got := strings.Join(order, " | "); got != strings.Join(want, " | ") {
		t.Errorf("the order is %s", got)
	}
	b.press("Enter", 13)
	if e, err := s.Service.Get(context.Background(), shown.ID); err != nil || e.State != escalation.Pending {
		t.Fatalf("the first step made it %s, %v", e.State, err)
	}
	for name := tab(); name != "Approve isolate-workload"; name = tab() {
		if len(order) > 60 {
			t.Fatalf("the keyboard does not reach the second step: %v", order)
		}
	}
	for len(b.events) > 0 {
		<-b.events
	}
	b.press("Enter", 13)
	b.loaded()
	if e, err := s.Service.Get(context.Background(), shown.ID); err != nil || e.State != escalation.Approved || e.Votes[0].Person.Name != "asel" || e.Votes[0].Via != "page" {
		t.Errorf("the second step made it %s with %v, %v", e.State, e.Votes, err)
	}
}

// TestNews: what happens elsewhere appears by itself, and does not take away what somebody is writing.
func TestNews(t *testing.T) {
	s, web, shown := open(t)
	b := newBrowser(t)
	b.screen(1280, 844, "light")
	b.open(web.URL + Pending)
	s.ask(t, usual("fraud-score"))
	b.until(`document.querySelectorAll('.item').length === 4 && document.getElementById('notice').textContent === 'Now 4 actions wait.' && document.title.startsWith('(4)')`)
	b.eval(`document.getElementById('reason').value = 'Planned load'`, nil)
	s.vote(t, shown, asel, false, "No.")
	b.until(`document.getElementById('notice').textContent.startsWith('Something changed')`)
	var kept string
	b.eval(`document.getElementById('reason').value`, &kept)
	if kept != "Planned load" {
		t.Errorf("what was written is now %q", kept)
	}
}

// until a script finds something true.
func (b *browser) until(script string) {
	b.t.Helper()
	b.eval(`new Promise((done, fail) => { const end = Date.now() + 20000; const look = () => (`+script+`) ? done() : Date.now() > end ? fail(new Error('it does not come')) : setTimeout(look, 20); look(); })`, nil)
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *shots != "" {
		if err := os.MkdirAll(*shots, 0o755); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
