package mattermost

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"agentc/decision/escalation"
	"agentc/decision/fleet"
	"agentc/decision/mattermost/fake"

	"github.com/mattermost/mattermost/server/public/model"
)

// TestWhoMayNot is told why if the bundle knows them, and nothing otherwise. Nothing is burnt: bob votes afterwards with the same button.
func TestWhoMayNot(t *testing.T) {
	nothing := func(*bench) {}
	for _, c := range []struct {
		name, user string
		before     func(*bench)
		text       string
		outcome    string
	}{
		{"owner", "own", nothing, "your team owns", refused},
		{"of another group", "other", nothing, "in none of the groups", refused},
		{"not in the bundle", "stranger", nothing, textNothing, stranger},
		{"guest", "guest", func(b *bench) { b.account("guest", func(u *model.User) { u.Roles = model.SystemGuestRoleId }) }, textNothing, stranger},
		{"without a role", "guest", func(b *bench) { b.account("guest", func(u *model.User) { u.Roles = "" }) }, textNothing, stranger},
		{"bot", "helper-bot", func(b *bench) { b.account("helper-bot", func(u *model.User) { u.IsBot = true }) }, textNothing, stranger},
		{"of another server", "ada.l", func(b *bench) { b.account("ada.l", func(u *model.User) { u.RemoteId = model.NewPointer("elsewhere") }) }, textNothing, stranger},
		{"deactivated", "ada.l", func(b *bench) { b.account("ada.l", func(u *model.User) { u.DeleteAt = 1 }) }, textNothing, stranger},
		{"renamed", "ada.l", func(b *bench) { b.account("ada.l", func(u *model.User) { u.Username = "ada.smith" }) }, textNothing, stranger},
		{"two people of one name", "ada.l", func(b *bench) { b.people.People["ada2"] = &fleet.Person{Mattermost: "ADA.L", Groups: []string{"soc"}} }, textNothing, stranger},
		{"no bundle", "ada.l", func(b *bench) {
			people := b.people
			b.clicks.People = func() *fleet.Escalation { return nil }
			b.Cleanup(func() { b.people = people })
		}, textNothing, stranger},
		{"Mattermost does not answer", "ada.l", func(b *bench) { b.server.SetTrouble(fake.Always(fake.Broken)) }, textFailed, failed},
		{"its user's look-up does not", "ada.l", func(b *bench) {
			b.server.SetTrouble(func(r *http.Request) fake.Trouble {
				if strings.Contains(r.URL.Path, b.users["ada.l"].Id) {
					return fake.Away
				}
				return fake.None
			})
		}, textFailed, failed},
		{"message edited", "ada.l", func(b *bench) { b.server.Edit(b.only().Id, func(p *model.Post) { p.AddProp("approval_id", "x") }) }, textNothing, elsewhere},
		{"message moved", "ada.l", func(b *bench) {
			b.server.Edit(b.only().Id, func(p *model.Post) { p.AddProp("approval_channel", model.NewId()) })
		}, textNothing, elsewhere},
		{"message of somebody else", "ada.l", func(b *bench) { b.server.Edit(b.only().Id, func(p *model.Post) { p.UserId = b.users["bob"].Id }) }, textNothing, elsewhere},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			e := b.ask(1)
			b.drain()
			request, url, err := b.server.Clicked(b.users["bob"].Id, b.only().Id, "Approve")
			if err != nil {
				t.Fatal(err)
			}
			c.before(b)
			if text := b.click(c.user, "Approve"); !strings.Contains(text, c.text) {
				t.Errorf("told %q, want %q", text, c.text)
			}
			b.counted(c.outcome, 1)
			b.counted(voted, 0)
			b.state(e.ID, escalation.Pending, 0)
			if c.outcome == elsewhere || c.name == "no bundle" {
				return
			}
			b.server.SetTrouble(fake.Always(fake.None))
			b.clock.add(10 * time.Second)
			if response, err := b.server.Send(t.Context(), url, request); err != nil || response.EphemeralText != "" {
				t.Errorf("bob is told %+v %v", response, err)
			}
			b.state(e.ID, escalation.Pending, 1)
		})
	}
}

func (b *bench) account(name string, f func(*model.User)) { b.server.Change(b.users[name].Id, f) }

// TestForged clicks come from somebody who reaches the port, or has seen a true one.
func TestForged(t *testing.T) {
	for _, c := range []struct {
		name    string
		forge   func(*bench, *model.PostActionIntegrationRequest)
		outcome string
	}{
		{"guessed nonce", func(b *bench, r *model.PostActionIntegrationRequest) {
			r.Context["nonce"] = strings.Repeat("a", 64)
		}, nonced},
		{"another message", func(b *bench, r *model.PostActionIntegrationRequest) { r.PostId = model.NewId() }, elsewhere},
		{"another channel", func(b *bench, r *model.PostActionIntegrationRequest) { r.ChannelId = model.NewId() }, elsewhere},
		{"the message of another question", func(b *bench, r *model.PostActionIntegrationRequest) {
			b.ask(2)
			b.drain()
			r.PostId = b.server.Posts(b.channel.Id)[1].Id
		}, elsewhere},
		{"nobody", func(b *bench, r *model.PostActionIntegrationRequest) { r.UserId = model.NewId() }, stranger},
		{"the name of an approver", func(b *bench, r *model.PostActionIntegrationRequest) {
			r.UserId, r.UserName = b.users["stranger"].Id, "ada.l"
		}, stranger},
		{"the bot itself", func(b *bench, r *model.PostActionIntegrationRequest) { r.UserId = b.bot.Id }, stranger},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			e := b.ask(1)
			b.drain()
			request, url, err := b.server.Clicked(b.users["ada.l"].Id, b.only().Id, "Approve")
			if err != nil {
				t.Fatal(err)
			}
			c.forge(b, request)
			response, err := b.server.Send(t.Context(), url, request)
			if err != nil {
				t.Fatal(err)
			}
			if response.EphemeralText != textNothing || response.Update != nil {
				t.Errorf("told %+v", response)
			}
			b.counted(c.outcome, 1)
			b.state(e.ID, escalation.Pending, 0)
			if strings.Contains(b.log.text(), request.Context["nonce"].(string)) {
				t.Error("the nonce is in the log")
			}
		})
	}
}

// TestAgain: duplicate, replayed and late clicks, one after another and at once.
func TestAgain(t *testing.T) {
	b := newBench(t)
	e := b.ask(1)
	b.drain()
	first, url, err := b.server.Clicked(b.users["ada.l"].Id, b.only().Id, "Approve")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := b.server.Send(t.Context(), url, first); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.state(e.ID, escalation.Pending, 1)
	b.counted(voted, 1)

	first.UserId = b.users["bob"].Id // the button that ada used up
	if response, err := b.server.Send(t.Context(), url, first); err != nil || response.EphemeralText != textNothing {
		t.Errorf("a replay: %+v %v", response, err)
	}
	b.drain()
	if text := b.click("ada.l", "Approve"); !strings.Contains(text, "voted already") {
		t.Errorf("ada's second vote: %q", text)
	}
	late, _, err := b.server.Clicked(b.users["bob"].Id, b.only().Id, "Approve")
	if err != nil {
		t.Fatal(err)
	}
	b.state(e.ID, escalation.Pending, 1)
	b.clock.add(15 * time.Minute)
	response, err := b.server.Send(t.Context(), url, late)
	if err != nil || !strings.Contains(response.EphemeralText, "its time is over") || response.Update == nil || names(response.Update) != "" {
		t.Errorf("a late click: %+v %v", response, err)
	}
	b.state(e.ID, escalation.Expired, 1)
	if response, err = b.server.Send(t.Context(), url, late); err != nil || !strings.Contains(response.EphemeralText, "Nothing was done") {
		t.Errorf("a later click: %+v %v", response, err)
	}
}

// TestBetweenVotes: somebody is deactivated between two votes; the other one's counts.
func TestBetweenVotes(t *testing.T) {
	b := newBench(t)
	e := b.ask(1)
	b.drain()
	b.click("ada.l", "Approve")
	b.account("bob", func(u *model.User) { u.DeleteAt = 5 })
	if text := b.click("bob", "Approve"); text != textNothing {
		t.Errorf("bob is told %q", text)
	}
	b.state(e.ID, escalation.Pending, 1)
}

// TestHidden: nobody reads the nonces, and each message's are new.
func TestHidden(t *testing.T) {
	b := newBench(t)
	b.ask(1)
	b.drain()
	stored := b.only()
	p, err := b.client.Post(t.Context(), stored.Id)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range p.Props.Attachments[0].Actions {
		if a.Integration != nil {
			t.Error("readers get what a button sends")
		}
	}
	seen := map[string]bool{}
	collect := func() {
		for _, a := range b.only().Attachments()[0].Actions {
			nonce := a.Integration.Context["nonce"].(string)
			if len(a.Integration.Context) != 1 || len(nonce) != 64 || seen[nonce] {
				t.Errorf("a button brings along %v", a.Integration.Context)
			}
			seen[nonce] = true
		}
	}
	collect()
	b.click("ada.l", "Approve")
	collect()
	if len(seen) != 4 {
		t.Errorf("%d nonces, want 4", len(seen))
	}
}

// TestNoClick is what Mattermost never sends.
func TestNoClick(t *testing.T) {
	b := newBench(t)
	good := `{"user_id":"` + model.NewId() + `","post_id":"` + model.NewId() + `","channel_id":"` + model.NewId() + `","context":{"nonce":"` + strings.Repeat("a", 64) + `"}}`
	for _, c := range []struct {
		name, method, path, kind, body string
		want                           int
	}{
		{"good", "POST", Path, "application/json", good, 200},
		{"GET", "GET", Path, "application/json", good, 405},
		{"another path", "POST", "/", "application/json", good, 404},
		{"text", "POST", Path, "text/plain", good, 415},
		{"a form", "POST", Path, "application/x-www-form-urlencoded", "a=b", 415},
		{"empty", "POST", Path, "application/json", "", 400},
		{"a list", "POST", Path, "application/json", "[]", 400},
		{"null", "POST", Path, "application/json", "null", 400},
		{"a key twice", "POST", Path, "application/json", `{"user_id":"x",` + good[1:], 400},
		{"a key in other letters", "POST", Path, "application/json", `{"User_ID":"x",` + good[1:], 400},
		{"something behind", "POST", Path, "application/json", good + good, 400},
		{"a path for an id", "POST", Path, "application/json", strings.Replace(good, `"user_id":"`, `"user_id":"../`, 1), 400},
		{"a number for an id", "POST", Path, "application/json", `{"user_id":1}`, 400},
		{"no context", "POST", Path, "application/json", strings.Replace(good, `"context"`, `"other"`, 1), 400},
		{"no UTF-8", "POST", Path, "application/json", "{\"a\":\"\xff\"}", 400},
		{"too large", "POST", Path, "application/json", `{"a":"` + strings.Repeat("x", 64<<10) + `"}`, 413},
		{"too deep", "POST", Path, "application/json", strings.Repeat("[", 1000), 400},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		b.clicks.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.want)
		}
		if c.want != 200 && strings.TrimSpace(w.Body.String()) != http.StatusText(c.want) {
			t.Errorf("%s is told %q", c.name, w.Body)
		}
	}
	b.counted(malformed, 16)
	b.counted(nonced, 1)
}

// TestRate: many clicks are turned away before anything is looked up.
func TestRate(t *testing.T) {
	b := newBench(t)
	send := func() int {
		w := httptest.NewRecorder()
		b.clicks.ServeHTTP(w, httptest.NewRequest("GET", Path, nil))
		return w.Code
	}
	got := map[int]int{}
	for range 100 {
		got[send()]++
	}
	if got[405] != burst || got[429] != 100-burst {
		t.Errorf("answers %v", got)
	}
	b.clock.add(time.Second)
	clear(got)
	for range 100 {
		got[send()]++
	}
	if got[405] != perSecond {
		t.Errorf("a second later: %v", got)
	}
}

// TestAtOnce: as many clicks as are worked on at once wait for a slow Mattermost, and no more.
func TestAtOnce(t *testing.T) {
	b := newBench(t)
	for range atOnce {
		b.clicks.busy <- struct{}{}
	}
	w := httptest.NewRecorder()
	b.clicks.ServeHTTP(w, httptest.NewRequest("POST", Path, nil))
	if w.Code != 429 {
		t.Errorf("%d, want 429", w.Code)
	}
	b.counted(limited, 1)
}

// TestTold: whoever is not known learns nothing from a refusal of the store.
func TestTold(t *testing.T) {
	for _, rule := range []string{"own", "voted", "ended", "expired", "assurance", "not-approver", "unknown", "limit", "nonce"} {
		if outcome, text := told(&escalation.Refusal{Rule: rule, Reason: "secret"}, false); text != textNothing || outcome != nonced {
			t.Errorf("%s: %s %q", rule, outcome, text)
		}
		if _, text := told(&escalation.Refusal{Rule: rule, Reason: "secret"}, true); strings.Contains(text, "secret") || !strings.HasPrefix(text, "Nothing was done") {
			t.Errorf("%s, known: %q", rule, text)
		}
	}
	if outcome, text := told(errors.New("secret"), true); outcome != failed || text != textFailed {
		t.Errorf("%s %q", outcome, text)
	}
}

func FuzzClick(f *testing.F) {
	f.Add([]byte(`{"user_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","context":{"nonce":"x"}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", Path, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		k, status, err := readClick(httptest.NewRecorder(), r)
		if err == nil && (!isID(k.user) || !isID(k.post) || !isID(k.channel) || len(k.nonce) != 64) || (err == nil) != (status == 0) {
			t.Errorf("%+v %d %v", k, status, err)
		}
	})
}
