package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRelease makes a release of one commit in two places that have nothing in common but the commit: not the path, the
// umask, the settings of the go command, the ignored files.
func TestRelease(t *testing.T) {
	one := repository(t, "0.1.0, 2026-12-01")
	sh(t, one, "git tag v0.1.0")
	two := filepath.Join(t.TempDir(), "another place")
	sh(t, one, "git clone --quiet --depth 1 file://$PWD '"+two+"'")
	sh(t, two, "git tag --force v0.1.0; mkdir bin; echo x > bin/ignored")

	sh(t, one, "umask 022; GOFLAGS=-buildvcs=false hack/release.sh")
	sh(t, two, "umask 077; GOFLAGS=-tags=other GOAMD64=v3 GOEXPERIMENT=nodwarf5 TZ=Asia/Tokyo hack/release.sh elsewhere/out")
	out := filepath.Join(one, "bin/release")

	t.Run("the same bytes in both places", func(t *testing.T) {
		if diff := cmp.Diff(digests(t, out), digests(t, filepath.Join(two, "elsewhere/out"))); diff != "" {
			t.Errorf("-first +second\n%s", diff)
		}
	})
	t.Run("every file has its sum", func(t *testing.T) {
		sh(t, out, "sha256sum --check --strict --quiet SHA256SUMS")
		want := strings.Fields(`darwin_amd64.cdx.json darwin_amd64.tar.gz darwin_arm64.cdx.json darwin_arm64.tar.gz
			image.tar image_index.spdx.json image_linux-amd64.spdx.json image_linux-arm64.spdx.json
			linux_amd64.cdx.json linux_amd64.tar.gz linux_arm64.cdx.json linux_arm64.tar.gz`)
		for _, command := range commands {
			got := strings.Fields(sh(t, out, "sed -n 's/.*  "+command+"_0.1.0_//p' SHA256SUMS; test $(ls | wc -l) = 25"))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", command, diff)
			}
		}
	})
	t.Run("the binary of this machine runs", func(t *testing.T) {
		host := runtime.GOOS + "_" + runtime.GOARCH
		got := sh(t, t.TempDir(), "tar xzf "+out+"/agentc_0.1.0_"+host+".tar.gz && ./agentc 2>&1; go version -m agentc")
		for _, want := range []string{"agentc 0.1.0\n", "\tmod\tagentc\tv0.1.0\t", "CGO_ENABLED=0", "vcs.modified=false"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	})
	t.Run("images", func(t *testing.T) { testImages(t, out) })
	t.Run("bills of materials", func(t *testing.T) { testBOMs(t, out) })
}

// TestRefused has the states in which no release is made.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, changelog, before, want string }{
		{"changes", "0.1.0, 2026-12-01", "echo >> CHANGELOG.md", "changes that are not committed"},
		{"a file that Git does not know", "0.1.0, 2026-12-01", "touch strange.go", "changes that are not committed"},
		{"another tag", "0.1.0, 2026-12-01", "git tag v0.2.0", "tagged v0.2.0, and its compiler.Version is 0.1.0"},
		{"not dated", "0.1.0, not released", "git tag v0.1.0", "calls 0.1.0 not released"},
		{"an old release in the folder", "0.1.0, 2026-12-01", "mkdir -p bin/release; touch bin/release/old", "is not empty"},
		{"no such platform", "0.1.0, 2026-12-01", "export PLATFORMS=linux/sparc", `there is no platform "linux/sparc"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := repository(t, c.changelog)
			out := sh(t, dir, c.before+"; ! hack/release.sh 2>&1")
			if !strings.Contains(out, c.want) {
				t.Errorf("no %q in\n%s", c.want, out)
			}
		})
	}
}

// TestUnreleased shows that a commit without a tag never looks like a release, and that older tags, which a clone may lack,
// leave no trace.
func TestUnreleased(t *testing.T) {
	dir := repository(t, "0.1.0, not released")
	sh(t, dir, "git tag v0.0.9; "+commit("--allow-empty"))
	host := runtime.GOOS + "_" + runtime.GOARCH
	sh(t, dir, "PLATFORMS="+strings.Replace(host, "_", "/", 1)+" hack/release.sh out")
	want := "_0.1.0-g" + sh(t, dir, "git rev-parse HEAD")[:12] + "_"
	for name := range digests(t, filepath.Join(dir, "out")) {
		if name != "SHA256SUMS" && !strings.HasPrefix(name, "agentc"+want) && !strings.HasPrefix(name, "agentd"+want) {
			t.Errorf("%s does not begin with agentc%s, or agentd", name, want)
		}
	}
	stamp := sh(t, t.TempDir(), "tar xzf "+dir+"/out/agentc"+want+host+".tar.gz; go version -m agentc")
	if !strings.Contains(stamp, "\tmod\tagentc\tv0.0.0-") {
		t.Errorf("an older tag shows in\n%s", stamp)
	}
}

// repository is a small one of the same shape as ours, with the real script and the real program: its agentc is built in a
// second.
func repository(t *testing.T, changelog string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		".gitignore":          "/bin/\n",
		"CHANGELOG.md":        "# Changelog\n\n## " + changelog + "\n",
		"go.mod":              "module agentc\n\ngo 1.26.0\n",
		"compiler/compile.go": "package compiler\n\nconst Version = \"0.1.0\"\n",
		"cmd/agentc/main.go":  "package main\n\nimport \"agentc/compiler\"\n\nfunc main() { println(\"agentc\", compiler.Version) }\n",
		"cmd/agentd/main.go":  "package main\n\nfunc main() { println(\"agentd\") }\n",
		"hack/release.sh":     read(t, "../release.sh"),
	}
	ours, err := filepath.Glob("*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range ours {
		files["hack/release/"+name] = read(t, name)
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sh(t, dir, "git init --quiet; git add --all; "+commit(""))
	return dir
}

func commit(flag string) string {
	return "git -c user.name=a -c user.email=a@example.com commit --quiet --message one " + flag
}

func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for _, e := range entries {
		sums[e.Name()] = fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, filepath.Join(dir, e.Name())))))
	}
	return sums
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// sh runs commands in a folder, and gives what they print.
func sh(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("bash", "-euc", script)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, out, stderr.String())
	}
	return string(out)
}
