package main

import (
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"agentc/compiler"

	"github.com/google/go-cmp/cmp"
)

func TestVersionText(t *testing.T) {
	first := "agentc " + compiler.Version + "\n"
	rest := "built by " + runtime.Version() + " for " + runtime.GOOS + "/" + runtime.GOARCH + "\n" +
		"spec agents.d/v1alpha1, lock format 1, seal format 1, bundle format 1\n"
	commit := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: "5c1f"}, {Key: "vcs.time", Value: "2026-12-01T10:00:00Z"}, {Key: "vcs.modified", Value: modified},
		}
	}
	for _, c := range []struct {
		name     string
		settings []debug.BuildSetting
		want     string
	}{
		{"outside of a repository", nil, first + rest},
		{"a release", commit("false"), first + "commit 5c1f of 2026-12-01T10:00:00Z\n" + rest},
		{"with changes", commit("true"), first + "commit 5c1f of 2026-12-01T10:00:00Z, with changes that are not committed\n" + rest},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, versionText(c.settings)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// semver is the expression that semver.org suggests.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
	`(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?` +
	`(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

// TestVersionIsInTheChangelog keeps the version a semantic one, and the changelog's newest heading its own: hack/release.sh
// relies on both.
func TestVersionIsInTheChangelog(t *testing.T) {
	if !semver.MatchString(compiler.Version) {
		t.Errorf("compiler.Version %q is not a semantic version", compiler.Version)
	}
	changelog, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(changelog), "\n## ")
	heading, _, _ := strings.Cut(rest, "\n")
	newest, _, dated := strings.Cut(heading, ", ")
	if !found || !dated {
		t.Fatalf("the newest heading of CHANGELOG.md is not `## VERSION, DATE`: %q", heading)
	}
	if newest != compiler.Version {
		t.Errorf("the newest heading of CHANGELOG.md says %s, compiler.Version %s", newest, compiler.Version)
	}
}
