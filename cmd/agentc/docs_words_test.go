package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCommandsInPages looks up every command of agentc that a page names, in prose, in a snippet for CI or to be run: the verb
// and each flag must be there.
func TestCommandsInPages(t *testing.T) {
	found := 0
	for _, page := range pages(t) {
		fenced := false
		for i, line := range linesOf(t, page) {
			where := inProse
			if fenced = fenced != strings.HasPrefix(line, "```"); fenced {
				where = inBlock
			}
			for _, m := range where.FindAllStringSubmatch(line, -1) {
				found++
				if err := knownCommand(strings.Fields(m[1])); err != nil {
					t.Errorf("%s:%d: agentc %s: %v", page, i+1, m[1], err)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d commands; does this test still read what the pages look like?", found)
	}
}

// Where commands stand: in prose between backticks; in a block at the beginning of a line, after a prompt, `run:`, a list's
// dash, `&&` or the path of the package, up to what ends a command.
var (
	inProse = regexp.MustCompile("`agentc ([a-z-][^`|>&;]*)")
	inBlock = regexp.MustCompile(`(?:^|^\$ |run: |^ *- |&& |cmd/)agentc ([a-z-][^|>&;#]*)`)
)

func knownCommand(args []string) error {
	cmd, rest, err := newRoot().Find(args)
	switch {
	case err != nil:
		return err
	case !cmd.HasParent() && !strings.HasPrefix(rest[0], "-"):
		return fmt.Errorf("no such verb")
	}
	return cmd.ParseFlags(rest)
}

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading   = regexp.MustCompile(`^#+ (.*)$`)
	otherMark = regexp.MustCompile(`[^a-z0-9_-]`)
)

// TestLinksInPages follows every link within the repository to its file and its heading.
func TestLinksInPages(t *testing.T) {
	for _, page := range pages(t) {
		for i, line := range linesOf(t, page) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				file, anchor, _ := strings.Cut(m[1], "#")
				if strings.Contains(file, "://") {
					continue
				}
				target := filepath.Join(filepath.Dir(page), file)
				if file == "" {
					target = page
				}
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s:%d: %v", page, i+1, err)
				} else if anchor != "" && !slices.Contains(anchorsOf(t, target), anchor) {
					t.Errorf("%s:%d: %s has no heading #%s", page, i+1, target, anchor)
				}
			}
		}
	}
}

// anchorsOf are the headings as links spell them: lower case, hyphens for blanks, no other marks.
func anchorsOf(t *testing.T, page string) []string {
	var anchors []string
	for _, line := range linesOf(t, page) {
		if m := heading.FindStringSubmatch(line); m != nil {
			anchors = append(anchors, otherMark.ReplaceAllString(strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"), ""))
		}
	}
	return anchors
}

func linesOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}
