package publish_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"agentc/compiler"
	"agentc/compiler/disk"
	"agentc/compiler/fleettest"
	"agentc/compiler/publish"
)

// BenchmarkPublish publishes a fleet to a bare repository, and lets git commit the same files in a worktree: in turns, by
// processor time, of the processes that either starts too. Ours includes reading the branch, the push, and what git does on
// the remote's side with the pack; git's is `git add -A && git commit` alone, its files lying there already.
// `make bench-publish` runs it.
func BenchmarkPublish(b *testing.B) {
	for _, agents := range []int{500, 5000} { // two files each, and some
		first, changed := fleetOf(b, agents, 0), fleetOf(b, agents, agents/100)
		b.Run(fmt.Sprintf("%d-files", len(first.Tree.Paths())), func(b *testing.B) {
			var spent [4]time.Duration
			for b.Loop() {
				b.StopTimer()
				remote, worktree := bare(b), filepath.Join(b.TempDir(), "worktree")
				gitIn(b, ".", "init", "-q", worktree)
				gitIn(b, worktree, "config", "gc.auto", "0") // a second process would go on after the last measurement
				b.StartTimer()
				for i, out := range []*compiler.Output{first, changed} {
					b.StopTimer()
					if _, err := disk.Write(filepath.Join(worktree, "generated"), out.Tree, out.Lock, false); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					spent[2*i] += cpu(b, func() { publishTo(b, out, remote) })
					spent[2*i+1] += cpu(b, func() {
						gitIn(b, worktree, "add", "-A")
						gitIn(b, worktree, "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "all")
					})
				}
			}
			for i, name := range []string{"first", "git-first", "1%", "git-1%"} {
				b.ReportMetric(spent[i].Seconds()/float64(b.N), name+"-cpu-s")
			}
			b.ReportMetric(float64(spent[0])/float64(spent[1]), "first/git")
			b.ReportMetric(float64(spent[2])/float64(spent[0]), "1%/first")
		})
	}
}

// BenchmarkUnchanged publishes a fleet of which one agent in a hundred changed, again and again, for a profile.
func BenchmarkOnePercent(b *testing.B) {
	first, changed, remote := fleetOf(b, 1000, 0), fleetOf(b, 1000, 10), bare(b)
	publishTo(b, first, remote)
	for b.Loop() {
		job := newJob(changed)
		job.DryRun = true
		if _, err := job.Publish(context.Background(), targets(b, changed, publish.Choice{URL: remote})[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func fleetOf(tb testing.TB, agents, edited int) *compiler.Output {
	tb.Helper()
	out, problems, err := compiler.Compile(false, fleettest.Fleet(agents, edited)...)
	if err != nil || out == nil {
		tb.Fatal(err, problems)
	}
	return out
}

func publishTo(tb testing.TB, out *compiler.Output, url string) {
	tb.Helper()
	job := newJob(out)
	if _, err := job.Publish(context.Background(), targets(tb, out, publish.Choice{URL: url})[0]); err != nil {
		tb.Fatal(err)
	}
}

// cpu is the processor time, user and system, that this process and its children spend on something.
func cpu(tb testing.TB, do func()) time.Duration {
	tb.Helper()
	before := used(tb)
	do()
	return used(tb) - before
}

func used(tb testing.TB) time.Duration {
	tb.Helper()
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		if err := syscall.Getrusage(who, &r); err != nil {
			tb.Fatal(err)
		}
		sum += time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return sum
}

// gitIn runs git in a folder, with no configuration but the repository's own.
func gitIn(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	c := exec.Command("git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := c.CombinedOutput()
	if err != nil {
		tb.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// bare is an empty repository to publish to.
func bare(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "remote.git")
	gitIn(tb, ".", "init", "-q", "--bare", "-b", "main", dir)
	return dir
}
