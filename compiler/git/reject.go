package git

import (
	"regexp"
	"strings"
)

// Kind is why a push was rejected.
type Kind int

const (
	Refused   Kind = iota // by a hook, a quota, a rule: nothing that a new try would change
	Moved                 // somebody else moved the branch meanwhile: start over from the fetch
	Busy                  // somebody else holds the branch's lock: start over too
	Protected             // the branch takes pull requests only
)

// Rejected is a push that the remote did not take.
type Rejected struct {
	Kind   Kind
	Reason string // in the remote's words, fit to print
}

func (e *Rejected) Error() string { return e.Reason }

// wordings tell the kinds of rejection apart, in the servers' own words: Git has no codes for them. The first that matches
// counts, so what a new try cannot mend stands above the general words that it comes with.
var wordings = []struct {
	kind  Kind
	words *regexp.Regexp
}{
	{Refused, regexp.MustCompile(`(?i)exists; cannot create|refname conflict`)}, // the branch's name is in the way of another's
	{Refused, regexp.MustCompile(`(?i)unable to create .*: (permission denied|no space left|read-only file system)`)},
	{Refused, regexp.MustCompile(`(?i)push cannot contain secrets`)}, // a GH013 that holds for every branch

	{Protected, regexp.MustCompile(`\bGH006\b|\bGH013\b|(?i:repository rule violations)`)},                        // GitHub
	{Protected, regexp.MustCompile(`(?i)\bprotected branch(es)?\b`)},                                              // GitHub, GitLab, Gitea
	{Protected, regexp.MustCompile(`(?i)through (a )?pull requests?|must use a pull request`)},                    // GitHub, Bitbucket Server, Azure
	{Protected, regexp.MustCompile(`(?i)permission denied to update branch|\bbranch (restriction|permission)s?`)}, // Bitbucket

	{Moved, regexp.MustCompile(`(?i)is at [0-9a-f]+ but expected [0-9a-f]+`)}, // git, GitHub
	{Moved, regexp.MustCompile(`(?i)non-fast-forward|fetch first|stale info`)},
	{Moved, regexp.MustCompile(`(?i)incorrect old value provided|reference (already exists|does not exist)`)}, // git 2.50, GitLab
	{Moved, regexp.MustCompile(`(?i)unable to resolve reference '[^']*'$`)},                                   // it was deleted
	{Moved, regexp.MustCompile(`(?i)expected old .* but`)},

	{Busy, regexp.MustCompile(`(?i)cannot lock ref|unable to create .*\.lock|failed to update ref|failed to lock|index\.lock`)},
}

// rejected judges a refusal by the report's line and by what the remote said beside it: a hook's reasons stand only there.
func rejected(status, said string) *Rejected {
	text := strings.TrimSpace(status + "\n" + said)
	return &Rejected{Kind: kindOf(clean(text)), Reason: shown(text)}
}

func kindOf(text string) Kind {
	for _, w := range wordings {
		for line := range strings.Lines(text) {
			if w.words.MatchString(strings.TrimSpace(line)) {
				return w.kind
			}
		}
	}
	return Refused
}
