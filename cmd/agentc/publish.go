package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"agentc/compiler"
	"agentc/compiler/git"
	"agentc/compiler/publish"
	"agentc/compiler/seal"
	"agentc/schema"

	"github.com/spf13/cobra"
)

// publishFlags are what a person says about one publication.
type publishFlags struct {
	choice                                   publish.Choice
	sealKeys                                 []string
	sealLife, timeout                        time.Duration
	commitKey, author, supersede             string
	unverified, discard, pullRequest, dryRun bool
}

func newPublish(o *options) *cobra.Command {
	f := &publishFlags{}
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Commit what follows from the spec, sealed and signed, to the branches that Argo CD reads",
		Long: `publish compiles the spec, seals the bundles, and makes each branch hold exactly what follows: one commit, pushed only if
something changed. Nothing is written to this folder. Where to is said in the Platform (git.repository and each environment's
revision) or by --to and --branch.

Files of other people are left alone and named; a published file that somebody edited stops the run, as does a branch that
was published from a newer spec. When somebody else pushes first, publish starts over.`,
		Example: `  agentc publish --seal-key publisher.pem --commit-key ~/.ssh/publisher --unverified
  agentc publish --env prod --pull-request --unverified
  agentc publish --to ../deploy.git --branch release --dry-run`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return o.publish(ctx, cmd, f)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *publishFlags) register(cmd *cobra.Command) {
	v := cmd.Flags()
	v.StringVar(&f.choice.URL, "to", "", "repository: a URL (https, http, ssh) or a path; default: the Platform's")
	v.StringVar(&f.choice.Branch, "branch", "", "branch; default: each environment's revision")
	v.StringVar(&f.choice.Path, "path", "", "folder in the repository; default: the Platform's git.path")
	v.StringSliceVar(&f.choice.Environments, "env", nil, "only this environment; may be repeated")
	v.StringArrayVar(&f.sealKeys, "seal-key", nil, "private key that seals bundles: FILE, env:NAME or exec:PROGRAM; may be repeated; default: env:AGENTC_SEAL_KEY if that is set")
	v.DurationVar(&f.sealLife, "seal-life", 90*24*time.Hour, "how long a new seal holds; it is renewed when a third of that is over")
	v.StringVar(&f.commitKey, "commit-key", "", "private key that signs commits, SSH or OpenPGP: FILE or env:NAME; default: env:AGENTC_COMMIT_KEY if that is set, else commits are unsigned")
	v.StringVar(&f.author, "author", "", "author of the commit: \"Name <email>\"; default: GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL, else Git's configuration")
	v.BoolVar(&f.unverified, "unverified", false, "publish what no judge has verified; the commit says so")
	v.BoolVar(&f.discard, "discard-edits", false, "overwrite published files that were edited by hand")
	v.StringVar(&f.supersede, "supersede", "", "commit of the spec that may be replaced on the branch although our history does not hold it")
	v.BoolVar(&f.pullRequest, "pull-request", false, "push to the branch agentc/<fleet>/<branch>, and print where to open a pull request")
	v.BoolVar(&f.dryRun, "dry-run", false, "show the commit as it would be, and push nothing")
	v.DurationVar(&f.timeout, "timeout", 5*time.Minute, "how long one exchange with a remote may take")
}

// publish is the whole command, in order.
func (o *options) publish(ctx context.Context, cmd *cobra.Command, f *publishFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	out, problems, err := o.compile(cmd)
	if err != nil {
		return err
	}
	if err := o.print(cmd, problems); err != nil {
		return err
	}
	source, err := git.OpenSource(o.dir)
	if err != nil {
		return err
	}
	if err := o.committed(cmd, source); err != nil {
		return err
	}
	job, err := f.job(cmd.ErrOrStderr(), out, source)
	if err != nil {
		return err
	}
	targets, err := publish.Targets(out.Fleet, f.choice)
	if err != nil {
		return err
	}
	if err := mayBeSynced(out.Fleet.Git.SignatureKeys, job.Signer); err != nil {
		return err
	}
	return o.publishAll(ctx, cmd, job, targets)
}

func (f *publishFlags) check() error {
	if !f.unverified {
		return usageError{errors.New("nothing here can verify the layers yet, and publishing what nobody verified must be said aloud: --unverified")}
	}
	if f.sealLife < time.Hour {
		return usageError{fmt.Errorf("--seal-life %s: a seal holds an hour at least", f.sealLife)}
	}
	if f.timeout <= 0 {
		return usageError{fmt.Errorf("--timeout %s: that is no time", f.timeout)}
	}
	return checkPath(f.choice)
}

// committed refuses a spec that differs from its commit: the commit that is published names the commit that it came from.
func (o *options) committed(cmd *cobra.Command, source *git.Source) error {
	differ, err := source.Uncommitted(o.spec, o.policies)
	if err != nil || len(differ) == 0 {
		return err
	}
	var problems []schema.Problem
	for _, file := range differ {
		at := schema.Position{File: file, Line: 1, Column: 1}
		problems = append(problems, schema.Problem{Position: at, Severity: schema.Error, Message: "is not as it was committed; what is published names a commit, so commit it first", Rule: "uncommitted"})
	}
	return o.finish(cmd, problems, false)
}

// publishAll brings one branch after the other up to date. A branch that fails does not keep the others from being tried:
// each is a commit of its own.
func (o *options) publishAll(ctx context.Context, cmd *cobra.Command, job *publish.Job, targets []publish.Target) error {
	w, notes := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if job.Verified == "" && !job.DryRun {
		fmt.Fprintln(notes, "agentc: UNVERIFIED: no judge has said that the layers agree; the commit says so too")
	}
	var failed error
	for _, t := range targets {
		if elsewhere := t.Elsewhere(job.Out.Fleet); elsewhere != "" {
			fmt.Fprintln(notes, "agentc: note:", elsewhere)
		}
		result, err := job.Publish(ctx, t)
		var edited *publish.EditedError
		switch {
		case errors.As(err, &edited):
			err = o.finish(cmd, branchFiles(t, edited.Files, schema.Error, "was edited by hand, or is in the way of ours; change the spec instead, and overwrite it with --discard-edits"), false)
		case err == nil:
			err = o.print(cmd, branchFiles(t, result.Strangers, schema.Warning, "is not ours and was left alone; Argo CD applies what lies among the manifests"))
			printResult(w, job, result)
		}
		failed = worse(failed, err)
		if err != nil && len(targets) > 1 {
			fmt.Fprintf(notes, "agentc: %s %s: %v\n", t.URL, t.Branch, err)
		}
	}
	return failed
}

// worse of two errors is the one that is not the user's.
func worse(a, b error) error {
	if a == nil || exitCode(b) > exitCode(a) {
		return b
	}
	return a
}

// branchFiles makes a problem of each file on a branch.
func branchFiles(t publish.Target, files []string, severity schema.Severity, message string) []schema.Problem {
	var problems []schema.Problem
	for _, file := range files {
		at := schema.Position{File: file, Line: 1, Column: 1}
		problems = append(problems, schema.Problem{Position: at, Severity: severity, Message: "on " + t.Branch + ": " + message, Rule: "drift"})
	}
	return problems
}

// printResult tells a person what became of one branch.
func printResult(w io.Writer, job *publish.Job, r *publish.Result) {
	where := r.Target.URL + " " + r.Branch
	switch {
	case r.Message == "":
		fmt.Fprintf(w, "%s: nothing to publish\n", where)
	case job.DryRun:
		fmt.Fprintf(w, "%s: would be\n\n%s\n", where, r.Message)
		for _, c := range r.Changes {
			fmt.Fprintf(w, "%c %s\n", c.Op, c.Path)
		}
	default:
		fmt.Fprintf(w, "%s: %.12s, %s\n", where, r.New, publish.Summary(r.Changes))
		printSealed(w, r.Sealed)
	}
	if r.Open != "" {
		fmt.Fprintf(w, "open a pull request: %s\n", r.Open)
	}
}

// printSealed names what was sealed now, and of a long list only the beginning.
func printSealed(w io.Writer, sealed []string) {
	const shown = 6
	for _, s := range sealed[:min(shown, len(sealed))] {
		fmt.Fprintf(w, "  sealed %s\n", s)
	}
	if more := len(sealed) - shown; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}

// job gathers what the flags and the machine say.
func (f *publishFlags) job(notes io.Writer, out *compiler.Output, source *git.Source) (*publish.Job, error) {
	spec, err := source.Head()
	if err != nil {
		return nil, err
	}
	keys, err := loadSealKeys(f.sealKeys)
	if err != nil {
		return nil, err
	}
	signer, err := loadCommitKey(f.commitKey)
	if err != nil {
		return nil, err
	}
	author, committer, err := people(f.author, source)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	return &publish.Job{
		Out: out, Spec: spec, Includes: source.Includes,
		Seal:   seal.Options{Keys: keys, Now: now, Life: f.sealLife},
		Signer: signer, Author: author, Committer: committer, Now: now,
		Discard: f.discard, Supersede: f.supersede, PullRequest: f.pullRequest, DryRun: f.dryRun,
		Remote: git.Options{Timeout: f.timeout, Progress: remoteWords(notes)},
		Report: progress(notes),
	}, nil
}
