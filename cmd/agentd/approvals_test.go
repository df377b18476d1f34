package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"agentc/decision/action"
	"agentc/decision/approvals"
	"agentc/decision/escalation"
	"agentc/decision/fleet"
	"agentc/decision/listen"

	"github.com/spf13/cobra"
)

// desk serves the API for the commands, as --dev does for the person asel.
func desk(t *testing.T) (*escalation.Service, string) {
	t.Helper()
	service, err := escalation.Open(context.Background(), filepath.Join(t.TempDir(), "escalations.db"), escalation.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	f := new(fleet.Fleet)
	f.Fleet.Agents = map[string]*fleet.Agent{"remediate": {ID: "spiffe://x/sa/remediate", Team: "ai"}}
	f.Escalation.People = map[string]*fleet.Person{"asel": {Email: "asel@soc.example", Team: "soc", Groups: []string{"soc-oncall"}}}
	f.Escalation.Routes = map[string]*fleet.Route{"oncall": {Approvers: []string{"soc-oncall"}}}
	s := approvals.Server{Service: service, Fleet: func() *fleet.Fleet { return f }, Now: time.Now, Watch: approvals.NewWatch(service.Version, time.Second),
		Who: approvals.Dev(func() *escalation.Person { return approvals.PersonNamed(f, "asel") }), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	web := httptest.NewServer(listen.LocalHost(s.Handler()))
	t.Cleanup(web.Close)
	return service, web.URL
}

func pending(t *testing.T, s *escalation.Service, workload string) escalation.Escalation {
	t.Helper()
	form, err := action.Action{Caller: "spiffe://x/sa/coordinator", Callee: "remediate", Skill: "isolate", Parameters: map[string]any{"workload": workload}}.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Request(context.Background(), escalation.Request{Action: form, Digest: action.Digest(form), Caller: "spiffe://x/sa/coordinator", Callee: "remediate", Skill: "isolate",
		Risk: "high", Known: json.RawMessage(`{}`), Groups: []string{"soc-oncall"}, Quorum: 1, Assurance: escalation.Verified, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// run a command as in a pipe.
func run(cmd *cobra.Command, args ...string) (out, shown string, err error) {
	var stdout, stderr bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader("isolate\n"))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.Execute()
	return stdout.String(), stderr.String(), err
}

func TestApprovals(t *testing.T) {
	s, url := desk(t)
	e, other := pending(t, s, "web\u202E\x1b[2J"), pending(t, s, "db")
	if out, _, err := run(newApprovals(), "list", "--dev", url); err != nil || !strings.Contains(out, e.ID+"  pending  high  coordinator  remediate  isolate  0/1") {
		t.Errorf("the list is %s, %v", out, err)
	}
	var list approvals.List
	if out, _, err := run(newApprovals(), "list", "--dev", url, "--format", "json"); err != nil || json.Unmarshal([]byte(out), &list) != nil || len(list.Escalations) != 2 {
		t.Errorf("as JSON the list is %s, %v", out, err)
	}
	out, _, err := run(newApprovals(), "show", e.ID, "--dev", url)
	if err != nil || !strings.Contains(out, e.Digest) || !strings.Contains(out, "web<U+202E>") || strings.ContainsAny(out, "\x1b\u202E") {
		t.Errorf("it is shown as %q, %v", out, err)
	}
	if _, shown, err := run(newApprovals(), "approve", e.ID, "--dev", url); err == nil || !strings.Contains(err.Error(), "--yes") || !strings.Contains(shown, "workload") {
		t.Errorf("in a pipe it is approved without --yes, or not shown: %v, %s", err, shown)
	}
	if got, _ := s.Get(context.Background(), e.ID); got.State != escalation.Pending {
		t.Fatalf("it is %s", got.State)
	}
	if out, _, err := run(newApprovals(), "approve", e.ID, "--yes", "--dev", url); err != nil || out != e.ID+" is approved.\n" {
		t.Errorf("it is approved with %q, %v", out, err)
	}
	if _, _, err := run(newApprovals(), "reject", other.ID, "--dev", url); err == nil {
		t.Error("it is rejected without a reason")
	}
	if out, _, err := run(newApprovals(), "reject", other.ID, "--reason", "No.", "--dev", url); err != nil || out != other.ID+" is rejected.\n" {
		t.Errorf("it is rejected with %q, %v", out, err)
	}
	if _, _, err := run(newApprovals(), "approve", other.ID, "--yes", "--dev", url); err == nil || !strings.Contains(err.Error(), "rejected already") {
		t.Errorf("what was rejected is approved: %v", err)
	}
	if out, _, err := run(newApprovals(), "cancel", e.ID, "--reason", "Not now.", "--dev", url); err != nil || out != e.ID+" is cancelled.\n" {
		t.Errorf("it is withdrawn with %q, %v", out, err)
	}
}

// TestAsked: at a terminal the name of the skill is typed.
func TestAsked(t *testing.T) {
	s, url := desk(t)
	e := pending(t, s, "web")
	for typed, want := range map[string]escalation.State{"y\n": escalation.Pending, "": escalation.Pending, "isolate\n": escalation.Approved} {
		e := e
		if want == escalation.Pending {
			e = pending(t, s, "not "+typed)
		}
		a := answering{format: "text", interactive: func(io.Reader) bool { return true }, now: time.Now, connection: connection{dev: url}}
		cmd := a.command("approve", "", cobra.ExactArgs(1), a.approve)
		cmd.SetIn(strings.NewReader(typed))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		cmd.SetArgs([]string{e.ID})
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.Execute()
		if got, _ := s.Get(context.Background(), e.ID); got.State != want || (err == nil) != (want == escalation.Approved) {
			t.Errorf("after %q it is %s, %v", typed, got.State, err)
		}
	}
}

func TestQuarantineCommand(t *testing.T) {
	_, url := desk(t)
	for _, c := range []struct{ args, want, refused string }{
		{"", "No agent is under quarantine.\n", ""},
		{"remediate", "", "--reason"},
		{"nobody --reason r", "", "no agent"},
		{"remediate --reason r --until soon", "", "--until"},
		{"--reason r", "", "name of an agent"},
		{"remediate --reason r --until 2h", "remediate", ""},
		{"--lift remediate", "", "--reason"},
		{"--lift remediate --reason fixed", "No agent is under quarantine.\n", ""},
		{"--lift remediate --reason fixed", "", "in no quarantine"},
	} {
		out, _, err := run(newQuarantine(), append(strings.Fields(c.args), "--dev", url)...)
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s is answered with %v", c.args, err)
			}
		} else if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %q, %v", c.args, out, err)
		}
	}
}

// TestConnection: nothing but one's own machine is spoken to without TLS.
func TestConnection(t *testing.T) {
	for _, c := range []connection{{}, {dev: "http://agentd.example:8444"}, {dev: "https://127.0.0.1:8444"}, {server: "http://x", cert: "a", key: "b", ca: "c"}, {server: "https://x"}} {
		if _, err := c.client(); err == nil {
			t.Errorf("%+v is spoken to", c)
		}
	}
}
