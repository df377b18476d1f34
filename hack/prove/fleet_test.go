//go:build judge

package prove

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"agentc/compiler"
	"agentc/compiler/claims"
	"agentc/compiler/judge"
	"agentc/compiler/verdict"
	"agentc/compiler/verify"
	"agentc/schema"

	"sigs.k8s.io/yaml"
)

// environment is one environment of a compiled fleet: what is claimed of it alone, and its files.
type environment struct {
	name   string // `soc/dev`
	folder string // `dev/`
	asked  *claims.Claims
	files  map[string][]byte
	docs   []*object // of the YAML files, in order
}

// examples are the fleets that are broken.
func examples(t *testing.T) []*environment {
	t.Helper()
	var all []*environment
	for _, root := range []string{"../..", "../../compiler/testdata/payments"} {
		all = append(all, compile(t, schema.Dir{Name: "agents.d", FS: os.DirFS(root + "/agents.d")}, schema.Dir{Name: "policies", FS: os.DirFS(root + "/policies")})...)
	}
	return all
}

func compile(t *testing.T, dirs ...schema.Dir) []*environment {
	t.Helper()
	out, problems, err := compiler.Compile(false, dirs...)
	if err != nil || out == nil {
		t.Fatal(err, problems)
	}
	whole := claims.Of(out.Fleet)
	var all []*environment
	for i, of := range whole.Environments {
		asked := &claims.Claims{Format: whole.Format, Fleet: whole.Fleet, Environments: whole.Environments[i : i+1]}
		env := &environment{name: whole.Fleet + "/" + of.Name, folder: of.Name + "/", asked: asked, files: judge.FromTree(out.Tree, asked)}
		if err := env.read(); err != nil {
			t.Fatal(err)
		}
		all = append(all, env)
	}
	return all
}

// separator stands between two documents of a file.
const separator = "---\n"

func (e *environment) read() error {
	for _, file := range sorted(e.files) {
		if !strings.HasSuffix(file, ".yaml") {
			continue
		}
		for _, text := range strings.Split(string(e.files[file]), "\n"+separator) {
			o := &object{file: file, text: strings.TrimSuffix(text, "\n") + "\n"}
			if err := yaml.Unmarshal([]byte(text), &o.tree); err != nil {
				return err
			}
			e.docs = append(e.docs, o)
		}
	}
	return nil
}

// program is the judge that `make judge` built, or that was named.
func program(t *testing.T) string {
	t.Helper()
	built, err := filepath.Abs(*built)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(built); err != nil {
		t.Fatalf("%v: `make judge` builds it", err)
	}
	return built
}

// ask judges files in the place of those that were compiled. Where it is about the decision layer alone, only OPA is asked, which takes a
// tenth of the time.
func (e *environment) ask(t *testing.T, files map[string][]byte, layers string) []judge.Finding {
	t.Helper()
	if layers == "decision" {
		findings, _, err := verdict.Judge(t.Context(), &e.asked.Environments[0], files)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		return findings
	}
	answer, err := verify.All(t.Context(), program(t), e.asked, files)
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	return answer.Findings
}

// indented is JSON as the compiler writes it, but for the order of the keys.
func indented(v any) []byte {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return append(data, '\n')
}
