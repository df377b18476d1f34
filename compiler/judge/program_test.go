package judge

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"agentc/compiler/claims"
)

var asked = &claims.Claims{Format: claims.Format, Fleet: "soc", Environments: []claims.Environment{{Name: "dev"}}}

// TestFaults: a judge that says nothing, or nothing that can be understood, has not said yes.
func TestFaults(t *testing.T) {
	const agrees = `{"format":1,"engines":["cilium v1"],"environments":[{"name":"dev","counts":{"flows":1}}],"findings":null}`
	for _, c := range []struct{ name, script, want string }{
		{"fails", "cat >/dev/null; echo 'out of memory' >&2; exit 3", "out of memory"},
		{"reads nothing", "exit 0", "judge"},
		{"says nothing", "cat >/dev/null", "is no answer"},
		{"says something else", "cat >/dev/null; echo yes", "is no answer"},
		{"says more", "cat >/dev/null; echo '" + strings.Replace(agrees, `"format"`, `"verdict":"fine","format"`, 1) + "'", "is no answer"},
		{"another format", "cat >/dev/null; echo '" + strings.Replace(agrees, `"format":1`, `"format":2`, 1) + "'", "different releases"},
		{"no environment", "cat >/dev/null; echo '" + strings.Replace(agrees, `{"name":"dev","counts":{"flows":1}}`, "", 1) + "'", "judged 0 environments"},
		{"another environment", "cat >/dev/null; echo '" + strings.Replace(agrees, "dev", "prod", 1) + "'", `judged "prod"`},
		{"tried nothing", "cat >/dev/null; echo '" + strings.Replace(agrees, `{"flows":1}`, "{}", 1) + "'", "tried nothing"},
		{"is killed", "kill -9 $$", "killed"},
		{"hangs", "exec sleep 60", "has not answered"},
		{"agrees", "cat >/dev/null; echo '" + agrees + "'", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			// More than a pipe holds, so that a judge that does not read is noticed.
			_, err := Ask(ctx, script(t, c.script), asked, map[string][]byte{"dev/manifests/a.yaml": make([]byte, 1<<20)})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("not %q but %v", c.want, err)
			}
		})
	}
}

func TestProgram(t *testing.T) {
	t.Chdir(t.TempDir())
	here := script(t, "exit 0")
	if err := os.Rename(here, ProgramName); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", ".:"+os.Getenv("PATH"))
	if found, err := Program(""); err == nil {
		t.Errorf("a judge in the working folder was found: %s", found)
	}
	if found, err := Program(ProgramName); err != nil || !strings.ContainsRune(found, filepath.Separator) {
		t.Errorf("%q, %v: it was named", found, err)
	}
	if err := os.Chmod(ProgramName, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{ProgramName, "none", "."} {
		if _, err := Program(named); err == nil || !strings.Contains(err.Error(), "make judge") {
			t.Errorf("%s: %v", named, err)
		}
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "judge")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
