package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDemo: what the README shows works and leaves nothing behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatal(err, "; hack/tools.sh installs it")
		}
	}
	folder := t.TempDir()
	_, port, _ := strings.Cut(free(t), ":")
	cmd := exec.CommandContext(t.Context(), "../../hack/demo.sh")
	cmd.Env = append(os.Environ(), "TMPDIR="+folder, "PORT="+port)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for want, times := range map[string]int{
		`"verdict":"auto-execute"`: 1, `"verdict":"auto-reject"`: 3, `"verdict":"escalate"`: 2, `"decision":true`: 2, "is approved.": 1, "it is consumed already": 1,
		"approved → consumed": 2, "integrity     good": 1, "No agent is under quarantine.": 1,
	} {
		if got := strings.Count(string(out), want); got != times {
			t.Errorf("%s comes %d times, want %d\n%s", want, got, times, out)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
