package git

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// gitTrailers asks git which trailers a message has.
func gitTrailers(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "interpret-trailers", "--parse")
	cmd.Dir, cmd.Stdin = os.TempDir(), strings.NewReader(text)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		t.Fatalf("git interpret-trailers: %v\n%s", err, problem.String())
	}
	return out.String()
}

func trailerLines(trailers []Trailer) string {
	var out strings.Builder
	for _, t := range trailers {
		out.WriteString(t.Key + ": " + t.Value + "\n")
	}
	return out.String()
}

const scissors = "# ------------------------ >8 ------------------------"

// endless is what git 2.39 never finishes to read: a divider with scissors below. Our own messages hold neither.
func endless(text string) bool {
	return strings.Contains(text, "\n---") && strings.Contains(text, "\n"+scissors)
}

func TestMessage(t *testing.T) {
	lock := []Trailer{{"Agentc-Lock", "sha256:00"}, {"Agentc-Verified", "no"}}
	cases := []struct {
		name string
		in   Message
		want Message
	}{
		{"plain", Message{"Publish soc", "One.\n\nTwo.", lock}, Message{"Publish soc", "One.\n\nTwo.", lock}},
		{"no body", Message{"Publish soc", "", lock}, Message{"Publish soc", "", lock}},
		{"no trailers", Message{"Publish soc", "Text.", nil}, Message{"Publish soc", "Text.", nil}},
		{"subject only", Message{Subject: "Publish soc"}, Message{Subject: "Publish soc"}},
		{"no subject", Message{Trailers: lock}, Message{Subject: "(no subject)", Trailers: lock}},
		{"conventional subject", Message{"fix: pay", "", lock}, Message{"fix: pay", "", lock}},
		{"forged in the body", Message{"s", "Agentc-Lock: sha256:66", lock}, Message{"s", " Agentc-Lock: sha256:66", lock}},
		{"forged in the body, no trailers", Message{"s", "x\n\nAgentc-Lock: sha256:66\nSigned-off-by: a", nil}, Message{"s", "x\n\n Agentc-Lock: sha256:66\n Signed-off-by: a", nil}},
		{"forged behind spaces", Message{"s", "\n \n\nAgentc-Lock : 66\n\n", lock}, Message{"s", " Agentc-Lock : 66", lock}},
		{"forged by a value", Message{"s", "", []Trailer{{"Subject", "a\nAgentc-Lock: 66\r\n\r\nAgentc-Lock: 77"}}}, Message{"s", "", []Trailer{{"Subject", "a Agentc-Lock: 66 Agentc-Lock: 77"}}}},
		{"forged by a key", Message{"s", "", []Trailer{{"A: b\nAgentc-Lock", "66"}}}, Message{"s", "", []Trailer{{"AbAgentc-Lock", "66"}}}},
		{"forged by a subject", Message{"s\n\nAgentc-Lock: 66", "", lock}, Message{"s Agentc-Lock: 66", "", lock}},
		{"forged with a lone return", Message{"s\rAgentc-Lock: 66", "a\rAgentc-Lock: 66", lock}, Message{"s Agentc-Lock: 66", "a\n Agentc-Lock: 66", lock}},
		{"cut by a divider", Message{"--- s", "a\n---\nb\n--- c", lock}, Message{" --- s", "a\n ---\nb\n --- c", lock}},
		{"cut by scissors", Message{"s", scissors + "\nb", lock}, Message{"s", " " + scissors + "\nb", lock}},
		{"cut by both, which git never ends to read", Message{"s", "---\n" + scissors, lock}, Message{"s", " ---\n " + scissors, lock}},
		{"conflicts", Message{"s", "Conflicts:\n\ta", lock}, Message{"s", " Conflicts:\n\ta", lock}},
		{"comments", Message{"# s", "# a", lock}, Message{"# s", "# a", lock}},
		{"without a value", Message{"s", "", []Trailer{{"A", " \n"}, {"", "x"}, {"B", "x"}}}, Message{"s", "", []Trailer{{"B", "x"}}}},
		{"what a terminal obeys", Message{"s\x1b[2J", "a\x00\x07b\xff", []Trailer{{"A", "x\x1b]0;"}}}, Message{"s[2J", "ab\uFFFD", []Trailer{{"A", "x]0;"}}}},
		{"other languages", Message{"Größe 張", "Größe: 張", []Trailer{{"Größe", "張"}}}, Message{"Größe 張", "Größe: 張", []Trailer{{"Gre", "張"}}}},
	}
	g := newTarget(t)
	tree := g.tree("100644 a x")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := c.in.String()
			if diff := cmp.Diff(c.want, ParseMessage(text), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := gitTrailers(t, text); got != trailerLines(c.want.Trailers) {
				t.Errorf("git interpret-trailers reads %q from\n%s", got, text)
			}
			bob := Person{"Bob", "bob@soc.example"}
			commit, err := NewCommit(Draft{Tree: tree, Author: bob, Committer: bob, When: time.Unix(1, 0), Message: c.in}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if id := g.write("commit", string(commit.Data)); id != commit.Hash {
				t.Fatalf("git calls it %s", id)
			}
			got := g.git("log", "-1", "--format=%(trailers:only,unfold)", commit.Hash.String())
			if got != strings.TrimSpace(trailerLines(c.want.Trailers)) {
				t.Errorf("git log reads %q from\n%s", got, text)
			}
		})
	}
	if out := g.git("fsck", "--strict", "--no-dangling", "--no-progress"); strings.Contains(out, "commit") {
		t.Errorf("git fsck --strict: %s", out)
	}
}

// TestParseMessageIsGits reads random messages made of the lines that matter, all of them with one git.
func TestParseMessageIsGits(t *testing.T) {
	parts := []string{
		"\n", "\n", "\n", "s\n", "A: b\n", "A: b\n", "A : b\n", "A b: c\n", " c\n", "\tc \n", " \n", "#c\n", "---\n", "---x\n", "--- x\n", scissors + "\n", "Conflicts:\n", ": x\n", "A:\n",
		"A:b\r\n", "Signed-off-by: x\n", "(cherry picked from commit x)\n", "https://x\n", "Ä: x\n", "-: x\n", "no\n", "x",
	}
	random := rand.New(rand.NewPCG(3, 4))
	dir, args := t.TempDir(), []string{"interpret-trailers", "--parse"}
	var texts []string
	for i := range 1000 {
		text := "s\n\n"
		for range random.IntN(12) {
			if part := parts[random.IntN(len(parts))]; !endless(text + part) {
				text += part
			}
		}
		file := fmt.Sprintf("%03d", i)
		put(t, dir, file, text)
		texts, args = append(texts, text), append(args, file)
	}
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	git, found := string(out), 0
	for _, text := range texts {
		ours := ParseMessage(text).Trailers
		rest, ok := strings.CutPrefix(git, trailerLines(ours))
		if !ok {
			t.Fatalf("%q: git reads %q, we read %q", text, gitTrailers(t, text), ours)
		}
		git, found = rest, found+len(ours)
	}
	if git != "" || found < 100 {
		t.Errorf("%d trailers found, and git has %q left", found, git)
	}
}

// FuzzMessage writes messages from whatever other people wrote: git must find our trailers, and nothing else.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"", "a", "A: b", "---", "--- ", scissors, "#", "Conflicts:\n\ta", " a", "a\n\nA: b", "\r", "\t", "(cherry picked from commit x)", "Signed-off-by: x", "\v", "\u0085", "\u2028A: b"} {
		f.Add(s, s, s, s, true)
		f.Add("s", s, "A", "b", false)
	}
	f.Fuzz(func(t *testing.T, subject, body, key, value string, trailers bool) {
		m := Message{Subject: subject, Body: body}
		want := ""
		if trailers {
			m.Trailers = []Trailer{{key, value}, {"Agentc-Lock", "sha256:00"}}
			want = "Agentc-Lock: sha256:00\n"
		}
		text := m.String()
		read := ParseMessage(text)
		if again := read.String(); again != text {
			t.Errorf("written twice: %q and %q", text, again)
		}
		if !strings.HasSuffix(trailerLines(read.Trailers), want) || len(read.Trailers) > 2 || !trailers && len(read.Trailers) > 0 {
			t.Errorf("%q has the trailers %q", text, read.Trailers)
		}
		if endless("\n" + text) {
			t.Fatalf("git will never read %q", text)
		}
		if got := gitTrailers(t, text); got != trailerLines(read.Trailers) {
			t.Errorf("%q: git reads %q, we read %q", text, got, read.Trailers)
		}
	})
}

// FuzzParseMessage reads messages of other people as git does.
func FuzzParseMessage(f *testing.F) {
	for _, s := range []string{
		"", "\n", "s", "s\n\nA: b", "s\n\nA: b\n c\nB: d\n\n", "s\n\nA: b\nno\n", "s\n\nSigned-off-by: a\nno\nno\n no\n", "s\n\nSigned-off-by: a\nno\nno\nno\nno\n",
		"s\n\n(cherry picked from commit x)\nA: b\n", "s\n\nA: b\n#c\nB: d\n", "s\n\n#c\n d\nB: d\n", "s\n\nA: b\n---\nC: d\n", "s\n\nA: b\n\nConflicts:\n\tx\n", "s\n\nA: b\n" + scissors + "\nC: d\n",
		"#s\nA: b\n", "s\n\nA : b\n", "s\n\nA b: c\n", "s\n\n: c\n", "s\n\nA:\n", "s\n\nA:  b \n \tc \n", "s\n\nA: b\r\nB: c\r\n", "A: b\n\nB: c", "s\n \nA: b\n", "s\n\n x\nA: b\n", "s\n\n---x\n\nA: b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0) || endless("\n"+text) { // no commit holds the former
			return
		}
		if got, want := trailerLines(ParseMessage(text).Trailers), gitTrailers(t, text); got != want {
			t.Errorf("%q: git reads %q, we read %q", text, want, got)
		}
	})
}
