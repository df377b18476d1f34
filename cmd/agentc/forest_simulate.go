package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"agentc/compiler"
	"agentc/decision/bundle"
	"agentc/decision/engine"
	"agentc/forest/events"
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
			if !(o.price >= 0 && o.price <= math.MaxFloat32) {
				return usageError{fmt.Errorf("--price is %v; it is 0 or more", o.price)}
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
	cmd.Flags().StringVar(&o.current, "current", "", "folder of the unpacked bundle in force (default generated/<env>/bundle of the fleet)")
	cmd.Flags().StringVar(&o.labels, "labels", "", "what analysts said of events, a JSON object a line")
	cmd.Flags().Float64Var(&o.price, "price", 0, "of an event that is passed on, in any currency")
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
	labels, _, err := readLabels(o.labels, events.SourceFalco)
	if err != nil {
		return nil, err
	}
	replay, err := o.replay(cmd.Context(), out, labels)
	if err != nil {
		return nil, err
	}
	err = files.each(func(e *events.Event) error { return replay.Event(cmd.Context(), e) })
	if err != nil {
		return nil, err
	}
	return replay.Report(cmd.Context(), o.price)
}

// replay finds the environment and the intake that are meant, the bundle in force and the one that the spec makes.
func (o *simulation) replay(ctx context.Context, out *compiler.Output, labels []events.Label) (*simulate.Replay, error) {
	var names []string
	for _, env := range out.Fleet.Environments {
		names = append(names, env.Name)
	}
	i, err := which("environment", o.env, names)
	if err != nil {
		return nil, err
	}
	env := out.Fleet.Environments[i]
	names = nil
	for _, x := range env.Intakes {
		names = append(names, x.Name)
	}
	if i, err = which("intake", o.intake, names); err != nil {
		return nil, err
	}
	intake := env.Intakes[i]
	folder, proposed := out.Bundle(env)
	if o.current == "" {
		o.current = o.in(path.Join(o.out, folder))
	}
	inForce, err := bundle.Open(o.current)
	if err != nil {
		return nil, inputError{fmt.Errorf("there is no bundle in %s (%w): compile what is in force, or name its folder with --current, as in generated/%s/bundle", o.current, err, env.Name)}
	}
	now, err := side(ctx, o.current, inForce, intake.To.Name)
	if err != nil {
		return nil, inputError{err}
	}
	made, err := bundle.Of(proposed)
	if err != nil {
		return nil, err
	}
	then, err := side(ctx, "the spec", made, intake.To.Name)
	return simulate.New(simulate.Of{Environment: env.Name, Source: intake.Name, Agent: intake.To.Name}, now, then, labels), err
}

// which of several is meant: that of the name, or the only one.
func which(what, name string, names []string) (int, error) {
	switch i := slices.Index(names, name); {
	case i >= 0:
		return i, nil
	case len(names) == 0:
		return 0, inputError{fmt.Errorf("the fleet has no %s", what)}
	case name == "" && len(names) == 1:
		return 0, nil
	case name == "":
		return 0, usageError{fmt.Errorf("which %s? there are %s", what, strings.Join(names, ", "))}
	}
	return 0, usageError{fmt.Errorf("there is no %s %q; there are %s", what, name, strings.Join(names, ", "))}
}

func side(ctx context.Context, name string, b *bundle.Bundle, agent string) (simulate.Side, error) {
	e, err := engine.New(ctx, b, engine.Options{})
	if err != nil {
		return simulate.Side{}, fmt.Errorf("%s: %w", name, err)
	}
	m, err := e.Forest(agent)
	if err != nil {
		return simulate.Side{}, fmt.Errorf("%s: %w", name, err)
	}
	return simulate.Side{Name: name, Policy: e, Model: m}, nil
}
