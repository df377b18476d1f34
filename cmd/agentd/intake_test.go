package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentc/decision/intake"
)

// TestIntake: what a critical event and one that is none come to, by the shipped bundle.
func TestIntake(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "bundle")
	if err := os.CopyFS(folder, os.DirFS("../../generated/prod/bundle")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, "agentc", "data.json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var data map[string]any
	if err := json.Unmarshal(text, &data); err != nil {
		t.Fatal(err)
	}
	data["runtime"] = map[string]any{"intakes": map[string]any{"falco": map[string]any{"agent": "detect", "skill": "assess-event"}}}
	if text, err = json.Marshal(data); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (out, errs string, err error) {
		cmd := newIntake()
		var o, e bytes.Buffer
		cmd.SetArgs(append([]string{"--bundle", folder}, args...))
		cmd.SetIn(strings.NewReader(`{"uuid": "1", "priority": "Critical", "rule": "x", "output_fields": {}}` + "\nno event\n"))
		cmd.SetOut(&o)
		cmd.SetErr(&e)
		err = cmd.ExecuteContext(t.Context())
		return o.String(), e.String(), err
	}
	out, errs, err := run("--intake", "falco")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err != nil || len(lines) != 2 || !strings.Contains(errs, "2 would be passed on, 0 dropped, 0 failed") {
		t.Fatalf("%v: %s %s", err, out, errs)
	}
	for i, want := range []string{"always", "failed"} {
		var e intake.Event
		if err := json.Unmarshal([]byte(lines[i]), &e); err != nil || string(e.Why) != want || e.Agent != "detect" || e.Outcome != intake.Passed {
			t.Errorf("%v: %s", err, lines[i])
		}
	}
	if _, _, err := run("--intake", "nothing"); err == nil || !strings.Contains(err.Error(), `the bundle has no intake "nothing"`) {
		t.Error(err)
	}
}
