package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"agentc/compiler"
	"agentc/compiler/emit"
	"agentc/compiler/model"
	"agentc/forest/events"
	"agentc/forest/policy"
	"agentc/forest/simulate"

	"github.com/spf13/cobra"
)

// simulation is what is asked for.
type simulation struct {
	*options
	env, intake     string
	current, labels string
	price           float64
	as              string
}

func newForestSimulate(all *options) *cobra.Command {
	o := simulation{options: all}
	files := &eventFiles{source: events.SourceFalco}
	cmd := &cobra.Command{
		Use:   "simulate --events FILE...",
		Short: "Replay events against the policy in force and the one that is proposed",
		Long: `simulate compiles the spec, writes nothing, and replays recorded events, oldest first, against what it says and against the bundle that is in force:
how many events a day would be passed on to the agent, what they would cost, which incidents that analysts labelled would be caught or lost, and which events
would change sides, and why. Floors, classes, overrides, budgets and the reviewers' Rego are at work on both sides, at the time that an event says.`,
		Example: `  agentc forest simulate --env prod --events week.jsonl.gz --labels policies/soc/labels.jsonl --price 0.02
  agentc forest simulate --env prod --events week.jsonl.gz --current ../main/generated/prod/bundle --format markdown`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"text", "markdown", "json"}, o.as) {
				return usageError{fmt.Errorf("--format is %q; it is text, markdown or json", o.as)}
			}
			if len(files.files) == 0 {
				return usageError{errors.New("agentc forest simulate needs --events")}
			}
			files.cmd = cmd
			r, err := o.run(cmd, files)
			if err != nil {
				return err
			}
			switch o.as {
			case "markdown":
				return r.Markdown(cmd.OutOrStdout())
			case "json":
				return r.JSON(cmd.OutOrStdout())
			}
			return r.Text(cmd.OutOrStdout())
		},
	}
	eventFlags(cmd, files)
	cmd.Flags().StringVar(&o.env, "env", "", "environment; needed where there are several")
	cmd.Flags().StringVar(&o.intake, "intake", "", "by which the events come; needed where there are several")
	cmd.Flags().StringVar(&o.current, "current", "", "folder of the bundle in force, unpacked (default generated/<env>/bundle)")
	cmd.Flags().StringVar(&o.labels, "labels", "", "what analysts said of events, a JSON object a line")
	cmd.Flags().Float64Var(&o.price, "price", 0, "of an event that is passed on")
	cmd.Flags().StringVar(&o.as, "format", "text", "text, markdown or json")
	return cmd
}

func (o *simulation) run(cmd *cobra.Command, files *eventFiles) (*simulate.Report, error) {
	out, problems, err := o.compile(cmd)
	if err != nil {
		return nil, err
	}
	if err := o.print(cmd, problems); err != nil {
		return nil, err
	}
	env, intake, err := o.find(out.Fleet)
	if err != nil {
		return nil, err
	}
	labels, _, err := readLabels(o.labels, events.SourceFalco)
	if err != nil {
		return nil, err
	}
	now, then, err := o.sides(cmd.Context(), out, env, intake.To.Name)
	if err != nil {
		return nil, err
	}
	replay := simulate.New(intake.Name, intake.To.Name, now, then, labels)
	err = files.each(func(e *events.Event) error { return replay.Event(cmd.Context(), e) })
	if err != nil {
		return nil, err
	}
	r, err := replay.Report(cmd.Context(), o.price)
	if err == nil {
		r.Environment = env.Name
	}
	return r, err
}

// find the environment and the intake that are meant.
func (o *simulation) find(fleet *model.Fleet) (*model.Environment, *model.Intake, error) {
	env, err := one("environment", o.env, fleet.Environments, func(e *model.Environment) string { return e.Name })
	if err != nil {
		return nil, nil, err
	}
	intake, err := one("intake", o.intake, env.Intakes, func(x *model.Intake) string { return x.Name })
	return env, intake, err
}

// one of several by its name, or the only one.
func one[T any](what, name string, of []T, nameOf func(T) string) (T, error) {
	var none T
	var names []string
	for _, v := range of {
		if nameOf(v) == name || name == "" && len(of) == 1 {
			return v, nil
		}
		names = append(names, nameOf(v))
	}
	switch {
	case len(of) == 0:
		return none, inputError{fmt.Errorf("the fleet has no %s", what)}
	case name == "":
		return none, usageError{fmt.Errorf("which %s? there are %s", what, strings.Join(names, ", "))}
	}
	return none, usageError{fmt.Errorf("there is no %s %q; there are %s", what, name, strings.Join(names, ", "))}
}

// sides are the bundle in force and the one that the spec makes.
func (o *simulation) sides(ctx context.Context, out *compiler.Output, env *model.Environment, agent string) (now, then simulate.Side, err error) {
	folder := o.current
	if folder == "" {
		folder = path.Join(o.out, strings.TrimSuffix(emit.BundleFolder(env), "/"))
	}
	files, err := policy.Read(os.DirFS(o.in(folder)))
	if err != nil {
		return now, then, inputError{fmt.Errorf("the bundle in force: %w", err)}
	}
	if now, err = side(ctx, folder, files, agent); err != nil {
		return now, then, inputError{err}
	}
	proposed := map[string][]byte{}
	for _, name := range out.Tree.Paths() {
		if inner, is := strings.CutPrefix(name, emit.BundleFolder(env)); is {
			proposed[inner], _ = out.Tree.File(name)
		}
	}
	then, err = side(ctx, "the spec", proposed, agent)
	return now, then, err
}

func side(ctx context.Context, name string, files map[string][]byte, agent string) (simulate.Side, error) {
	p, err := policy.Load(ctx, files)
	if err != nil {
		return simulate.Side{}, fmt.Errorf("%s: %w", name, err)
	}
	m, err := p.Forest(agent)
	if err != nil {
		return simulate.Side{}, fmt.Errorf("%s: %w", name, err)
	}
	return simulate.Side{Name: name, Policy: p, Model: m}, nil
}
