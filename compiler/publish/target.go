package publish

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/model"
)

// Target is one branch, and what of the fleet goes to it.
type Target struct {
	URL, Branch  string
	Path         string // folder in the repository
	Environments []*model.Environment

	// Whole says that the Platform alone decided what goes here: an environment that the branch holds beside these has moved.
	Whole bool
}

// Choice is what a person said about where to publish; what is empty comes from the Platform.
type Choice struct {
	URL, Branch, Path string
	Environments      []string
}

// Targets groups environments by where they go: each group is one commit. They are in the order of the environments.
func Targets(fleet *model.Fleet, c Choice) ([]Target, error) {
	var names []string
	for _, env := range fleet.Environments {
		names = append(names, env.Name)
	}
	for _, name := range c.Environments {
		if !slices.Contains(names, name) {
			return nil, &Refusal{fmt.Sprintf("there is no environment %q; there are %s", name, strings.Join(names, ", "))}
		}
	}
	var targets []Target
	for _, env := range fleet.Environments {
		if len(c.Environments) > 0 && !slices.Contains(c.Environments, env.Name) {
			continue
		}
		t := Target{URL: cmp.Or(c.URL, env.Repository), Branch: cmp.Or(c.Branch, env.Revision), Path: cmp.Or(c.Path, fleet.Git.Path), Whole: c.empty()}
		i := slices.IndexFunc(targets, func(o Target) bool { return o.URL == t.URL && o.Branch == t.Branch && o.Path == t.Path })
		if i < 0 {
			i, targets = len(targets), append(targets, t)
		}
		targets[i].Environments = append(targets[i].Environments, env)
	}
	return targets, nil
}

func (c Choice) empty() bool { return c.URL+c.Branch+c.Path == "" && len(c.Environments) == 0 }

// names of the environments of a target.
func (t Target) names() []string {
	var names []string
	for _, env := range t.Environments {
		names = append(names, env.Name)
	}
	return names
}

// Elsewhere says how a target differs from where Argo CD looks; empty: not at all. The URL is not compared, since one
// repository has many.
func (t Target) Elsewhere(fleet *model.Fleet) string {
	var notes []string
	for _, env := range t.Environments {
		if t.Branch != env.Revision {
			notes = append(notes, fmt.Sprintf("the Applications of %s read %s, not %s", env.Name, env.Revision, t.Branch))
		}
	}
	if t.Path != fleet.Git.Path {
		notes = append(notes, fmt.Sprintf("Applications read the folder %s, not %s", fleet.Git.Path, t.Path))
	}
	return strings.Join(notes, "; ")
}
