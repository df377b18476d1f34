//go:build judge

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"agentc/compiler/judge"
)

// placeJudge puts the judge that `make judge` built beside the agentc that the tests run, where it is looked for.
func placeJudge(t *testing.T) {
	t.Helper()
	built, err := filepath.Abs("../../bin/" + judge.ProgramName)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(built); err != nil {
		t.Fatalf("%v: `make judge` builds it", err)
	}
	agentc, err := exec.LookPath("agentc")
	if err != nil {
		t.Fatal(err)
	}
	if agentc, err = filepath.EvalSymlinks(agentc); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(agentc), judge.ProgramName)
	if err := os.Symlink(built, beside); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
}

func TestJudgedPages(t *testing.T) {
	placeJudge(t)
	for _, name := range judgedPages {
		t.Run(name, func(t *testing.T) { execute(t, filepath.Join("../../docs", name)) })
	}
}

// TestJudgedEdits: what a hand does to generated files is refused, with the generated line and the line of the spec.
func TestJudgedEdits(t *testing.T) {
	placeJudge(t)
	dir := t.TempDir()
	for _, name := range []string{"agents.d", "policies", "generated"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS("../../"+name)); err != nil {
			t.Fatal(err)
		}
	}
	const policy = "generated/dev/manifests/soc-remediate/remediate.yaml"
	const stranger = "generated/dev/manifests/soc-remediate/more.yaml"
	for _, c := range []struct {
		name, file, old, new, want string
	}{
		{"an empty list", policy, between(t, dir+"/"+policy, "  egress:\n", "  enableDefaultDeny:"), "  egress: []\n",
			"CiliumNetworkPolicy soc-remediate/remediate does not let agent remediate reach agentd (TCP 8444)"},
		{"everybody of the namespace", policy, between(t, dir+"/"+policy, "  - fromEndpoints:\n", "    toPorts:"), "  - fromEndpoints:\n    - {}\n",
			policy + ":87:5: error: CiliumNetworkPolicy soc-remediate/remediate lets agent remediate (TCP 8443), a pod with the labels of remediate"},
		{"a policy of a stranger", stranger, "", strangersPolicy, stranger + ":7:5: error: CiliumNetworkPolicy soc-remediate/more lets agent remediate reach world (every port)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(dir, c.file)
			before, _ := os.ReadFile(file)
			if err := os.WriteFile(file, []byte(strings.Replace(string(before), c.old, c.new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			defer func() {
				os.Remove(file)
				if before != nil {
					os.WriteFile(file, before, 0o644)
				}
			}()
			out, err := exec.Command("agentc", "verify", "-C", dir).CombinedOutput()
			if code := err.(*exec.ExitError).ExitCode(); code != exitSpec {
				t.Errorf("exit code %d", code)
			}
			for _, want := range []string{c.want, "; the spec: agents.d/remediate.yaml:", "[layer-network]", "[drift]"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

const strangersPolicy = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: more, namespace: soc-remediate}
spec:
  endpointSelector: {}
  egress:
  - toEntities: [world]
`

// between is a part of a file: from one text to before the next.
func between(t *testing.T, file, from, to string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(data), from)
	part, _, ends := strings.Cut(rest, to)
	if !found || !ends {
		t.Fatalf("%s has nothing from %q to %q", file, from, to)
	}
	return from + part
}
