package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"agentc/decision/escalation"
	"agentc/decision/mattermost/fake"

	"github.com/mattermost/mattermost/server/public/model"
)

// TestLife follows an escalation from the question to its use, in the one message that shows it.
func TestLife(t *testing.T) {
	b := newBench(t)
	e := b.ask(900)
	b.drain()
	text := whole(b.only())
	for _, want := range []string{
		"A decision is needed", "`triage` asks `pay` for `refund`", "`spiffe://bank.example/agent/triage`", "Risk: `high`", `"amount": 900`,
		"- `the amount is large` by `soc/large` at `policies/soc.yaml:6`", "Claimed, and checked by nobody", `"percentile": 99.2`, `"confidence": 0.93`,
		"`4bf92f3577b34da6a3ce929d0e0e4736`", "2 Nov 2026 09:15:00 UTC", "0 of 2 approvals", "`soc`",
		"(https://agentd.bank.example/escalations/" + e.ID + ")", e.Digest,
	} {
		b.says(text, want)
	}
	if got := names(b.only()); got != "Approve,Reject" {
		t.Errorf("buttons %s", got)
	}

	if text := b.click("ada.l", "Approve"); text != "" {
		t.Errorf("ada is told %q", text)
	}
	b.state(e.ID, escalation.Pending, 1)
	b.says(whole(b.only()), "- `ada` approved (`mattermost`, `chat`)") // by the answer to the click
	b.drain()
	b.says(whole(b.only()), "1 of 2 approvals")
	b.click("bob", "Approve")
	b.state(e.ID, escalation.Approved, 2)
	b.drain()
	b.says(whole(b.only()), "**Approved**, waits to be used once")
	if got := names(b.only()); got != "" {
		t.Errorf("buttons %s on what is decided", got)
	}
	if _, err := b.store.Consume(t.Context(), e.ID, e.Digest, e.Caller); err != nil {
		t.Fatal(err)
	}
	b.drain()
	b.says(whole(b.only()), "**Approved**, and used")
	b.counted("posted", 1)
	b.counted("updated", 3)
	b.counted("voted", 2)
}

func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*bench, string)
		want string
	}{
		{"rejected", func(b *bench, id string) { b.click("bob", "Reject") }, "**Rejected**"},
		{"expired", func(b *bench, id string) { b.clock.add(16 * time.Minute); b.store.Expire(b.Context()) }, "**Expired**, so rejected"},
		{"cancelled", func(b *bench, id string) { b.store.Cancel(b.Context(), id, "cli", "not @all") }, "Said about it: `not \\u0040all`"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			e := b.ask(1)
			b.drain()
			c.end(b, e.ID)
			b.drain()
			b.says(whole(b.only()), c.want)
			if got := names(b.only()); got != "" {
				t.Errorf("buttons %s", got)
			}
		})
	}
}

// TestVerified: a click may reject what needs a certificate, and never approve it.
func TestVerified(t *testing.T) {
	b := newBench(t)
	r := request(nil)
	r.Assurance = escalation.Verified
	e := b.askAll(r)
	b.drain()
	if got := names(b.only()); got != "Reject" {
		t.Errorf("buttons %s", got)
	}
	b.says(whole(b.only()), "An approval needs a certificate. Approve it on [the page](https://agentd.bank.example/escalations/"+e.ID+")")
	b.click("ada.l", "Reject")
	b.state(e.ID, escalation.Rejected, 1)
}

// TestHuge: what is not seen whole is not approved here.
func TestHuge(t *testing.T) {
	for name, parameters := range map[string]any{
		"long": map[string]any{"a": strings.Repeat("x", 900_000)},
		"many": map[string]any{"a": make([]any, 200_000)},
		"deep": map[string]any{"a": nested(90), "z": strings.Repeat("y", 7000)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.askAll(request(parameters))
			b.drain()
			if got := names(b.only()); got != "Reject" {
				t.Errorf("buttons %s", got)
			}
			b.says(whole(b.only()), "**cut**")
			if n := len(whole(b.only())); n > 16_000 {
				t.Errorf("the message has %d bytes", n)
			}
		})
	}
}

func nested(depth int) any {
	if depth == 0 {
		return "x"
	}
	return []any{nested(depth - 1), "x"}
}

// TestNoClicks: where Mattermost does not reach us, messages have no buttons.
func TestNoClicks(t *testing.T) {
	b := newBench(t)
	b.notifier.Callback = ""
	b.ask(1)
	b.drain()
	if got := names(b.only()); got != "" {
		t.Errorf("buttons %s", got)
	}
	b.says(whole(b.only()), "Decide on it on [the page]")
}

// crash is a store that fails once, as if the process had ended there.
type crash struct {
	*escalation.Service
	set, acknowledge bool
}

var errCrash = errors.New("the process ended")

func (c *crash) SetPost(ctx context.Context, id, post string) error {
	if c.set {
		return errCrash
	}
	return c.Service.SetPost(ctx, id, post)
}

func (c *crash) Acknowledge(ctx context.Context, n escalation.Notice) error {
	if c.acknowledge {
		return errCrash
	}
	return c.Service.Acknowledge(ctx, n)
}

func (c *crash) Postpone(ctx context.Context, n escalation.Notice, wait time.Duration) error {
	if c.set {
		return errCrash
	}
	return c.Service.Postpone(ctx, n, wait)
}

// TestCrash: whoever comes after finds the message that is there.
func TestCrash(t *testing.T) {
	for _, c := range []struct {
		name  string
		crash crash
		quiet int // messages of others that come in between
	}{
		{"before the store knows the message", crash{set: true}, 0},
		{"before the store knows the message, in a busy channel", crash{set: true}, 1300},
		{"before the notice is acknowledged", crash{acknowledge: true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			c.crash.Service = b.store
			b.notifier.Outbox = &c.crash
			e := b.ask(1)
			if _, err := b.notifier.Next(t.Context()); !errors.Is(err, errCrash) {
				t.Fatalf("no crash: %v", err)
			}
			first := b.only().Id
			for range c.quiet {
				b.clock.add(time.Millisecond)
				b.server.Write(&model.Post{UserId: b.users["bob"].Id, ChannelId: b.channel.Id, Message: "lunch?"})
			}
			b.clock.add(2 * time.Minute) // the lease is over, and Mattermost has forgotten pending_post_id
			b.notifier.Outbox = b.open()
			b.client = b.newClient()
			b.notifier.Client = chat(b.client)
			b.drain()
			if n := b.server.Requests("POST /api/v4/posts"); n != 1 {
				t.Errorf("it was posted %d times", n)
			}
			if post, ok, err := b.store.Post(t.Context(), e.ID); !ok || err != nil || post != first {
				t.Errorf("the store has message %q %v %v, want %s", post, ok, err, first)
			}
			if text, err := b.server.Click(t.Context(), b.users["bob"].Id, first, "Reject"); text != "" || err != nil {
				t.Errorf("the click: %q %v", text, err)
			}
			b.state(e.ID, escalation.Rejected, 1)
		})
	}
}

// TestAnswerLost: it was posted, but we do not know.
func TestAnswerLost(t *testing.T) {
	for _, wait := range []time.Duration{5 * time.Second, 2 * time.Minute} {
		b := newBench(t)
		b.ask(1)
		b.server.SetTrouble(func(r *http.Request) fake.Trouble {
			if r.Method == http.MethodPost {
				return fake.Lost
			}
			return fake.None
		})
		b.drain()
		b.server.SetTrouble(fake.Always(fake.None))
		b.counted("failed", 1)
		b.clock.add(wait)
		b.drain()
		b.only()
		b.counted("found", 1)
	}
}

// TestTrouble: whatever Mattermost does, every notice arrives in the end, once, and in order.
func TestTrouble(t *testing.T) {
	for name, trouble := range map[string]fake.Trouble{"away": fake.Away, "slow": fake.Slow, "429": fake.Busy, "broken": fake.Broken} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			inner := &http.Client{Timeout: 50 * time.Millisecond}
			b.client = NewClient(ClientOptions{HTTP: inner, URL: b.url, TokenFile: b.token, Now: b.clock.now})
			b.notifier.Client = chat(b.client)
			b.server.SetTrouble(fake.Always(trouble))
			ids := []string{}
			for i := range 5 {
				ids = append(ids, b.ask(i).ID)
			}
			b.drain()
			b.counted("failed", 5)
			if n := b.server.Requests("GET /api/v4/users/{user}/teams"); n != 1 {
				t.Errorf("it is asked %d times while it is in trouble, want once", n)
			}
			if _, err := b.store.Cancel(t.Context(), ids[0], "cli", "over"); err != nil {
				t.Fatal(err) // nobody waits for Mattermost
			}
			b.server.SetTrouble(fake.Always(fake.None))
			b.clock.add(6 * time.Second)
			b.drain()
			b.clock.add(6 * time.Second)
			b.drain()
			posts := b.server.Posts(b.channel.Id)
			if len(posts) != 5 {
				t.Fatalf("%d messages, want 5", len(posts))
			}
			b.says(whole(posts[0]), "**Withdrawn**")
		})
	}
}

// TestBackoff grows, ends, and keeps to what the server wants.
func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		attempts int
		err      error
		want     time.Duration
	}{
		{0, errCrash, time.Second}, {1, errCrash, time.Second}, {2, errCrash, 2 * time.Second}, {5, errCrash, 16 * time.Second}, {1 << 40, errCrash, time.Minute},
		{1, fmt.Errorf("x: %w", &StatusError{Status: 429, Wait: 7 * time.Second}), 7 * time.Second},
		{9, &StatusError{Status: 429, Wait: 3 * time.Minute}, 3 * time.Minute},
	} {
		if got := backoff(c.attempts, c.err); got != c.want {
			t.Errorf("after %d attempts and %v it waits for %v, want %v", c.attempts, c.err, got, c.want)
		}
	}
}

// TestNobodyKnowsYet: while it is not known which server an endpoint is, a notice waits.
func TestNobodyKnowsYet(t *testing.T) {
	b := newBench(t)
	known := b.notifier.Client
	b.notifier.Client = func(string) (*Client, error) { return nil, errors.New("there is no bundle in force") }
	b.ask(1)
	b.drain()
	if n := b.server.Requests("POST /api/v4/posts"); n != 0 {
		t.Errorf("it was posted %d times", n)
	}
	b.notifier.Client = known
	b.clock.add(2 * time.Minute)
	b.drain()
	b.counted("posted", 1)
}

// TestNobodyToTell: a route that leads nowhere, a channel that is not there, a message that somebody deleted.
func TestNobodyToTell(t *testing.T) {
	b := newBench(t)
	r := request(nil)
	r.Endpoint = "pager"
	b.askAll(r)
	b.drain()
	b.counted("nowhere", 1)

	r = request("other")
	r.Channel = "no-such"
	e := b.askAll(r)
	b.drain()
	b.counted("failed", 1)
	b.clock.add(16 * time.Minute)
	b.drain()
	if _, err := b.store.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.counted("gave-up", 0)
	b.clock.add(25 * time.Hour)
	b.drain()
	b.counted("gave-up", 2) // of its creation and of its end
	b.state(e.ID, escalation.Expired, 0)

	e = b.ask(3)
	b.drain()
	b.server.Edit(b.only().Id, func(p *model.Post) { p.DeleteAt = 1 })
	if _, err := b.store.Cancel(t.Context(), e.ID, "cli", "over"); err != nil {
		t.Fatal(err)
	}
	b.drain()
	b.counted("deleted", 1)
}

// TestReplicas: several notifiers on one store post each escalation once.
func TestReplicas(t *testing.T) {
	b := newBench(t)
	const n = 15
	for i := range n {
		b.ask(i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	all := sync.WaitGroup{}
	done := make(chan struct{}, 100)
	for range 2 {
		replica := b.newNotifier(b.open(), b.notifier.Callback)
		replica.Client = chat(b.newClient())
		count := replica.Count
		replica.Count = func(outcome string) { count(outcome); done <- struct{}{} }
		all.Go(func() { replica.Run(ctx) })
	}
	for range n {
		<-done
	}
	cancel()
	all.Wait()
	seen := map[any]int{}
	for _, p := range b.server.Posts(b.channel.Id) {
		seen[p.GetProp("approval_id")]++
	}
	if len(seen) != n || len(b.server.Posts(b.channel.Id)) != n {
		t.Errorf("%d escalations in %d messages, want %d; the log: %s", len(seen), len(b.server.Posts(b.channel.Id)), n, b.log.text())
	}
}

// TestSpare: two replicas post at the same time, since the lease of the first was over. One message remains in use.
func TestSpare(t *testing.T) {
	b := newBench(t)
	e := b.ask(1)
	other := b.server.Write(&model.Post{UserId: b.bot.Id, ChannelId: b.channel.Id, Message: "the other replica's"})
	b.server.SetTrouble(func(r *http.Request) fake.Trouble { // which is first between our search and our message
		if r.Method == http.MethodPost {
			if err := b.store.SetPost(context.Background(), e.ID, other.Id); err != nil {
				t.Error(err)
			}
		}
		return fake.None
	})
	b.drain()
	b.counted("spare", 1)
	posts := b.server.Posts(b.channel.Id)
	if len(posts) != 2 || names(posts[1]) != "" || posts[1].GetProp("approval_id") != nil {
		t.Errorf("the spare message: %s", whole(posts[1]))
	}
}

// TestToken: it may change at any time.
func TestToken(t *testing.T) {
	b := newBench(t)
	b.ask(1)
	b.drain()
	token := b.server.Token(b.bot.Id)
	b.ask(2)
	b.drain()
	b.counted("failed", 1)
	b.writeToken(token)
	b.clock.add(10 * time.Second)
	b.drain()
	b.counted("posted", 2)
	for _, bad := range []string{"", "a b", "a\nb", strings.Repeat("x", 2000)} {
		b.writeToken(bad)
		if _, err := b.client.Me(t.Context()); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("with the token %q: %v", bad, err)
		}
	}
	if strings.Contains(b.log.text(), token) {
		t.Error("the token is in the log")
	}
}

// TestOfficial: what we write and read is what the official types have, field by field.
func TestOfficial(t *testing.T) {
	ours := Post{ID: "i", ChannelID: "c", UserID: "u", CreateAt: 1, DeleteAt: 2, OriginalID: "o", Message: "m", PendingPostID: "p",
		Props: Props{Approval: "a", Channel: "c", Attachments: []Attachment{{Fallback: "f", Color: "#ffffff", Text: "t", Fields: []Field{{"a", "b", true}},
			Actions: []Action{{ID: "x", Type: "button", Name: "n", Style: "danger", Integration: &Integration{URL: "https://x", Context: map[string]string{"nonce": "n"}}}}}}}}
	strictly(t, ours, &model.Post{})
	strictly(t, ours.Props.Attachments[0], &model.SlackAttachment{})
	strictly(t, User{ID: "i", Username: "u", DeleteAt: 1, IsBot: true, Roles: "r", RemoteID: "x"}, &model.User{})
	strictly(t, Response{Update: &ours, EphemeralText: "e", SkipSlackParsing: true}, &model.PostActionIntegrationResponse{})

	var p model.Post
	data, _ := json.Marshal(ours)
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	a := p.Attachments()[0]
	if err := errors.Join(a.IsValid(), a.Actions[0].IsValid()); err != nil {
		t.Error(err)
	}
	if p.Id != "i" || p.ChannelId != "c" || p.UserId != "u" || p.CreateAt != 1 || p.DeleteAt != 2 || p.OriginalId != "o" || p.PendingPostId != "p" || p.Message != "m" ||
		a.Actions[0].Integration.Context["nonce"] != "n" || a.Actions[0].Integration.URL != "https://x" || a.Fields[0].Value != "b" || !bool(a.Fields[0].Short) {
		t.Errorf("it arrives as %s", data)
	}
}

func strictly(t *testing.T, ours, theirs any) {
	t.Helper()
	data, err := json.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(theirs); err != nil {
		t.Errorf("%T: %v", ours, err)
	}
}
