// Package judged gives tests what the judge would be given: the claims and the files of the shipped fleet, as `agentc verify` sends them.
package judged

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

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
