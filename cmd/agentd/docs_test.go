package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const agentdPage = "../../docs/agentd.md"

func pageText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(agentdPage)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// random is what differs from answer to answer: ids, times, the port, and the revision of the policies. What a question itself names stays.
var random = regexp.MustCompile(`"(decision_id|evaluation_id|id|expires|expires_at|binding_token|endpoint|revision)": ?"[^"]*"`)

// TestAgentdPage sends each question of the page, and compares the answers.
func TestAgentdPage(t *testing.T) {
	s := start(t, flags{dev: true, trust: "key", bundle: "../../generated/dev/bundle"})
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(pageText(t), -1)
	if len(blocks) != 4 {
		t.Fatalf("%d blocks of JSON", len(blocks))
	}
	for pair := range slices.Chunk(blocks, 2) {
		_, text := fetch(t, http.DefaultClient, http.MethodPost, s.url+"/access/v1/evaluation", pair[0][1])
		if d := cmp.Diff(meant(t, pair[1][1]), meant(t, text)); d != "" {
			t.Error(d)
		}
	}
}

func meant(t *testing.T, text string) (value any) {
	t.Helper()
	form := random.ReplaceAllStringFunc(text, func(field string) string {
		name, said, _ := strings.Cut(field, ":")
		if name == `"id"` && !regexp.MustCompile(`^ ?"[0-9a-f]{32}"$`).MatchString(said) {
			return field
		}
		return name + `: "CHANCE"`
	})
	if strings.Contains(form, `"escalate"`) { // the route of the hour
		form = regexp.MustCompile(`"route": ?"[^"]*"`).ReplaceAllString(form, `"route": "ROUTE"`)
	}
	if err := json.Unmarshal([]byte(form), &value); err != nil {
		t.Fatal(err, text)
	}
	return value
}

// TestAgentdPageNames: the tests, metrics, ports and flags that the page names are there, and none of the metrics and the compiler's flags is missing.
func TestAgentdPageNames(t *testing.T) {
	page := pageText(t)
	shown := regexp.MustCompile(`(decision/[a-z]+|cmd/agentd) (Test\w+)`).FindAllStringSubmatch(page, -1)
	for _, s := range shown {
		found := false
		files, err := filepath.Glob(filepath.Join("../..", s[1], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(text), "func "+s[2]+"(t *testing.T)")
		}
		if !found {
			t.Errorf("%s has no %s", s[1], s[2])
		}
	}
	if len(shown) < 40 {
		t.Errorf("only %d tests are named", len(shown))
	}
	scrape := scraped(t)
	for _, s := range scrape {
		name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(s[1], "_bucket"), "_sum"), "_count")
		if !strings.Contains(page, "| `"+name+"` |") {
			t.Errorf("the page has no %s", name)
		}
	}
	emitted, err := os.ReadFile("../../generated/prod/manifests/soc-system/agentd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range regexp.MustCompile(`- (--[a-z-]+)=`).FindAllStringSubmatch(string(emitted), -1) {
		if !strings.Contains(page, "`"+flag[1]+"`") {
			t.Errorf("the page has no %s", flag[1])
		}
	}
	for _, port := range regexp.MustCompile(`--(?:listen|health|admin|callback)=:(\d+)`).FindAllStringSubmatch(string(emitted), -1) {
		if !strings.Contains(page, "port "+port[1]) {
			t.Errorf("the page has no port %s", port[1])
		}
	}
}

// TestNoRowExecutes: what fails is never answered by an execution.
func TestNoRowExecutes(t *testing.T) {
	_, rest, found := strings.Cut(pageText(t), "## What fails, and what is answered")
	table, _, _ := strings.Cut(rest, "\n## ")
	if !found || strings.Count(table, "\n|") < 20 || strings.Contains(table, "auto-execute") {
		t.Error(table)
	}
}
