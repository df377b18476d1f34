// Package judged gives tests what the judge would be given: the claims and the files of the shipped fleet, as `agentc verify` sends them.
package judged

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"agentc/verify/claims"
	"agentc/verify/judge"
)

// Root is the repository, from the folder of a layer.
const Root = "../.."

// shipped is the archive, made once for each test binary by the compiler itself.
var shipped = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "judged")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	script, archive := filepath.Join(dir, "judge"), filepath.Join(dir, "archive.tar")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ncat > "+archive+"\n"), 0o755); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "run", "./cmd/agentc", "verify", "--judge", script)
	cmd.Dir = Root
	said, _ := cmd.CombinedOutput() // it fails: the script answers nothing
	data, err := os.ReadFile(archive)
	if err != nil {
		os.Stderr.Write(said)
	}
	return data, err
})

// Input is what the judge is given about the shipped fleet. Each call gives one of its own, whose files can be changed.
func Input(t testing.TB) *judge.Input {
	t.Helper()
	data, err := shipped()
	if err != nil {
		t.Fatalf("`agentc verify` sent nothing: %v", err)
	}
	in, err := judge.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	in.Files = maps.Clone(in.Files)
	return in
}

// Edit is a change to one of the files: the first Old becomes New. An edit of a file that is not there adds it.
type Edit struct{ File, Old, New string }

// Ask gives a layer the shipped environment of the first file that is edited, after the edits, and returns what it finds: `file:line: object message`.
func Ask(t testing.TB, layer func(*judge.Environment, *judge.Report) error, edits ...Edit) []string {
	t.Helper()
	in := Input(t)
	env := slices.IndexFunc(in.Claims.Environments, func(e claims.Environment) bool { return strings.HasPrefix(edits[0].File, e.Name+"/") })
	for _, e := range edits {
		text := string(in.Files[e.File])
		if !strings.Contains(text, e.Old) {
			t.Fatalf("%s does not hold %q", e.File, e.Old)
		}
		in.Files[e.File] = []byte(strings.Replace(text, e.Old, e.New, 1))
	}
	return AskAbout(t, layer, in, env)
}

// AskAbout gives a layer one environment of an input.
func AskAbout(t testing.TB, layer func(*judge.Environment, *judge.Report) error, in *judge.Input, env int) []string {
	t.Helper()
	envs, findings := in.Environments()
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	report, err := judge.Run(envs[env], []judge.Layer{{Name: "tested", Judge: layer}})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range report.Findings {
		all = append(all, fmt.Sprintf("%s:%d: %s %s", f.File, f.Line, f.Object, f.Message))
	}
	return all
}

// Shipped wants a layer to find nothing in the files as they are.
func Shipped(t *testing.T, layer func(*judge.Environment, *judge.Report) error) {
	t.Helper()
	in := Input(t)
	for i := range in.Claims.Environments {
		for _, finding := range AskAbout(t, layer, in, i) {
			t.Error(finding)
		}
	}
}
