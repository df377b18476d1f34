package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"agentc/decision/record"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// command runs agentd with the verbs of evidence.
func command(args ...string) (string, error) {
	root := &cobra.Command{Use: "agentd", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(newAudit(), newTrace())
	root.SetArgs(args)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.Execute()
	return out.String(), err
}

const (
	traced = "0af7651916cd43dd8448eb211c80319c"
	second = "1bf7651916cd43dd8448eb211c80319c"
)

// replica writes a log into a folder here.
func replica(t *testing.T, dir string, records ...record.Record) {
	t.Helper()
	l, err := record.Open(dir, record.Options{Every: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Kind != record.KindEvent {
			r.Caller, r.Callee, r.Skill = "spiffe://dev.soc.example/ns/soc-coordinator/sa/coordinator", "remediate", "isolate-workload"
		}
		if err := l.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// evidence is what docs/evidence.md speaks of: two replicas' logs, one of them changed in a copy, and Hubble's flows.
func evidence(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	at := func(seconds int) time.Time { return time.Date(2026, 11, 2, 9, 30, seconds, 0, time.UTC) }
	percentile, threshold := 99.8, 98.0
	replica(t, "agentd-0",
		record.Record{Kind: record.KindEvent, Timestamp: at(0), TraceID: traced, Result: record.Event{
			Intake: "falco", Agent: "coordinator", Percentile: &percentile, Threshold: &threshold, Passed: true, Features: []record.Feature{{Feature: "parent-rarity", Value: 7.5, Credit: 60}},
		}},
		record.Record{Kind: record.KindDecision, Timestamp: at(2), TraceID: traced, Verdict: "escalate", Rules: []string{"soc/high-risk"}, ApprovalID: "4be1",
			Source: "10.0.0.7:41234", Destination: "10.0.1.9:8443"},
		record.Record{Kind: record.KindEscalation, Timestamp: at(2), TraceID: traced, ApprovalID: "4be1", Result: record.Escalation{ID: "4be1", To: "pending"}},
	)
	replica(t, "agentd-1",
		record.Record{Kind: record.KindEscalation, Timestamp: at(31), TraceID: traced, ApprovalID: "4be1", Result: record.Escalation{
			ID: "4be1", From: "pending", To: "approved", By: "alice", Via: "page", Reason: "the pod is compromised",
		}},
		record.Record{Kind: record.KindEscalation, Timestamp: at(40), TraceID: second, ApprovalID: "4be1", Result: record.Escalation{ID: "4be1", From: "approved", To: "consumed"}},
		record.Record{Kind: record.KindOutcome, Timestamp: at(41), TraceID: second, ApprovalID: "4be1", Result: record.Outcome{State: "forwarded", Status: 200}},
	)
	var flows strings.Builder
	for _, port := range []int{41234, 50000} {
		fmt.Fprintf(&flows, `{"flow":{"time":"2026-11-02T09:30:01.500Z","verdict":"FORWARDED","IP":{"source":"10.0.0.7","destination":"10.0.1.9"},"l4":{"TCP":{"source_port":%d,`+
			`"destination_port":8443,"flags":{"SYN":true}}},"source":{"namespace":"soc-coordinator","pod_name":"coordinator-0"},"destination":{"namespace":"soc-remediate",`+
			`"pod_name":"remediate-0"},"is_reply":false,"node_name":"node-1"},"node_name":"node-1"}`+"\n", port)
	}
	if err := os.WriteFile("flows.json", []byte(flows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS("changed", os.DirFS("agentd-0")); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join("changed", "log", "00000000000000000001.jsonl"), `"verdict":"escalate"`, `"verdict":"auto-execute"`)
	text, err := os.ReadFile("agentd-0/log/checkpoints")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if err := os.WriteFile("kept.checkpoint", bytes.Join(lines[len(lines)-6:], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := command("audit", "key", "--log", "agentd-0")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("kept.pub", []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, name, old, changed string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil || strings.Count(string(text), old) != 1 {
		t.Fatal(err, string(text))
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), old, changed, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// chance is what differs from log to log.
var chance = regexp.MustCompile(`agentd-[0-9a-f]{16}(/[0-9a-f]{16}|\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+)?|\b[A-Za-z0-9+/]{43}=|— .*`)

// TestEvidencePage runs every command of agentd on the page, and compares what it prints.
func TestEvidencePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	evidence(t)
	found := 0
	for i, block := range strings.Split(string(page), "```") {
		if i%2 == 0 || !strings.HasPrefix(block, "\n$ agentd ") {
			continue
		}
		line, want, _ := strings.Cut(block[1:], "\n")
		got, err := command(strings.Fields(strings.TrimPrefix(line, "$ agentd "))...)
		if err != nil {
			got += "agentd: " + err.Error() + "\n"
		}
		found++
		if d := cmp.Diff(words(want), words(got)); d != "" {
			t.Errorf("%s\n%s\n%s", line, d, got)
		}
	}
	if found != 4 {
		t.Errorf("only %d commands are on the page", found)
	}
}

// words of an output: keys differ in length, and columns with them.
func words(text string) string {
	return strings.Join(strings.Fields(chance.ReplaceAllString(text, "CHANCE")), " ")
}

// TestAudit: the exit is an error exactly when a verdict is bad, in both formats.
func TestAudit(t *testing.T) {
	evidence(t)
	for name, c := range map[string]struct {
		args                    []string
		integrity, completeness bool
	}{
		"good":             {[]string{"--log", "agentd-0"}, true, true},
		"kept":             {[]string{"--log", "agentd-0", "--key", "kept.pub", "--checkpoint", "kept.checkpoint"}, true, true},
		"changed":          {[]string{"--log", "changed"}, false, true},
		"another replica":  {[]string{"--log", "agentd-1", "--key", "kept.pub"}, false, true},
		"foreign evidence": {[]string{"--log", "agentd-1", "--checkpoint", "kept.checkpoint"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := command(append([]string{"audit", "verify", "--format", "json"}, c.args...)...)
			var r audit
			if jsonErr := json.Unmarshal([]byte(out), &r); jsonErr != nil {
				t.Fatal(out, jsonErr, err)
			}
			if r.Integrity.Good != c.integrity || r.Completeness.Good != c.completeness || errors.Is(err, errAudit) != (!c.integrity || !c.completeness) {
				t.Errorf("%v %s", err, out)
			}
		})
	}
}

// TestSetAside: a log that is refused is moved, and the next one begins.
func TestSetAside(t *testing.T) {
	evidence(t)
	if _, err := record.Open("changed", record.Options{}); err == nil {
		t.Fatal("a changed log is appended to")
	}
	out, err := command("audit", "set-aside", "--log", "changed")
	if err != nil {
		t.Fatal(err)
	}
	replica(t, "changed")
	if out, err := command("audit", "verify", "--log", "changed", "--key", "kept.pub"); err != nil {
		t.Error(out, err)
	}
	if out, err := command("audit", "verify", "--log", strings.TrimSpace(out), "--key", "kept.pub"); !errors.Is(err, errAudit) {
		t.Error(out, err)
	}
}

// TestEvidenceRefused: calls that are none say what is missing.
func TestEvidenceRefused(t *testing.T) {
	evidence(t)
	for want, args := range map[string][]string{
		`required flag(s) "log"`:        {"audit", "verify"},
		"there are text and json":       {"audit", "verify", "--log", "agentd-0", "--format", "xml"},
		"the public key, which --key":   {"audit", "verify", "--log", "nowhere"},
		"holds no checkpoint":           {"audit", "verify", "--log", "agentd-0", "--checkpoint", "flows.json"},
		"name a trace id":               {"trace", "--log", "agentd-0"},
		"is no W3C trace id":            {"trace", "--log", "agentd-0", "0AF7"},
		"nowhere has no decision log":   {"trace", "--log", "nowhere", traced},
		"--hubble: open nowhere":        {"trace", "--log", "agentd-0", "--hubble", "nowhere"},
		"--window is less than nothing": {"trace", "--log", "agentd-0", "--hubble", "flows.json", "--window", "-1s"},
		"there is no log to set aside":  {"audit", "set-aside", "--log", "."},
	} {
		if out, err := command(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v %s, want %s", args, err, out, want)
		}
	}
}
