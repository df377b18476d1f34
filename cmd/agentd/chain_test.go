package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"iter"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"agentc/decision/bundle/bundletest"
	"agentc/decision/identity/identitytest"
	"agentc/decision/mattermost/fake"
	"agentc/decision/record"

	"github.com/a2aproject/a2a-go/v2/a2a"
	"github.com/a2aproject/a2a-go/v2/a2asrv"
	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"
)

// chain is everything around one agentd: the fleet's CA, who seals bundles, Mattermost with its people, and the guard of detect.
type chain struct {
	*testing.T
	ca      *identitytest.CA
	key     *bundletest.Key
	keys    string // folder of the bundle and of the key that sealed it
	chat    *fake.Server
	where   string // it listens
	channel *model.Channel
	amara   *model.User
	handed  chan *a2asrv.ExecutorContext // what reached detect
	*started
}

const sidekick = "spiffe://prod.soc.example/ns/falco/sa/falcosidekick"

func newChain(t *testing.T) *chain {
	c := &chain{T: t, ca: identitytest.NewCA(t), key: bundletest.NewKey(t, "ES256"), keys: t.TempDir(), handed: make(chan *a2asrv.ExecutorContext, 1)}
	der, err := x509.MarshalPKIXPublicKey(c.key.Keys[c.key.ID])
	c.must(err)
	c.must(os.WriteFile(filepath.Join(c.keys, c.key.ID+".pem"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
	token := c.mattermost()
	c.publish(1, nil)
	credentials := t.TempDir()
	c.must(os.WriteFile(filepath.Join(credentials, "mattermost"), []byte(token), 0o600))
	own := c.ca.Files(t, identitytest.Workload("spiffe://prod.soc.example/ns/soc-system/sa/agentd"))
	guard := c.guard()
	c.started = start(t, flags{
		environment: "prod", trust: "key", keys: c.keys, bundle: filepath.Join(c.keys, "bundle.tar.gz"), tls: own, ca: own, credentials: credentials,
		callback: free(t), callbackHost: "localhost",
	}, func(d *daemon) {
		d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != "localhost:8443" {
				t.Errorf("agentd calls %s", address)
			}
			return new(net.Dialer).DialContext(ctx, network, guard)
		}
	})
	return c
}

func (c *chain) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// free address of this machine, which the callbacks' URL names before anybody listens there.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// mattermost with the channel that the route leads to, and amara, who is on call.
func (c *chain) mattermost() (token string) {
	c.chat = fake.New(time.Now)
	c.chat.Through(c.client(identitytest.Names{DNS: []string{"mattermost"}}))
	c.amara = c.chat.User("amara")
	bot, token := c.chat.Bot("agentd")
	c.channel = c.chat.Channel("soc-approvals", bot.Id, c.amara.Id)
	web := httptest.NewServer(c.chat)
	c.Cleanup(web.Close)
	c.where = web.Listener.Addr().String()
	return token
}

// guard of detect, which takes any caller that the fleet's CA knows, and an agent of the official SDK behind it.
func (c *chain) guard() (address string) {
	s := httptest.NewUnstartedServer(a2asrv.NewJSONRPCHandler(a2asrv.NewHandler(c)))
	s.TLS = c.ca.Client(c.T, identitytest.Workload(spiffe("prod", "detect")))
	s.TLS.ClientCAs, s.TLS.ClientAuth = s.TLS.RootCAs, tls.RequireAndVerifyClientCert
	s.StartTLS()
	c.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// Execute is detect itself.
func (c *chain) Execute(_ context.Context, x *a2asrv.ExecutorContext) iter.Seq2[a2a.Event, error] {
	c.handed <- x
	return func(yield func(a2a.Event, error) bool) {
		yield(a2a.NewMessage(a2a.MessageRoleAgent, a2a.NewTextPart("seen")), nil)
	}
}

// Cancel is of a2asrv.AgentExecutor.
func (c *chain) Cancel(context.Context, *a2asrv.ExecutorContext) iter.Seq2[a2a.Event, error] {
	return func(yield func(a2a.Event, error) bool) { yield(nil, a2a.ErrTaskNotCancelable) }
}

// publish the shipped bundle with the surroundings of the test: Mattermost where it is, events that are posted, a route that is staffed at any hour.
func (c *chain) publish(sequence int64, more func(data map[string]any)) {
	c.Helper()
	files := bundletest.Shipped(c.T, "../../generated/prod/bundle")
	var data map[string]any
	c.must(json.Unmarshal(files["agentc/data.json"], &data))
	at := func(path ...string) map[string]any {
		inner := data
		for _, name := range path {
			inner = inner[name].(map[string]any)
		}
		return inner
	}
	host, said, err := net.SplitHostPort(c.where)
	c.must(err)
	port, err := strconv.Atoi(said)
	c.must(err)
	chat := at("runtime", "endpoints", "mattermost")
	chat["host"], chat["port"], chat["tls"] = host, port, false
	at("runtime", "intakes")["falco"] = map[string]any{"client": sidekick, "agent": "detect", "skill": "assess-event"}
	at("fleet", "agents", "detect")["host"] = "localhost"
	delete(at("escalation", "routes", "oncall"), "hours")
	if more != nil {
		more(data)
	}
	files["agentc/data.json"], err = json.Marshal(data)
	c.must(err)
	archive := c.key.Seal(c.T, files, sequence, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	c.must(os.WriteFile(filepath.Join(c.keys, "next"), archive, 0o600))
	c.must(os.Rename(filepath.Join(c.keys, "next"), filepath.Join(c.keys, "bundle.tar.gz")))
}

func (c *chain) client(n identitytest.Names) *http.Client {
	jar, err := cookiejar.New(nil)
	c.must(err)
	return &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: c.ca.Client(c.T, n), ForceAttemptHTTP2: true}}
}

func (c *chain) person(email string) *http.Client {
	return c.client(identitytest.Names{Emails: []string{email}})
}

// answered is as much of an answer as somebody needs.
type answered struct {
	Decision bool
	Context  struct {
		Verdict    string
		Rules      []string
		Risk       string
		TraceID    string `json:"trace_id"`
		Escalation struct {
			ID         string
			State      string
			ApprovedBy []string `json:"approved_by"`
		}
	}
}

// asked is a question, as the guard of the callee puts it.
type asked struct {
	trace, caller, callee, skill string
	confidence, percentile       float64
	parameters                   map[string]any
	approval                     string
}

func (c *chain) ask(q asked) answered {
	c.Helper()
	known := map[string]any{
		"trace_id": q.trace, "confidence": q.confidence, "anomaly": map[string]any{"percentile": q.percentile}, "parameters": q.parameters,
	}
	if q.approval != "" {
		known["approval"] = map[string]any{"id": q.approval}
	}
	body, err := json.Marshal(map[string]any{
		"subject": map[string]any{"type": "agent", "id": spiffe("prod", q.caller)}, "action": map[string]any{"name": q.skill},
		"resource": map[string]any{"type": "agent", "id": q.callee}, "context": known,
	})
	c.must(err)
	guard := c.client(identitytest.Workload(spiffe("prod", q.callee)))
	code, text := fetch(c.T, guard, http.MethodPost, c.url+"/access/v1/evaluation", string(body))
	var a answered
	if err := json.Unmarshal([]byte(text), &a); err != nil || code != http.StatusOK {
		c.Fatalf("%d %s, %v", code, text, err)
	}
	return a
}

// expect an answer.
func (c *chain) expect(what string, a answered, decision bool, verdict string, rules string) {
	c.Helper()
	if a.Decision != decision || a.Context.Verdict != verdict || strings.Join(a.Context.Rules, " ") != rules {
		c.Fatalf("%s: %+v, want %v, %s by %s", what, a, decision, verdict, rules)
	}
}

// until something is so that goes on beside the requests.
func (c *chain) until(what string, is func() bool) {
	c.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(15 * time.Second); !is(); {
		select {
		case <-tick.C:
		case <-deadline:
			c.Fatal(what + " does not come about")
		}
	}
}

// message in which an escalation is shown, once it says what it should.
func (c *chain) message(escalation, says string) (post *model.Post, buttons string) {
	c.Helper()
	c.until("a message on "+escalation+" that says "+says, func() bool {
		for _, p := range c.chat.Posts(c.channel.Id) {
			if p.GetProp("approval_id") == escalation && strings.Contains(p.Message, says) {
				post = p
				return true
			}
		}
		return false
	})
	for _, a := range post.Attachments()[0].Actions {
		buttons += a.Name + " "
	}
	return post, buttons
}

func (c *chain) click(post *model.Post, button string) string {
	c.Helper()
	told, err := c.chat.Click(c.Context(), c.amara.Id, post.Id, button)
	c.must(err)
	return told
}

var formFields = regexp.MustCompile(`<input type="hidden" name="(token|digest)" value="([^"]+)">`)

// approveOnPage as a browser does: read the page, send its form.
func (c *chain) approveOnPage(email, escalation string) (status int) {
	c.Helper()
	browser := c.person(email)
	path := c.url + "/escalations/" + escalation
	code, page := fetch(c.T, browser, http.MethodGet, path, "")
	form := url.Values{"reason": {"The pod is compromised."}}
	for _, field := range formFields.FindAllStringSubmatch(page, -1) {
		form.Set(field[1], field[2])
	}
	if code != http.StatusOK || form.Get("token") == "" || form.Get("digest") == "" {
		c.Fatalf("the page has no form: %d %s", code, page)
	}
	r, err := http.NewRequestWithContext(c.Context(), http.MethodPost, path+"/approve", strings.NewReader(form.Encode()))
	c.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", c.url)
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	reply, err := browser.Do(r)
	c.must(err)
	reply.Body.Close()
	return reply.StatusCode
}

// call a command as somebody with a certificate, against this server.
func (c *chain) call(email string, args ...string) (string, error) {
	c.Helper()
	folder := c.ca.Files(c.T, identitytest.Names{Emails: []string{email}})
	root := newRoot()
	root.SetArgs(append(args, "--server", c.url, "--cert", filepath.Join(folder, "tls.crt"), "--key", filepath.Join(folder, "tls.key"), "--ca", filepath.Join(folder, "ca.crt")))
	var out strings.Builder
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(c.Context())
	return out.String(), err
}

// recorded waits for the decision log to say something.
func (c *chain) recorded(what string, is func(record.Entry) bool) {
	c.Helper()
	c.until("a record of "+what, func() (found bool) {
		_, err := record.Read(c.data, func(e record.Entry) error {
			found = found || is(e)
			return nil
		})
		c.must(err)
		return found
	})
}

const (
	chainTrace = "0af7651916cd43dd8448eb211c80319c"
	falcoEvent = `{"uuid":"4d7e1f3c-5a8b-4a0e-9d2f-0b1c2d3e4f50","output":"A shell was spawned in a container","priority":"Notice","rule":"Terminal shell in container",
		"time":"2026-11-28T02:59:01.123456789Z","source":"syscall","tags":["container","shell"],"hostname":"node-3","output_fields":{"container.id":"3f2a",
		"evt.time":1795953541123456789,"k8s.ns.name":"shop","k8s.pod.name":"web-0","proc.cmdline":"sh -c id","user.name":"root","proc.name":"sh","proc.pname":"nginx"}}`
)

// TestChain: an event is scored, passed on, acted on, decided by people and told of, under one trace.
func TestChain(t *testing.T) {
	c := newChain(t)
	percentile := c.event()
	incident := asked{trace: chainTrace, caller: "detect", callee: "coordinator", skill: "handle-incident", confidence: 0.9, percentile: percentile}
	c.expect("the incident", c.ask(incident), true, "auto-execute", "reviewers/incident-opens")
	draft := c.approvedByClick(percentile)
	isolation := c.approvedOnPage(percentile)
	c.expect("the same action, approved", c.ask(isolation), true, "escalate", "reviewers/containment-asks")
	c.expect("a second time", c.ask(isolation), false, "auto-reject", "ended")
	changed := isolation
	changed.parameters = map[string]any{"namespace": "shop", "workload": "db"}
	c.expect("a changed action", c.ask(changed), false, "auto-reject", "ended")
	draft.parameters = map[string]any{"rule": "another"}
	c.expect("a changed action on an unused approval", c.ask(draft), false, "auto-reject", "digest")
	c.message(isolation.approval, "**Approved**, and used")
	c.told()
}

// event is posted as falcosidekick does, and reaches detect by A2A with what is known of it.
func (c *chain) event() (percentile float64) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.url+"/intake/falco", strings.NewReader(falcoEvent))
	c.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("traceparent", "00-"+chainTrace+"-b7ad6b7169203331-01")
	reply, err := c.client(identitytest.Workload(sidekick)).Do(r)
	c.must(err)
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusAccepted {
		c.Fatal(reply.Status)
	}
	x := <-c.handed
	parent, _ := x.ServiceParams.Get("traceparent")
	anomaly, _ := x.Message.Metadata["urn:agents.d:anomaly:v1"].(map[string]any)
	percentile, scored := anomaly["percentile"].(float64)
	if len(parent) != 1 || !strings.HasPrefix(parent[0], "00-"+chainTrace+"-") || strings.Contains(parent[0], "b7ad6b7169203331") || !scored || anomaly["why"] != "score" {
		c.Fatalf("%v, %+v", parent, x.Message)
	}
	return percentile
}

// approvedByClick is what has a medium risk: a click in the chat is enough.
func (c *chain) approvedByClick(percentile float64) asked {
	c.Helper()
	draft := asked{
		trace: chainTrace, caller: "coordinator", callee: "remediate", skill: "propose-rule", confidence: 0.5, percentile: percentile,
		parameters: map[string]any{"rule": "no shells in shop"},
	}
	a := c.ask(draft)
	if a.Decision || a.Context.Verdict != "escalate" || a.Context.Risk != "medium" {
		c.Fatalf("%+v", a)
	}
	draft.approval = a.Context.Escalation.ID
	post, buttons := c.message(draft.approval, "A decision is needed")
	if buttons != "Approve Reject " {
		c.Errorf("buttons %s", buttons)
	}
	c.expect("before anybody decided", c.ask(draft), false, "auto-reject", "pending")
	if told := c.click(post, "Approve"); told != "" {
		c.Errorf("amara is told %q", told)
	}
	c.message(draft.approval, "**Approved**, waits to be used once")
	return draft
}

// approvedOnPage is what has a high risk: a click is refused, whatever message it is on, and the page takes a certificate.
func (c *chain) approvedOnPage(percentile float64) asked {
	c.Helper()
	isolation := asked{
		trace: chainTrace, caller: "coordinator", callee: "remediate", skill: "isolate-workload", confidence: 0.9, percentile: percentile,
		parameters: map[string]any{"namespace": "shop", "workload": "web"},
	}
	a := c.ask(isolation)
	c.expect("containment", a, false, "escalate", "reviewers/containment-asks")
	isolation.approval = a.Context.Escalation.ID
	post, buttons := c.message(isolation.approval, "A decision is needed")
	if buttons != "Reject " {
		c.Errorf("buttons %s", buttons)
	}
	nonce, err := c.escalations.Nonce(c.Context(), isolation.approval, true)
	c.must(err)
	request, callback, err := c.chat.Clicked(c.amara.Id, post.Id, "Reject")
	c.must(err)
	request.Context["nonce"] = nonce // of a button that the message does not have
	response, err := c.chat.Send(c.Context(), callback, request)
	if err != nil || !strings.Contains(response.EphemeralText, "needs a certificate") {
		c.Errorf("%+v, %v", response, err)
	}
	if status := c.approveOnPage("jonas.weber@soc.example", isolation.approval); status != http.StatusSeeOther {
		c.Fatalf("the page answers %d", status)
	}
	return isolation
}

// chances are what differs from run to run.
var chances = []struct {
	form *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT[\d:.]+Z`), "TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`\S*#\d+\n`), "LOG\n"},
	{regexp.MustCompile(` {2,}`), "  "},
}

// story of the trace, with ids in the order in which they come.
const story = `TIME  event  falco → detect  passed on; percentile 99.7397, threshold 95: score (namespace-rule-rarity 11.16, image-process-rarity 11.16, image-rarity 11.16)  LOG
TIME  decision  detect → coordinator/handle-incident  auto-execute by reviewers/incident-opens; ADDRESS → ADDRESS  LOG
TIME  decision  coordinator → remediate/propose-rule  escalate by no-rule, reviewers.soc.escalate; approval ID1; ADDRESS → ADDRESS  LOG
TIME  escalation  coordinator → remediate/propose-rule  created by coordinator; approval ID1  LOG
TIME  decision  coordinator → remediate/propose-rule  auto-reject by pending; approval ID1; ADDRESS → ADDRESS  LOG
TIME  escalation  coordinator → remediate/propose-rule  pending → approved by amara via mattermost; approval ID1  LOG
TIME  decision  coordinator → remediate/isolate-workload  escalate by reviewers/containment-asks; approval ID2; ADDRESS → ADDRESS  LOG
TIME  escalation  coordinator → remediate/isolate-workload  created by coordinator; approval ID2  LOG
TIME  escalation  coordinator → remediate/isolate-workload  pending → approved by jonas via page: The pod is compromised.; approval ID2  LOG
TIME  decision  coordinator → remediate/isolate-workload  escalate by reviewers/containment-asks; allowed, once, by approval ID2; ADDRESS → ADDRESS  LOG
TIME  escalation  coordinator → remediate/isolate-workload  approved → consumed by coordinator; approval ID2  LOG
TIME  decision  coordinator → remediate/isolate-workload  auto-reject by ended; approval ID2; ADDRESS → ADDRESS  LOG
TIME  decision  coordinator → remediate/isolate-workload  auto-reject by ended; approval ID2; ADDRESS → ADDRESS  LOG
TIME  decision  coordinator → remediate/propose-rule  auto-reject by digest; approval ID1; ADDRESS → ADDRESS  LOG
outcome: escalation: approved → consumed by coordinator; approval ID2
`

// told: the log says all of it in order, and holds.
func (c *chain) told() {
	c.Helper()
	c.recorded("the use", func(e record.Entry) bool {
		return e.Kind == record.KindEscalation && strings.Contains(string(e.Result), `"to":"consumed"`)
	})
	got, err := command("trace", chainTrace, "--log", c.data)
	c.must(err)
	for _, chance := range chances {
		got = chance.form.ReplaceAllString(got, chance.word)
	}
	names := map[string]string{}
	got = regexp.MustCompile(`\b[0-9a-f]{32}\b`).ReplaceAllStringFunc(got, func(id string) string {
		if names[id] == "" {
			names[id] = "ID" + strconv.Itoa(len(names)+1)
		}
		return names[id]
	})
	if d := cmp.Diff(story, got); d != "" {
		c.Errorf("%s\n%s", d, got)
	}
	if out, err := command("audit", "verify", "--log", c.data); err != nil {
		c.Error(err, out)
	}
}

// TestChainEnds: people reject, nobody answers, and an agent is put under quarantine.
func TestChainEnds(t *testing.T) {
	c := newChain(t)
	isolation := asked{
		trace: chainTrace, caller: "coordinator", callee: "remediate", skill: "isolate-workload", confidence: 0.9, percentile: 99.7,
		parameters: map[string]any{"namespace": "shop", "workload": "web"},
	}
	c.rejected(isolation)
	c.held(isolation)
	c.publish(2, func(data map[string]any) { data["escalation"].(map[string]any)["lifetimeMs"] = 2000 })
	c.must(c.loader.Look(t.Context()))
	c.expired(isolation)
	if out, err := command("audit", "verify", "--log", c.data); err != nil {
		t.Error(err, out)
	}
}

// rejected by a click, which needs no certificate.
func (c *chain) rejected(q asked) {
	c.Helper()
	q.approval = c.ask(q).Context.Escalation.ID
	post, _ := c.message(q.approval, "A decision is needed")
	if told := c.click(post, "Reject"); told != "" {
		c.Errorf("amara is told %q", told)
	}
	c.expect("what was rejected", c.ask(q), false, "auto-reject", "ended")
	c.message(q.approval, "**Rejected**")
}

// expired is what nobody answered.
func (c *chain) expired(q asked) {
	c.Helper()
	q.parameters = map[string]any{"namespace": "shop", "workload": "cache"}
	q.approval = c.ask(q).Context.Escalation.ID
	if q.approval == "" {
		c.Fatal("nobody is asked")
	}
	c.message(q.approval, "**Expired**, so rejected")
	c.expect("what nobody answered", c.ask(q), false, "auto-reject", "expired")
	c.recorded("the end", func(e record.Entry) bool {
		return e.Kind == record.KindEscalation && e.ApprovalID == q.approval && string(e.Result) == `{"id":"`+q.approval+`","from":"pending","to":"expired"}`
	})
}

// held is an agent from which and to which everything is rejected.
func (c *chain) held(from asked) {
	c.Helper()
	incident := asked{trace: chainTrace, caller: "detect", callee: "coordinator", skill: "handle-incident", confidence: 0.9, percentile: 99.7}
	other := asked{trace: chainTrace, caller: "remediate", callee: "notify", skill: "post-message", confidence: 0.9, percentile: 99.7}
	out, err := c.call("amara.obi@soc.example", "quarantine", "coordinator", "--reason", "It asks for what it never asked for.")
	if err != nil || !strings.Contains(out, "amara") {
		c.Fatal(out, err)
	}
	c.expect("to it", c.ask(incident), false, "auto-reject", "quarantined")
	c.expect("from it", c.ask(from), false, "auto-reject", "quarantined")
	c.expect("another's", c.ask(other), false, "escalate", "reviewers.soc.escalate")
	if out, err = c.call("jonas.weber@soc.example", "quarantine", "--lift", "coordinator", "--reason", "Its prompt is fixed."); err != nil || out != "No agent is under quarantine.\n" {
		c.Fatal(out, err)
	}
	c.expect("to it again", c.ask(incident), true, "auto-execute", "reviewers/incident-opens")
	for _, want := range []string{
		`{"agent":"coordinator","lifted":false,"by":"amara","reason":"It asks for what it never asked for."}`,
		`{"agent":"coordinator","lifted":true,"by":"jonas","reason":"Its prompt is fixed."}`,
	} {
		c.recorded("the quarantine", func(e record.Entry) bool { return e.Kind == record.KindQuarantine && string(e.Result) == want })
	}
}
