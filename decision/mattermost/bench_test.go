package mattermost

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"agentc/decision/action"
	"agentc/decision/escalation"
	"agentc/decision/fleet"
	"agentc/decision/mattermost/fake"

	"github.com/mattermost/mattermost/server/public/model"
)

// bench has a server, a store and both halves of the package between them.
type bench struct {
	*testing.T
	clock    *clock
	server   *fake.Server
	url      string
	token    string // file
	bot      *model.User
	channel  *model.Channel
	client   *Client
	store    *escalation.Service
	dsn      string
	notifier *Notifier
	clicks   *Callbacks
	people   *fleet.Escalation
	users    map[string]*model.User
	counts   *counts
	log      *syncBuffer
}

type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time      { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) add(d time.Duration) { c.micros.Add(d.Microseconds()) }

type counts struct {
	mu sync.Mutex
	of map[string]int
}

func (c *counts) add(outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[outcome]++
}

func (c *counts) get(outcome string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[outcome]
}

type syncBuffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func (b *syncBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.String()
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, clock: &clock{}, counts: &counts{of: map[string]int{}}, log: &syncBuffer{}, users: map[string]*model.User{}}
	b.clock.micros.Store(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixMicro())
	b.server = fake.New(b.clock.now)
	var token string
	b.bot, token = b.server.Bot("agentd")
	members := []string{b.bot.Id}
	for _, name := range []string{"ada.l", "bob", "own", "stranger", "guest", "helper-bot", "other"} {
		b.users[name] = b.server.User(name)
		members = append(members, b.users[name].Id)
	}
	b.channel = b.server.Channel("soc-approvals", members...)
	web := httptest.NewServer(b.server)
	t.Cleanup(web.Close)
	b.url = web.URL
	b.token = filepath.Join(t.TempDir(), "token")
	b.writeToken(token)
	b.dsn = filepath.Join(t.TempDir(), "store.db")
	b.store = b.open()
	b.client = b.newClient()
	b.people = &fleet.Escalation{Page: "https://agentd.bank.example", People: map[string]*fleet.Person{
		"ada": {Mattermost: "Ada.L", Team: "soc-team", Groups: []string{"soc"}}, // in other letters than Mattermost has it
		"bob": {Mattermost: "bob", Team: "soc-team", Groups: []string{"soc"}},
		"own": {Mattermost: "own", Team: "pay-team", Groups: []string{"soc"}},
		"oth": {Mattermost: "other", Team: "soc-team", Groups: []string{"else"}},
		"nil": {Team: "soc-team", Groups: []string{"soc"}}, // who has no user name
		"gst": {Mattermost: "guest", Team: "soc-team", Groups: []string{"soc"}},
		"hbt": {Mattermost: "helper-bot", Team: "soc-team", Groups: []string{"soc"}},
	}}
	callbacks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.clicks.ServeHTTP(w, r) }))
	t.Cleanup(callbacks.Close)
	b.notifier = b.newNotifier(b.store, callbacks.URL+Path)
	b.clicks = NewCallbacks(CallbackOptions{
		Votes: b.store, Client: b.notifier.Client, People: func() *fleet.Escalation { return b.people },
		Callback: callbacks.URL + Path, Now: b.clock.now, Log: b.notifier.Log, Count: b.counts.add,
	})
	return b
}

func (b *bench) writeToken(token string) {
	b.Helper()
	if err := os.WriteFile(b.token, []byte(token+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) open() *escalation.Service {
	b.Helper()
	s, err := escalation.Open(b.Context(), b.dsn, escalation.Options{Now: b.clock.now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func (b *bench) newClient() *Client {
	return NewClient(ClientOptions{HTTP: &http.Client{Timeout: 2 * time.Second}, URL: b.url + "/", TokenFile: b.token, Now: b.clock.now})
}

func (b *bench) newNotifier(store Outbox, callback string) *Notifier {
	return &Notifier{
		Outbox: store, Client: chat(b.client), Page: func() string { return b.people.Page }, Callback: callback,
		Now: b.clock.now, Log: slog.New(slog.NewJSONHandler(b.log, nil)), Count: b.counts.add, Poll: time.Millisecond,
	}
}

func request(parameters any) escalation.Request {
	form, err := action.Action{Caller: "spiffe://bank.example/agent/triage", Callee: "pay", Skill: "refund", Parameters: parameters}.Canonical()
	if err != nil {
		panic(err)
	}
	return escalation.Request{
		Action: form, Digest: action.Digest(form), Caller: "spiffe://bank.example/agent/triage", Callee: "pay", Skill: "refund", Risk: "high",
		Owners: []string{"triage-team", "pay-team"}, Reasons: []escalation.Reason{{Rule: "soc/large", Reason: "the amount is large", At: "policies/soc.yaml:6"}},
		Known: json.RawMessage(`{"confidence":0.93,"anomaly":{"percentile":99.2}}`), Route: "soc", Endpoint: "chat", Channel: "soc-approvals",
		Groups: []string{"soc"}, Quorum: 2, Assurance: escalation.Chat, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", DecisionID: "d1",
		Environment: "prod", Revision: "r1", Sequence: 7, Lifetime: 15 * time.Minute,
	}
}

// ask people about an amount.
func (b *bench) ask(amount int) escalation.Escalation {
	b.Helper()
	return b.askAll(request(map[string]any{"amount": json.Number(fmt.Sprint(amount))}))
}

func (b *bench) askAll(r escalation.Request) escalation.Escalation {
	b.Helper()
	e, err := b.store.Request(b.Context(), r)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// drain the outbox.
func (b *bench) drain() {
	b.Helper()
	for {
		worked, err := b.notifier.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if !worked {
			return
		}
	}
}

// only message of the channel, as it is stored.
func (b *bench) only() *model.Post {
	b.Helper()
	posts := b.server.Posts(b.channel.Id)
	if len(posts) != 1 {
		b.Fatalf("%d messages, want one", len(posts))
	}
	return posts[0]
}

// whole text of a message.
func whole(p *model.Post) string {
	lines := []string{p.Message}
	for _, a := range p.Attachments() {
		lines = append(lines, a.Text)
		for _, f := range a.Fields {
			lines = append(lines, f.Title+": "+fmt.Sprint(f.Value))
		}
	}
	return strings.Join(lines, "\n")
}

func names(p *model.Post) string {
	list := []string{}
	for _, a := range p.Attachments() {
		for _, action := range a.Actions {
			list = append(list, action.Name)
		}
	}
	return strings.Join(list, ",")
}

func (b *bench) click(user, button string) string {
	b.Helper()
	text, err := b.server.Click(b.Context(), b.users[user].Id, b.only().Id, button)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

func (b *bench) get(id string) escalation.Escalation {
	b.Helper()
	e, err := b.store.Get(context.Background(), id)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func (b *bench) counted(outcome string, want int) {
	b.Helper()
	if got := b.counts.get(outcome); got != want {
		b.Errorf("%s is counted %d times, want %d; the log: %s", outcome, got, want, b.log.text())
	}
}

func (b *bench) state(id string, want escalation.State, votes int) {
	b.Helper()
	if e := b.get(id); e.State != want || len(e.Votes) != votes {
		b.Errorf("it is %s with %d votes, want %s with %d; the log: %s", e.State, len(e.Votes), want, votes, b.log.text())
	}
}

func (b *bench) says(text, want string) {
	b.Helper()
	if !strings.Contains(text, want) {
		b.Errorf("%q is not in:\n%s", want, text)
	}
}

// chat is the only server that there is.
func chat(c *Client) Servers {
	return func(endpoint string) (*Client, error) {
		if endpoint == "chat" {
			return c, nil
		}
		return nil, nil
	}
}
