package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"agentc/compiler"
	"agentc/compiler/git"
	"agentc/compiler/publish"
	"agentc/compiler/seal"
	"agentc/schema"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// publishFlags are what a person says about one publication.
type publishFlags struct {
	choice                                   publish.Choice
	sealKeys                                 []string
	sealLife, timeout                        time.Duration
	minSequence                              int64
	commitKey, author, supersede, judge      string
	unverified, discard, pullRequest, dryRun bool
}

func newPublish(o *options) *cobra.Command {
	f := &publishFlags{}
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Commit what follows from the spec, sealed and signed, to the branches that Argo CD reads",
		Long: `publish compiles the spec, seals the bundles, and makes each branch hold exactly what follows: one commit, pushed only if
something changed, and only if the judge says of these very files that the layers agree. Nothing is written to this folder. Where to is said in the Platform (git.repository and each environment's
revision) or by --to and --branch.

Files of other people are left alone and named; a published file that somebody edited stops the run, as does a branch that
was published from a newer spec. When somebody else pushes first, publish starts over.`,
		Example: `  agentc publish --seal-key publisher.pem --commit-key ~/.ssh/publisher
  agentc publish --env prod --pull-request
  agentc publish --to ../deploy.git --branch release --dry-run`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop) // sealing asks nobody whether to go on: a second signal ends it
			return o.publish(ctx, cmd, f)
		},
	}
	f.register(cmd)
	registerJudge(cmd, &f.judge)
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
	v.Int64Var(&f.minSequence, "min-sequence", 0, "number new seals from here at least: for a branch that does not know what was sealed elsewhere")
	v.StringVar(&f.commitKey, "commit-key", "", "private key that signs commits, SSH or OpenPGP: FILE or env:NAME; default: env:AGENTC_COMMIT_KEY if that is set, else commits are unsigned")
	v.StringVar(&f.author, "author", "", "author of the commit: \"Name <email>\"; default: GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL, else Git's configuration")
	v.BoolVar(&f.unverified, "unverified", false, "ask no judge, and publish what nobody has verified; the commit says so")
	v.BoolVar(&f.discard, "discard-edits", false, "overwrite published files that were edited by hand")
	v.StringVar(&f.supersede, "supersede", "", "commit of the spec that may be replaced on the branch although our history does not hold it")
	v.BoolVar(&f.pullRequest, "pull-request", false, "push to a branch of its own, agentc/<fleet>/<environments>/<branch>, and say where to open a pull request")
	v.BoolVar(&f.dryRun, "dry-run", false, "show the commit as it would be, and push nothing")
	v.DurationVar(&f.timeout, "timeout", 5*time.Minute, "how long one exchange with a remote may take")
}

// publish is the whole command. Problems are printed once, when all are known: a program may read them from stdout.
func (o *options) publish(ctx context.Context, cmd *cobra.Command, f *publishFlags) error {
	if err := f.check(cmd.Flags()); err != nil {
		return err
	}
	out, problems, err := o.compile(cmd)
	if err != nil {
		return err
	}
	found, err := o.deliver(ctx, cmd, f, out)
	if printed := o.print(cmd, schema.SortProblems(append(problems, found...))); printed != nil {
		return printed
	}
	return err
}

// deliver is everything after the compiler, in order.
func (o *options) deliver(ctx context.Context, cmd *cobra.Command, f *publishFlags, out *compiler.Output) ([]schema.Problem, error) {
	source, err := git.OpenSource(o.dir)
	if err != nil {
		return nil, err
	}
	spec, err := source.Head()
	if err != nil {
		return nil, err
	}
	if problems, err := o.committed(source, spec, out.Fleet.Written.Inputs); err != nil {
		return problems, err
	}
	job, err := o.job(f, cmd.ErrOrStderr(), out, source, spec)
	if err != nil {
		return nil, err
	}
	if !f.unverified {
		var problems []schema.Problem
		if job.Verified, problems, err = o.verified(ctx, out, f.judge); err != nil {
			return problems, err
		}
	}
	choice := f.choice
	choice.URL = o.remote(choice.URL)
	targets, err := publish.Targets(out.Fleet, choice)
	if err != nil {
		return nil, usageError{err}
	}
	if err := mayBeSynced(out.Fleet.Git.SignatureKeys, job.Signer); err != nil {
		return nil, err
	}
	return o.publishAll(ctx, cmd, job, targets)
}

func (f *publishFlags) check(given *pflag.FlagSet) error {
	for _, name := range []string{"to", "branch", "path", "env"} {
		if given.Changed(name) && strings.Trim(given.Lookup(name).Value.String(), "[]") == "" {
			return usageError{fmt.Errorf("--%s is empty: leave it out, or say where to", name)}
		}
	}
	if f.unverified && f.judge != "" {
		return usageError{errors.New("--unverified asks no judge, and --judge names one: leave one of them out")}
	}
	if f.sealLife < time.Hour {
		return usageError{fmt.Errorf("--seal-life %s: a seal holds an hour at least", f.sealLife)}
	}
	if f.sealLife > seal.MaxLife {
		return usageError{fmt.Errorf("--seal-life %s: five years at most (%s)", f.sealLife, seal.MaxLife)}
	}
	if f.minSequence < 0 || f.minSequence > seal.MaxSequence {
		return usageError{fmt.Errorf("--min-sequence %d: from 0 to %d", f.minSequence, seal.MaxSequence)}
	}
	if f.timeout <= 0 {
		return usageError{fmt.Errorf("--timeout %s: that is no time", f.timeout)}
	}
	return checkPath(f.choice)
}

// committed refuses a spec that differs from its commit: the commit that is published names the commit that it came from.
// So does one that changed back after it was compiled.
func (o *options) committed(source *git.Source, spec *git.SpecCommit, inputs []schema.Input) ([]schema.Problem, error) {
	differ, err := source.Uncommitted(spec, o.spec, o.policies)
	if err == nil && len(differ) == 0 {
		compiled := make(map[string]string, len(inputs))
		for _, in := range inputs {
			compiled[in.File] = in.SHA256
		}
		differ, err = source.Made(spec, compiled)
	}
	if err != nil || len(differ) == 0 {
		return nil, err
	}
	var problems []schema.Problem
	for _, file := range differ {
		at := schema.Position{File: file, Line: 1, Column: 1}
		problems = append(problems, schema.Problem{Position: at, Severity: schema.Error, Message: "is not as it was committed; what is published names a commit, so commit it first", Rule: "uncommitted"})
	}
	return problems, errSpec
}

// publishAll brings one branch after the other up to date. A branch that fails does not keep the others from being tried:
// each is a commit of its own.
func (o *options) publishAll(ctx context.Context, cmd *cobra.Command, job *publish.Job, targets []publish.Target) (found []schema.Problem, failed error) {
	w, notes := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if o.format == "json" || o.format == "sarif" {
		w = notes // stdout is the program's that reads the problems
	}
	if job.Verified == "" && !job.DryRun {
		fmt.Fprintln(notes, "agentc: UNVERIFIED: no judge has said that the layers agree; the commit says so too")
	}
	for _, t := range targets {
		if elsewhere := t.Elsewhere(job.Out.Fleet); elsewhere != "" {
			fmt.Fprintln(notes, "agentc: note:", elsewhere)
		}
		result, err := job.Publish(ctx, t)
		var edited *publish.EditedError
		switch {
		case errors.As(err, &edited):
			found = append(found, branchFiles(t, edited.Files, schema.Error, "was edited by hand, or is in the way of ours; change the spec instead, and overwrite it with --discard-edits")...)
			err = errSpec
		case err != nil && len(targets) > 1:
			err = fmt.Errorf("%s %s: %w", git.Shown(t.URL), t.Branch, err)
		case err == nil:
			found = append(found, branchFiles(t, result.Strangers, schema.Warning, "is not ours and was left alone; what lies among the manifests is applied by Argo CD")...)
			printResult(w, job, result)
			for _, env := range result.Unsealed {
				fmt.Fprintf(notes, "agentc: note: %s lists no bundle.keys in the Platform, and was not sealed\n", env)
			}
		}
		var other error
		if failed, other = worse(failed, err); other != nil && !errors.Is(other, errSpec) {
			fmt.Fprintln(notes, "agentc:", other)
		}
	}
	return found, failed
}

// worse of two errors is the one that is not the user's; the other is still to be told.
func worse(a, b error) (worst, other error) {
	if a == nil || exitCode(b) > exitCode(a) {
		return b, a
	}
	return a, b
}

// branchFiles makes a problem of each file on a branch.
func branchFiles(t publish.Target, files []string, severity schema.Severity, message string) []schema.Problem {
	var problems []schema.Problem
	for _, file := range files {
		at := schema.Position{File: git.Printable(file), Line: 1, Column: 1}
		problems = append(problems, schema.Problem{Position: at, Severity: severity, Message: "on " + t.Branch + ": " + message, Rule: "drift"})
	}
	return problems
}

// printResult tells a person what became of one branch.
func printResult(w io.Writer, job *publish.Job, r *publish.Result) {
	where := r.Remote + " " + r.Branch
	signed := "not signed"
	if r.Signed {
		signed = "signed"
	}
	switch {
	case r.Message == "":
		fmt.Fprintf(w, "%s: nothing to publish\n", where)
	case job.DryRun:
		fmt.Fprintf(w, "%s: would be\n\n%s\n", where, r.Message)
		for _, c := range r.Changes {
			fmt.Fprintf(w, "%c %s\n", c.Op, git.Printable(c.Path))
		}
	default:
		fmt.Fprintf(w, "%s: %.12s, %s, %s\n", where, r.New, publish.Summary(r.Changes), signed)
		printSealed(w, r.Sealed)
	}
	if r.Branch != r.Target.Branch {
		fmt.Fprintln(w, strings.TrimSpace(fmt.Sprintf("open a pull request from %s into %s: %s", r.Branch, r.Target.Branch, r.Open)))
	}
}

// printSealed names the bundles that were sealed now, and of a long list of Agent Cards only the beginning.
func printSealed(w io.Writer, sealed []string) {
	const shown = 6
	cards := 0
	for _, s := range sealed {
		if strings.Contains(s, " card ") {
			if cards++; cards > shown {
				continue
			}
		}
		fmt.Fprintf(w, "  sealed %s\n", s)
	}
	if cards > shown {
		fmt.Fprintf(w, "  and %d more cards\n", cards-shown)
	}
}

// job gathers what the flags and the machine say.
func (o *options) job(f *publishFlags, notes io.Writer, out *compiler.Output, source *git.Source, spec *git.SpecCommit) (*publish.Job, error) {
	keys, err := o.loadSealKeys(f.sealKeys)
	if err != nil {
		return nil, err
	}
	signer, err := o.loadCommitKey(f.commitKey)
	if err != nil {
		return nil, err
	}
	author, committer, err := people(f.author, source)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	return &publish.Job{
		Out: out, Spec: spec,
		Includes: func(c plumbing.Hash) (bool, bool, error) { return source.Includes(spec, c) },
		Seal:     seal.Options{Keys: keys, Now: now, Life: f.sealLife, MinSequence: f.minSequence},
		Signer:   signer, Author: author, Committer: committer, Now: now,
		Discard: f.discard, Supersede: f.supersede, PullRequest: f.pullRequest, DryRun: f.dryRun,
		Remote: git.Options{Timeout: f.timeout, Progress: remoteWords(notes)},
		Report: progress(notes),
	}, nil
}
