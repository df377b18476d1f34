package git

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestMade: the commit alone counts, whatever lies on the disk and whatever was committed since.
func TestMade(t *testing.T) {
	dir := specRepo(t)
	put(t, dir, "agents.d/empty.yaml", "", "agents.d/windows.yaml", "a\r\n", "agents.d/run.yaml", "run\n")
	for link, target := range map[string]string{
		"agents.d/link.yaml": "team/detect.yaml", "agents.d/team/up.yaml": "../link.yaml", "agents.d/self.yaml": "self.yaml",
		"agents.d/out.yaml": "../../etc/passwd", "agents.d/absolute.yaml": "/etc/passwd", "agents.d/folder": "team",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "agents.d/run.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	specGit(t, dir, "add", "-A")
	specGit(t, dir, "commit", "-q", "-m", "links")
	source := open(t, dir)
	head := headOf(t, source)
	put(t, dir, "agents.d/pay.yaml", "PAY\n", "agents.d/new.yaml", "new\n")
	specGit(t, dir, "add", "-A")
	specGit(t, dir, "commit", "-q", "-m", "since")
	for name, test := range map[string]struct {
		in     string // folder of the repository that is opened
		inputs map[string]string
		want   []string
	}{
		"all as committed": {inputs: map[string]string{
			"agents.d/pay.yaml": "pay\n", "agents.d/team/detect.yaml": "detect\n", "policies/soc.yaml": "soc\n", "agents.d/empty.yaml": "",
			"agents.d/windows.yaml": "a\r\n", "agents.d/run.yaml": "run\n", "agents.d/link.yaml": "detect\n", "agents.d/team/up.yaml": "detect\n",
		}},
		"nothing": {},
		"as it is on the disk by now": {
			inputs: map[string]string{"policies/soc.yaml": "SOC\n", "agents.d/pay.yaml": "PAY\n", "agents.d/new.yaml": "new\n"},
			want:   []string{"agents.d/new.yaml", "agents.d/pay.yaml", "policies/soc.yaml"},
		},
		"line endings": {inputs: map[string]string{"agents.d/windows.yaml": "a\n"}, want: []string{"agents.d/windows.yaml"}},
		"no such file": {
			inputs: map[string]string{"nowhere/a.yaml": "", "agents.d/pay.yaml/x": "", "agents.d": "", "agents.d/no.yaml": "", "../else.yaml": ""},
			want:   []string{"../else.yaml", "agents.d", "agents.d/no.yaml", "agents.d/pay.yaml/x", "nowhere/a.yaml"},
		},
		"what a link says is not what it leads to": {
			inputs: map[string]string{"agents.d/link.yaml": "team/detect.yaml", "agents.d/self.yaml": "self.yaml", "agents.d/out.yaml": "../../etc/passwd", "agents.d/absolute.yaml": "/etc/passwd", "agents.d/folder": "team"},
			want:   []string{"agents.d/absolute.yaml", "agents.d/folder", "agents.d/link.yaml", "agents.d/out.yaml", "agents.d/self.yaml"},
		},
		"seen from elsewhere": {in: "policies", inputs: map[string]string{
			"../agents.d/pay.yaml": "pay\n", "soc.yaml": "soc\n", "./soc.yaml": "SOC\n", filepath.Join(dir, "agents.d/team/detect.yaml"): "detect\n", "agents.d/pay.yaml": "pay\n",
		}, want: []string{"./soc.yaml", "agents.d/pay.yaml"}},
	} {
		sums := map[string]string{}
		for file, text := range test.inputs {
			sums[file] = hexSum(text)
		}
		got, err := open(t, filepath.Join(dir, test.in)).Made(head, sums)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestOneHead: what is asked about a commit is answered about it, though another one is checked out by now.
func TestOneHead(t *testing.T) {
	dir := specRepo(t)
	source := open(t, dir)
	head := headOf(t, source)
	put(t, dir, "agents.d/pay.yaml", "PAY\n")
	specGit(t, dir, "commit", "-q", "-a", "-m", "since")
	files, err := source.Uncommitted(head, "agents.d")
	if diff := cmp.Diff([]string{"agents.d/pay.yaml"}, files); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	since := headOf(t, source)
	if included, known, err := source.Includes(head, since.Hash); included || !known || err != nil {
		t.Errorf("a later commit is in an earlier one: %t %t %v", included, known, err)
	}
	if included, known, err := source.Includes(since, head.Hash); !included || !known || err != nil {
		t.Errorf("an earlier commit is not in a later one: %t %t %v", included, known, err)
	}
}

// BenchmarkMade asks about 10,000 files, half of them in one folder and half each in its own, packed as a clone has them.
func BenchmarkMade(b *testing.B) {
	const n = 10_000
	dir := b.TempDir()
	specGit(b, dir, "init", "-q", "-b", "main")
	var script strings.Builder
	script.WriteString("commit refs/heads/main\ncommitter Bob <bob@soc.example> 1700000000 +0000\ndata <<END\nall\nEND\n")
	inputs := map[string]string{}
	for i := range n {
		file, text := fmt.Sprintf("agents.d/a%d.yaml", i), strings.Repeat(fmt.Sprintf("agent %d of many\n", i), 50)
		if i%2 == 0 {
			file = fmt.Sprintf("agents.d/a%d/agent.yaml", i)
		}
		fmt.Fprintf(&script, "M 644 inline %s\ndata %d\n%s\n", file, len(text), text)
		inputs[file] = hexSum(text)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatal(errors.New(string(out)), err)
	}
	specGit(b, dir, "gc", "-q")
	for b.Loop() {
		source := open(b, dir)
		if differ, err := source.Made(headOf(b, source), inputs); err != nil || len(differ) > 0 {
			b.Fatal(len(differ), err)
		}
	}
}
