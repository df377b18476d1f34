package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"agentc/decision/bundle/bundletest"
	"agentc/decision/identity/identitytest"
	"agentc/decision/record"
)

// asAgentd in the environment makes of a process of the test agentd itself: main, with the arguments that it has.
const asAgentd = "AGENTD_TEST_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(asAgentd) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "agentd:", err)
		os.Exit(1)
	}
}

// surroundings are what the agentds of a test have together: a CA, who seals bundles, and the bundle.
type surroundings struct {
	*testing.T
	ca          *identitytest.CA
	key         *bundletest.Key
	keys        string // folder of the public key
	mount       string // folder of the bundle, as the kubelet mounts it
	tls         string
	credentials string
	clients     map[string]*http.Client // by SPIFFE id or mail address
	edit        func(data map[string]any)
}

func newSurroundings(t *testing.T, edit func(data map[string]any)) *surroundings {
	s := &surroundings{T: t, ca: identitytest.NewCA(t), key: bundletest.NewKey(t, "ES256"), keys: t.TempDir(), mount: t.TempDir(), credentials: t.TempDir(), edit: edit}
	der, err := x509.MarshalPKIXPublicKey(s.key.Keys[s.key.ID])
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.keys, s.key.ID+".pem"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
	s.tls = s.ca.Files(t, identitytest.Workload("spiffe://prod.soc.example/ns/soc-system/sa/agentd"))
	s.clients = map[string]*http.Client{}
	for _, agent := range []string{"coordinator", "remediate", "detect"} {
		s.clients[agent] = s.client(identitytest.Workload(spiffe("prod", agent)))
	}
	for _, person := range []string{"amara.obi", "jonas.weber"} {
		s.clients[person] = s.client(identitytest.Names{Emails: []string{person + "@soc.example"}})
	}
	s.swap(1, s.sealed(1))
	return s
}

func (s *surroundings) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *surroundings) client(n identitytest.Names) *http.Client {
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{TLSClientConfig: s.ca.Client(s.T, n), ForceAttemptHTTP2: true}}
}

// sealed bundle that says its sequence in its revision and in the reason of a rule, too.
func (s *surroundings) sealed(sequence int64) []byte {
	s.Helper()
	files := bundletest.Shipped(s.T, "../../generated/prod/bundle")
	var manifest, data map[string]any
	s.must(json.Unmarshal(files[".manifest"], &manifest))
	manifest["revision"] = fmt.Sprintf("r%d", sequence)
	s.must(json.Unmarshal(files["agentc/data.json"], &data))
	inside(data, "rules", "reviewers/investigation-runs")["reason"] = fmt.Sprintf("By bundle %d.", sequence)
	if s.edit != nil {
		s.edit(data)
	}
	var err error
	files[".manifest"], err = json.Marshal(manifest)
	s.must(err)
	files["agentc/data.json"], err = json.Marshal(data)
	s.must(err)
	return s.key.Seal(s.T, files, sequence, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func inside(data map[string]any, path ...string) map[string]any {
	for _, name := range path {
		data = data[name].(map[string]any)
	}
	return data
}

// swap the bundle as the kubelet does: a new folder, and one rename of a link to it.
func (s *surroundings) swap(n int64, archive []byte) {
	s.Helper()
	folder := fmt.Sprintf("..%d", n)
	s.must(os.Mkdir(filepath.Join(s.mount, folder), 0o755))
	s.must(os.WriteFile(filepath.Join(s.mount, folder, "bundle.tar.gz"), archive, 0o600))
	s.must(os.Symlink(folder, filepath.Join(s.mount, "..data_tmp")))
	s.must(os.Rename(filepath.Join(s.mount, "..data_tmp"), filepath.Join(s.mount, "..data")))
	if n == 1 {
		s.must(os.Symlink("..data/bundle.tar.gz", filepath.Join(s.mount, "bundle.tar.gz")))
		return
	}
	s.must(os.RemoveAll(filepath.Join(s.mount, fmt.Sprintf("..%d", n-1))))
}

// process is one agentd.
type process struct {
	*surroundings
	data, admin string
	arguments   []string

	mu  sync.Mutex
	cmd *exec.Cmd
	url string // changes with every start
}

// process with a folder of its own, running.
func (s *surroundings) process(data string, more ...string) *process {
	s.Helper()
	p := &process{surroundings: s, data: data, admin: free(s.T)}
	p.arguments = append([]string{
		"serve", "--environment", "prod", "--keys", s.keys, "--bundle", filepath.Join(s.mount, "bundle.tar.gz"), "--tls", s.tls, "--ca", s.tls,
		"--listen", "127.0.0.1:0", "--admin", p.admin, "--data", data, "--credentials", s.credentials,
	}, more...)
	p.start()
	s.Cleanup(p.kill)
	return p
}

// start it, and wait until it listens.
func (p *process) start() {
	p.Helper()
	cmd := exec.Command(os.Args[0], p.arguments...)
	cmd.Env = append(os.Environ(), asAgentd+"=1")
	out, err := cmd.StderrPipe()
	p.must(err)
	p.must(cmd.Start())
	lines := bufio.NewReader(out)
	var said strings.Builder
	for {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		var entry struct{ Msg, At string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "agentd listens" {
			_, port, err := net.SplitHostPort(entry.At)
			p.must(err)
			p.mu.Lock()
			p.cmd, p.url = cmd, "https://localhost:"+port
			p.mu.Unlock()
			break
		}
		if err != nil {
			cmd.Wait()
			p.Fatalf("agentd did not start: %s", &said)
		}
	}
	go io.Copy(io.Discard, lines)
}

// kill it as a node does that is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// end it as the kubelet does.
func (p *process) end() {
	p.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.Errorf("agentd ends with %v", err)
	}
}

func (p *process) where() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// call it. Code 0: nobody answered.
func (p *process) call(as, method, path string, body any) (int, []byte) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	r, err := http.NewRequest(method, p.where()+path, strings.NewReader(string(text)))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := p.clients[as].Do(r)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return reply.StatusCode, answer
}

// answer to a question.
type answer struct {
	Decision bool
	Context  struct {
		Verdict    string
		Rules      []string
		Reasons    []struct{ Reason string }
		Revision   string
		Sequence   int64
		DecisionID string `json:"decision_id"`
		Escalation struct {
			ID, State string
			Digest    string `json:"action_digest"`
		}
	}
	code int
	text []byte
}

func (a *answer) has(rule string) bool { return slices.Contains(a.Context.Rules, rule) }

// ask a question of a caller to another agent. Code 0: nobody answered.
func (p *process) ask(caller, callee, skill string, context map[string]any) answer {
	context["trace_id"] = "4bf92f3577b34da6a3ce929d0e0e4736"
	var a answer
	a.code, a.text = p.call(caller, http.MethodPost, "/access/v1/evaluation", map[string]any{
		"subject": map[string]any{"type": "agent", "id": spiffe("prod", caller)}, "action": map[string]any{"name": skill},
		"resource": map[string]any{"type": "agent", "id": callee}, "context": context,
	})
	if a.code == http.StatusOK {
		if err := json.Unmarshal(a.text, &a); err != nil {
			panic(err)
		}
	}
	return a
}

// execute asks what is always executed, reject what never is, and evict what people decide.
func (p *process) execute() answer {
	return p.ask("coordinator", "analyse", "analyse-threat", map[string]any{})
}

func (p *process) reject() answer {
	return p.ask("coordinator", "remediate", "evict-pod", map[string]any{"confidence": 0.1, "parameters": map[string]any{"namespace": "shop"}})
}

func (p *process) evict(pod, approval string) answer {
	c := map[string]any{"confidence": 0.9, "parameters": map[string]any{"namespace": "shop", "pod": pod}}
	if approval != "" {
		c["approval"] = map[string]any{"id": approval}
	}
	return p.ask("coordinator", "remediate", "evict-pod", c)
}

// approve by API, with a certificate.
func (p *process) approve(as, id, digest string) (code int, state string) {
	code, text := p.call(as, http.MethodPost, "/access/v1/escalations/"+id+"/votes", map[string]any{"approve": true, "digest": digest, "reason": "seen"})
	var said struct{ State string }
	if code == http.StatusOK && json.Unmarshal(text, &said) != nil {
		panic(string(text))
	}
	return code, said.State
}

// eventually something holds, or what it says last is an error.
func (s *surroundings) eventually(within time.Duration, what string, holds func() (bool, string)) time.Duration {
	s.Helper()
	start := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, said := holds()
		took := time.Since(start)
		if ok {
			return took
		}
		if took > within {
			s.Fatalf("%s: not within %s: %s", what, within, said)
		}
		<-tick.C
	}
}

// logged decisions of a folder, whose log must hold: allowed by decision id, and how often each approval was to be used.
func (s *surroundings) logged(data string) (allowed map[string]bool, used map[string]int) {
	s.Helper()
	key, err := record.PublicKey(data)
	s.must(err)
	if r, err := record.Verify(data, key); err != nil || !r.Integrity.Good || !r.Completeness.Good {
		s.Errorf("the decision log: %+v, %v", r, err)
	}
	allowed, used = map[string]bool{}, map[string]int{}
	passed, err := record.Read(data, func(e record.Entry) error {
		var result struct{ Decision bool }
		if e.Kind != record.KindDecision || json.Unmarshal(e.Result, &result) != nil || !result.Decision {
			return nil
		}
		allowed[e.DecisionID] = true
		if e.ApprovalID != "" {
			used[e.ApprovalID]++
		}
		return nil
	})
	if err != nil || passed != 0 {
		s.Errorf("the decision log: %d lines are none, %v", passed, err)
	}
	return allowed, used
}
