package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"agentc/compiler"
	"agentc/compiler/claims"
	"agentc/compiler/judge"
	"agentc/compiler/lock"
	"agentc/compiler/verify"
	"agentc/schema"

	"github.com/spf13/cobra"
)

func newVerify(o *options) *cobra.Command {
	var program string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that the layers agree, by the engines that will enforce them; writes nothing",
		Long: `verify reads the generated files back and asks Cilium's policy engine, Kyverno's, OPA and the API server's own code whether they
allow exactly what the spec says: nothing wider, nothing narrower, in every environment. What somebody else put among the
manifests is judged with the rest, since Argo CD would apply it.

The engines are in a program of its own, agentc-verify, which stands beside agentc or where --judge says.`,
		Example: "  agentc verify --judge bin/agentc-verify",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return usageError{fmt.Errorf("--timeout %s: that is no time", timeout)}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return o.verify(ctx, cmd, program)
		},
	}
	registerJudge(cmd, &program)
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long the judge may take")
	return cmd
}

func registerJudge(cmd *cobra.Command, program *string) {
	cmd.Flags().StringVar(program, "judge", "", "the judge; default: "+judge.ProgramName+" beside agentc")
}

// verify judges the files on the disk. That they do not follow from the spec is a finding too, and not the only one: what
// an edit allows is told beside it.
func (o *options) verify(ctx context.Context, cmd *cobra.Command, named string) error {
	start := time.Now()
	program, err := o.program(named)
	if err != nil {
		return err
	}
	out, problems, err := o.compile(cmd)
	if err != nil {
		return err
	}
	found, err := o.compare(out)
	if err != nil {
		return err
	}
	asked := claims.Of(out.Fleet)
	files, err := judge.FromFolder(o.outDir(), asked)
	var odd *judge.OddFileError
	switch {
	case errors.As(err, &odd):
		return o.finish(cmd, slices.Concat(problems, found, o.files(schema.Error, []string{odd.Path}, odd.Why)), false)
	case err != nil:
		return err
	}
	answer, err := verify.All(ctx, program, asked, files)
	if err != nil {
		// What is known is told all the same.
		return errors.Join(err, o.print(cmd, schema.SortProblems(slices.Concat(problems, found))))
	}
	found = append(found, o.findings(answer)...)
	if err := o.finish(cmd, slices.Concat(problems, found), len(found) == 0); err != nil {
		return err
	}
	if o.format == "text" {
		printAgreement(cmd.OutOrStdout(), answer, time.Since(start))
	}
	return nil
}

// program finds the judge. A path of the command line is meant from the folder of -C, as every other.
func (o *options) program(named string) (string, error) {
	if named != "" {
		named = o.in(named)
	}
	program, err := judge.Program(named)
	if is[*judge.MissingError](err) {
		err = usageError{err}
	}
	return program, err
}

// layerRule begins the rule of a disagreement: `layer-network`.
const layerRule = "layer-"

// findings are the disagreements as problems at the generated line.
func (o *options) findings(a *judge.Answer) []schema.Problem {
	var problems []schema.Problem
	for _, f := range a.Findings {
		message := f.Message
		if f.Object != "" {
			message = f.Object + " " + message
		}
		problems = append(problems, schema.Problem{
			Position: schema.Position{File: path.Join(filepath.ToSlash(o.out), f.File), Line: f.Line, Column: f.Column},
			Severity: schema.Error, Message: message, Rule: layerRule + f.Layer,
			Spec: schema.Position{File: f.Spec.File, Line: f.Spec.Line, Column: f.Spec.Column},
		})
	}
	return problems
}

// printAgreement is the table of what was tried: a row for each kind of question, a column for each environment.
func printAgreement(w io.Writer, a *judge.Answer, took time.Duration) {
	var names []string
	kinds := map[string]bool{}
	for _, env := range a.Environments {
		names = append(names, env.Name)
		for kind := range env.Counts {
			kinds[kind] = true
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\t%s\t\n", strings.Join(names, "\t"))
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(table, "%s\t", kind)
		for _, env := range a.Environments {
			fmt.Fprintf(table, "%d\t", env.Counts[kind])
		}
		fmt.Fprintln(table)
	}
	table.Flush()
	fmt.Fprintf(w, "all layers say what the spec says; asked were %s; %.1f s\n", strings.Join(a.Engines, ", "), took.Seconds())
}

// verified asks the judge about what was compiled, before it is published: these very bytes. It returns what the commit says of it.
func (o *options) verified(ctx context.Context, out *compiler.Output, named string) (string, []schema.Problem, error) {
	program, err := o.program(named)
	if is[usageError](err) {
		err = usageError{fmt.Errorf("%w; --unverified asks no judge, and says so", err)}
	}
	if err != nil {
		return "", nil, err
	}
	asked := claims.Of(out.Fleet)
	answer, err := verify.All(ctx, program, asked, judge.FromTree(out.Tree, asked))
	if err != nil {
		return "", nil, err
	}
	if problems := o.findings(answer); len(problems) > 0 {
		return "", problems, errSpec
	}
	data, err := out.Lock.Bytes()
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("sha256:%s by %s (%s)", lock.Digest(data), judge.ProgramName, strings.Join(answer.Engines, ", ")), nil, nil
}
