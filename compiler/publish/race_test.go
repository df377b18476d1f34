package publish_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"agentc/compiler"
	"agentc/compiler/publish"

	"github.com/google/go-cmp/cmp"
)

// TestTwoPublishers lets two push to one branch at the same time, twenty times each: every commit lands, those of each in
// their order, and nothing is lost.
func TestTwoPublishers(t *testing.T) {
	const rounds = 20
	repo := bare(t)
	var outs []*compiler.Output
	for i := range rounds {
		outs = append(outs, fleetOf(t, rounds, i+1))
	}
	folders := []string{"left", "right"}
	var wg sync.WaitGroup
	for _, folder := range folders {
		wg.Go(func() {
			for i, out := range outs {
				job := jobAt(out, i)
				if _, err := job.Publish(context.Background(), targets(t, out, publish.Choice{URL: repo, Path: folder})[0]); err != nil {
					t.Errorf("%s, round %d: %v", folder, i, err)
				}
			}
		})
	}
	wg.Wait()
	gitIn(t, repo, "fsck", "--strict", "--no-dangling")
	for _, folder := range folders {
		got := gitIn(t, repo, "log", "--reverse", "--format=%(trailers:key=Agentc-Spec-Commit,valueonly)", "main", "--", folder)
		if diff := cmp.Diff(history[:rounds], strings.Fields(got)); diff != "" {
			t.Errorf("commits of %s (-want +got):\n%s", folder, diff)
		}
	}
	if n := strings.TrimSpace(gitIn(t, repo, "rev-list", "--count", "main")); n != fmt.Sprint(2*rounds) {
		t.Errorf("%s commits, want %d", n, 2*rounds)
	}
}

// TestAPullRequest: one branch of ours is refreshed, and what a person put there stays.
func TestAPullRequest(t *testing.T) {
	repo := bare(t)
	small, large := fleetOf(t, 2, 0), fleetOf(t, 3, 0)
	must(t, newJob(small), repo)
	main := gitIn(t, repo, "rev-parse", "main")
	request := func(out *compiler.Output, n int) (*publish.Result, error) {
		job := jobAt(out, n)
		job.PullRequest = true
		return do(t, job, repo)
	}
	first, err := request(large, 1)
	if err != nil || first.Branch != "agentc/demo/dev/main" || first.Message == "" {
		t.Fatalf("%v %+v", err, first)
	}
	if again, err := request(large, 1); err != nil || again.Message != "" || !again.New.IsZero() {
		t.Errorf("again: %v %+v, want nothing to publish", err, again)
	}
	second, err := request(fleetOf(t, 4, 0), 2)
	if err != nil || second.Old != first.New {
		t.Fatalf("%v %+v", err, second)
	}
	if gitIn(t, repo, "rev-parse", "main") != main {
		t.Error("main moved")
	}
	if parent := gitIn(t, repo, "rev-parse", "agentc/demo/dev/main^"); parent != main {
		t.Errorf("the pull request builds on %s, want main, %s", parent, main)
	}

	person := t.TempDir()
	gitIn(t, ".", "clone", "-q", "-b", "agentc/demo/dev/main", repo, person)
	refused := func(what string) {
		t.Helper()
		if _, err := request(large, 3); err == nil || !strings.Contains(err.Error(), "not as publish left it") {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
	if err := os.WriteFile(person+"/NOTES", []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	gitIn(t, person, "add", "NOTES")
	gitIn(t, person, "-c", "user.name=Pat", "-c", "user.email=pat@soc.example", "commit", "-q", "--amend", "--no-edit")
	gitIn(t, person, "push", "-q", "--force", "origin", "HEAD")
	refused("an amended commit")
	gitIn(t, person, "-c", "user.name=Eve", "-c", "user.email=eve@soc.example", "commit", "-q", "--allow-empty", "-m", "Mine")
	gitIn(t, person, "push", "-q", "origin", "HEAD")
	refused("a person's commit")
	gitIn(t, person, "push", "-q", "origin", "HEAD:main")
	if _, err := request(fleetOf(t, 5, 0), 3); err != nil {
		t.Errorf("the pull request was merged, and yet: %v", err)
	}
}

// TestTargets: environments that go to the same place share a commit.
func TestTargets(t *testing.T) {
	out, _ := shipped(t)
	where := func(c publish.Choice) (all []string) {
		for _, target := range targets(t, out, c) {
			var names []string
			for _, env := range target.Environments {
				names = append(names, env.Name)
			}
			all = append(all, fmt.Sprintf("%s %s %s: %s", target.URL, target.Branch, target.Path, strings.Join(names, " ")))
		}
		return all
	}
	for _, c := range []struct {
		choice publish.Choice
		want   []string
	}{
		{publish.Choice{}, []string{"https://git.soc.example/soc/agents.git main generated: dev", "https://git.soc.example/soc/agents.git release generated: prod"}},
		{publish.Choice{Branch: "all"}, []string{"https://git.soc.example/soc/agents.git all generated: dev prod"}},
		{publish.Choice{URL: "x.git", Path: "p", Environments: []string{"prod"}}, []string{"x.git release p: prod"}},
	} {
		if diff := cmp.Diff(c.want, where(c.choice)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.choice, diff)
		}
	}
	if _, err := publish.Targets(out.Fleet, publish.Choice{Environments: []string{"staging"}}); err == nil || !strings.Contains(err.Error(), "dev, prod") {
		t.Errorf("an unknown environment: %v", err)
	}
}

// TestSomeEnvironments: a branch that holds two is not taken for one of them.
func TestSomeEnvironments(t *testing.T) {
	repo := bare(t)
	out, key := shipped(t)
	to := func(job *publish.Job, c publish.Choice) error {
		c.URL = repo
		for _, target := range targets(t, out, c) {
			if _, err := job.Publish(context.Background(), target); err != nil {
				return err
			}
		}
		return nil
	}
	if err := to(sealing(key, newJob(out)), publish.Choice{}); err != nil {
		t.Fatal(err)
	}
	for branch, want := range map[string]string{"main": "dev", "release": "prod"} {
		got := gitIn(t, repo, "ls-tree", "-d", "--name-only", branch+":generated")
		if strings.TrimSpace(got) != want {
			t.Errorf("%s holds %q, want %s", branch, got, want)
		}
	}
	if err := to(sealing(key, newJob(out)), publish.Choice{Branch: "both"}); err != nil {
		t.Fatal(err)
	}
	err := to(newJob(out), publish.Choice{Branch: "both", Environments: []string{"dev"}})
	if err == nil || !strings.Contains(err.Error(), "holds prod too") {
		t.Errorf("%v, want a refusal to take prod away", err)
	}
}
