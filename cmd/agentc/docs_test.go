package main

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"go.yaml.in/yaml/v4"
)

// The pages are executed, each in a folder of its own, from top to bottom. What a fenced block is to the test says its
// language, and a language that is not listed here fails, so that no example escapes:
//
//	console    commands after `$ `, each with what it prints; all must end with exit code 0; a line `...` stands for any
//	           lines that are left out; how long it took does not matter
//	yaml, rego, jsonc   written to a file where the first line says `# file: NAME` (`// file: NAME`), else only parsed
//	diff       lines of such a file that change, `@@` between two places
//	sh         for the reader's own machine: not run; commands of agentc in it are looked up, as they are everywhere
//	(none)     a picture
//
// With -update the output of commands is rewritten, but where lines are left out.
var update = flag.Bool("update", false, "rewrite outputs in the pages and the generated parts of docs/spec.md; read the difference")

// pages are all that the repository has for people, by path from here.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(found) == 0 {
		t.Fatal("no pages", err)
	}
	return append(found, "../../README.md", "../../CONTRIBUTING.md")
}

// block is a fenced block of a page.
type block struct {
	line  int // of the opening fence, from 1
	lang  string
	lines []string
}

func blocksOf(t *testing.T, text string) []block {
	t.Helper()
	var all []block
	open := false
	for i, line := range strings.Split(text, "\n") {
		lang, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !open:
			all = append(all, block{line: i + 1, lang: lang})
			open = true
		case fence:
			open = false
		case open:
			all[len(all)-1].lines = append(all[len(all)-1].lines, line)
		}
	}
	if open {
		t.Fatalf("line %d: the block does not end", all[len(all)-1].line)
	}
	return all
}

// judgedPages publish or verify, and so need the judge: TestJudgedPages executes them.
var judgedPages = []string{"publish.md", "verify.md"}

func TestPages(t *testing.T) {
	for _, page := range pages(t) {
		name := filepath.Base(page)
		if name == "rules.md" {
			continue // each of its examples is a golden case of compiler/check, which also writes the page
		}
		if !slices.Contains(judgedPages, name) {
			t.Run(name, func(t *testing.T) { execute(t, page) })
		}
	}
}

// execute runs everything on a page, and with -update rewrites what it prints.
func execute(t *testing.T, page string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, b := range slices.Backward(executed(t, t.TempDir(), blocksOf(t, string(text)))) {
		lines = slices.Replace(lines, b.line, b.line+len(b.lines), b.got...)
	}
	if changed := strings.Join(lines, "\n"); *update && changed != string(text) {
		if err := os.WriteFile(page, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// outcome is a block of commands with what they really print.
type outcome struct {
	block
	got []string
}

func executed(t *testing.T, dir string, blocks []block) []outcome {
	t.Helper()
	var changed []outcome
	for _, b := range blocks {
		switch b.lang {
		case "console":
			if got := session(t, dir, b); *update {
				changed = append(changed, outcome{b, got})
			}
		case "yaml", "rego", "json", "jsonc", "jsonl":
			writeOrParse(t, dir, b)
		case "diff":
			change(t, dir, b)
		case "sh", "":
		default:
			t.Errorf("line %d: a block in %q is neither run nor parsed", b.line, b.lang)
		}
	}
	return changed
}

var fileLineOf = regexp.MustCompile(`^(?:#|//) file: ([A-Za-z0-9._/-]+)$`)

func writeOrParse(t *testing.T, dir string, b block) {
	t.Helper()
	text := strings.Join(b.lines, "\n") + "\n"
	if m := fileLineOf.FindStringSubmatch(b.lines[0]); m != nil {
		name := filepath.Join(dir, m[1])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(text, "\n")
		if err := os.WriteFile(name, []byte(rest), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var err error
	switch b.lang {
	case "yaml":
		err = parseYAML(text)
	case "rego":
		_, err = ast.ParseModule("", text)
	case "json":
		if !json.Valid([]byte(text)) {
			err = errors.New("it is no JSON")
		}
	default:
		err = errors.New("nothing reads it; name a file in its first line")
	}
	if err != nil {
		t.Errorf("line %d: %v", b.line, err)
	}
}

// change edits a file as a block says: unchanged and removed lines must stand in it, in one place only.
func change(t *testing.T, dir string, b block) {
	t.Helper()
	m := fileLineOf.FindStringSubmatch(b.lines[0])
	if m == nil {
		t.Fatalf("line %d: the first line names no file", b.line)
	}
	name := filepath.Join(dir, m[1])
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for place := range strings.SplitSeq(strings.Join(b.lines[1:], "\n"), "\n@@\n") {
		var old, changed string
		for line := range strings.SplitSeq(place, "\n") {
			if line[0] != '+' {
				old += line[1:] + "\n"
			}
			if line[0] != '-' {
				changed += line[1:] + "\n"
			}
		}
		if strings.Count(text, old) != 1 {
			t.Fatalf("line %d: %s has not exactly one place that reads\n%s", b.line, m[1], old)
		}
		text = strings.Replace(text, old, changed, 1)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func parseYAML(text string) error {
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var v any
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// session runs the commands of a block, compares what they print, and returns the block as it ought to be.
func session(t *testing.T, dir string, b block) []string {
	t.Helper()
	var block []string
	for i := 0; i < len(b.lines); {
		command, ok := strings.CutPrefix(b.lines[i], "$ ")
		if !ok {
			t.Fatalf("line %d: not a command: %s", b.line+1+i, b.lines[i])
		}
		end := i + 1
		for end < len(b.lines) && !strings.HasPrefix(b.lines[end], "$ ") {
			end++
		}
		want := b.lines[i+1 : end]
		got, err := printed(dir, command)
		block = append(block, b.lines[i])
		switch {
		case err == nil && matches(want, got):
			block = append(block, want...)
		case err != nil:
			block = append(block, want...)
			t.Errorf("line %d: %s: %v\n%s", b.line+1+i, command, err, strings.Join(got, "\n"))
		case *update && !slices.Contains(want, "..."):
			block = append(block, got...)
		default:
			block = append(block, want...)
			t.Errorf("line %d: %s (-page +printed)\n%s", b.line+1+i, command, cmp.Diff(want, got))
		}
		i = end
	}
	return block
}

// printed runs one command in the folder, and gives all that it printed.
func printed(dir, command string) (lines []string, err error) {
	var out []byte
	if args, ok := strings.CutPrefix(command, "opa "); ok {
		out, err = opa(dir, strings.Fields(args))
	} else {
		c := exec.Command("sh", "-c", command)
		c.Dir = dir
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C"} // testscript.Main put agentc into PATH
		out, err = c.CombinedOutput()
	}
	for l := range strings.Lines(string(out)) {
		lines = append(lines, strings.TrimRight(l, " \n"))
	}
	return lines, err
}

var took = regexp.MustCompile(`[0-9]+\.[0-9] s$`)

// matches says whether output is as the page shows it, durations aside. A line `...` of the page stands for any number of
// lines.
func matches(want, got []string) bool {
	if len(want) == 0 || len(got) == 0 {
		return len(got) == 0 && !slices.ContainsFunc(want, func(l string) bool { return l != "..." })
	}
	if want[0] == "..." {
		return matches(want[1:], got) || matches(want, got[1:])
	}
	return took.ReplaceAllString(want[0], "") == took.ReplaceAllString(got[0], "") && matches(want[1:], got[1:])
}
