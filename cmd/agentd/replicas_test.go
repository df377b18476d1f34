package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"agentc/decision/escalation/postgrestest"
	"agentc/decision/identity/identitytest"

	"github.com/a2aproject/a2a-go/v2/a2a"
	"github.com/a2aproject/a2a-go/v2/a2asrv"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// detect is the agent that events are handed to, behind its guard.
type detect struct {
	address net.IP
	mu      sync.Mutex
	got     map[string]map[string]int // how often a message id came, by the event's uuid
}

func newDetect(t *testing.T, ca *identitytest.CA) *detect {
	d := &detect{address: net.IPv4(127, 81, byte(os.Getpid()>>8), byte(os.Getpid())|1), got: map[string]map[string]int{}}
	s := httptest.NewUnstartedServer(a2asrv.NewJSONRPCHandler(a2asrv.NewHandler(d)))
	l, err := net.Listen("tcp", net.JoinHostPort(d.address.String(), "8443")) // where guards listen
	if err != nil {
		t.Fatal(err)
	}
	s.Listener.Close()
	s.Listener = l
	n := identitytest.Workload(spiffe("prod", "detect"))
	n.IPs = []net.IP{d.address}
	s.TLS = ca.Client(t, n)
	s.TLS.ClientCAs, s.TLS.ClientAuth = s.TLS.RootCAs, tls.RequireAndVerifyClientCert
	s.StartTLS()
	t.Cleanup(s.Close)
	return d
}

func (d *detect) Execute(_ context.Context, x *a2asrv.ExecutorContext) iter.Seq2[a2a.Event, error] {
	event, _ := x.Message.Parts[0].Data().(map[string]any)
	uuid := fmt.Sprint(event["uuid"])
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.got[uuid] == nil {
		d.got[uuid] = map[string]int{}
	}
	d.got[uuid][x.Message.ID]++
	return func(yield func(a2a.Event, error) bool) {
		yield(a2a.NewMessage(a2a.MessageRoleAgent, a2a.NewTextPart("seen")), nil)
	}
}

func (d *detect) Cancel(context.Context, *a2asrv.ExecutorContext) iter.Seq2[a2a.Event, error] {
	return func(yield func(a2a.Event, error) bool) { yield(nil, a2a.ErrTaskNotCancelable) }
}

func (d *detect) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.got)
}

func postgres(t *testing.T) *postgrestest.Cluster {
	t.Helper()
	c, err := postgrestest.New()
	if err != nil {
		t.Fatal("the test needs PostgreSQL (hack/tools.sh): ", err)
	}
	t.Cleanup(c.Remove)
	return c
}

// alone is a bundle's data without anything that is not of the test: Mattermost answers to nobody, a route is staffed at any hour, and events come from brokers, if any.
func alone(data map[string]any, kafka string) {
	delete(inside(data, "escalation", "routes", "oncall"), "hours")
	chat := inside(data, "runtime", "endpoints", "mattermost")
	chat["host"], chat["port"], chat["tls"] = "127.0.0.1", 9, false
	if kafka == "" {
		inside(data, "runtime")["intakes"] = map[string]any{}
		return
	}
	host, said, _ := net.SplitHostPort(kafka)
	port, _ := strconv.Atoi(said)
	maps.Copy(inside(data, "runtime", "endpoints", "kafka"), map[string]any{"host": host, "port": port, "tls": false, "credential": false})
}

// masked answer, without what is of one answer alone or of one replica.
func masked(p *process, a answer) string {
	var whole map[string]any
	if json.Unmarshal(a.text, &whole) != nil {
		return string(a.text)
	}
	c := whole["context"].(map[string]any)
	delete(c, "decision_id")
	delete(c, "evaluation_id")
	text, _ := json.Marshal(whole)
	return strings.ReplaceAll(string(text), p.where(), "")
}

const (
	lives   = 90 // escalations of TestReplicas
	perLife = 3  // events that come meanwhile
)

// TestReplicas: three agentds on one PostgreSQL and Kafka, of which one is killed under load and comes back. No approval is lost or used twice, no event is lost, all
// answer alike, and who is put under quarantine at one is so at all.
func TestReplicas(t *testing.T) {
	dsn := postgres(t).NewDatabase(t)
	brokers, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(6, "falco-events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(brokers.Close)
	var agent *detect
	s := newSurroundings(t, func(data map[string]any) {
		alone(data, brokers.ListenAddrs()[0])
		inside(data, "fleet", "agents", "detect")["host"] = net.IPv4(127, 81, byte(os.Getpid()>>8), byte(os.Getpid())|1).String()
	})
	agent = newDetect(t, s.ca)
	s.must(os.WriteFile(filepath.Join(s.credentials, "escalations"), []byte(dsn), 0o600))
	var all []*process
	var folders []string
	for range 3 {
		folders = append(folders, t.TempDir())
		all = append(all, s.process(folders[len(folders)-1], "--database", "escalations"))
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(brokers.ListenAddrs()...))
	s.must(err)
	defer producer.Close()
	l := s.ledger()
	answers := &sync.Map{}
	stop := askers(l, all, answers)
	began := time.Now()
	killed := load(l, all, producer)
	stop()
	t.Logf("%d escalations from question to execution, and %d other answers that allowed something, in %s", lives, len(l.allowed)-lives, time.Since(began).Round(time.Millisecond))
	t.Logf("of %d approvals %d were brought without an answer, and %d were not used when the load ended", lives, len(l.unheard), l.settle(all[0], dsn))
	took := s.eventually(30*time.Second, "events", func() (bool, string) {
		return agent.count() == lives*perLife, fmt.Sprintf("%d of %d", agent.count(), lives*perLife)
	})
	t.Logf("the last event was handed over %s after the load, %s after one was killed", took.Round(time.Millisecond), time.Since(killed).Round(time.Millisecond))
	again := 0
	agent.mu.Lock()
	defer agent.mu.Unlock()
	for uuid, ids := range agent.got {
		if len(ids) != 1 {
			t.Errorf("%s has the message ids %v", uuid, ids)
		}
		for _, n := range ids {
			again += n - 1
		}
	}
	t.Logf("%d of %d events came more than once", again, lives*perLife)
	for _, p := range all {
		for kind, a := range map[string]answer{"execute": p.execute(), "reject": p.reject(), "escalate": p.evict("alike", "")} {
			if first, _ := answers.LoadOrStore(kind, masked(p, a)); first != masked(p, a) {
				t.Errorf("%s:\n%s\n%s", kind, first, masked(p, a))
			}
			l.heard(a)
		}
	}
	quarantine(s, all)
	for _, p := range all {
		p.end()
	}
	l.recorded(folders...)
}

// askers ask each agentd what needs nobody, until they are stopped. The answers are alike.
func askers(l *ledger, all []*process, answers *sync.Map) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	for _, p := range all {
		wait.Go(func() {
			pace := time.NewTicker(5 * time.Millisecond)
			defer pace.Stop()
			for ctx.Err() == nil {
				<-pace.C
				for kind, ask := range map[string]func() answer{"execute": p.execute, "reject": p.reject} {
					a := ask()
					if a.code == 0 { // it is the one that was killed
						continue
					}
					l.heard(a)
					if first, _ := answers.LoadOrStore(kind, masked(p, a)); first != masked(p, a) {
						l.Errorf("%s:\n%s\n%s", kind, first, masked(p, a))
					}
				}
			}
		})
	}
	return func() {
		cancel()
		wait.Wait()
	}
}

// load of escalations and events. After a third of them one agentd is killed, after two thirds it is started again.
func load(l *ledger, all []*process, producer *kgo.Client) (killed time.Time) {
	todo, done := make(chan int), make(chan int)
	for range 6 {
		go func() {
			for n := range todo {
				l.life(all, n, fmt.Sprintf("pod-%d", n))
				done <- n
			}
		}()
	}
	go func() {
		defer close(todo)
		for n := range lives {
			todo <- n
		}
	}()
	for n := range lives {
		for i := range perLife {
			id := n*perLife + i
			event := fmt.Appendf(nil, `{"uuid": "alert-%d", "priority": "Critical", "rule": "Terminal shell in container", "time": "2026-11-28T11:59:00Z"}`, id)
			l.must(producer.ProduceSync(l.Context(), &kgo.Record{Topic: "falco-events", Key: fmt.Append(nil, id), Value: event}).FirstErr())
		}
		<-done
		switch n {
		case lives / 3:
			all[1].kill()
			killed = time.Now()
		case 2 * lives / 3:
			all[1].start()
		}
	}
	return killed
}

// quarantine at one is in force at all of them, and nobody else is concerned.
func quarantine(s *surroundings, all []*process) {
	s.Helper()
	if code, text := all[0].call("amara.obi", http.MethodPost, "/access/v1/quarantines", map[string]any{"agent": "remediate", "reason": "it acts strangely"}); code != http.StatusCreated {
		s.Fatal(code, string(text))
	}
	start := time.Now()
	for _, p := range all {
		s.eventually(3*time.Second-time.Since(start), "quarantine", func() (bool, string) { a := p.reject(); return a.has("quarantined"), string(a.text) })
		from := p.ask("remediate", "notify", "post-message", map[string]any{"parameters": map[string]any{"channel": "soc-alerts"}})
		if a := p.evict("other", ""); !a.has("quarantined") || !from.has("quarantined") || from.Decision {
			s.Errorf("to and from who is in quarantine: %s, %s", a.text, from.text)
		}
		if a := p.execute(); !a.Decision {
			s.Errorf("who is not: %s", a.text)
		}
	}
	s.Logf("quarantine is in force everywhere after %s", time.Since(start).Round(time.Millisecond))
}
