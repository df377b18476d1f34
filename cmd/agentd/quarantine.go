package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"agentc/decision/escalation"

	"github.com/spf13/cobra"
)

// quarantining is one call of the command.
type quarantining struct {
	connection
	format, reason, until string
	lift                  bool
	now                   func() time.Time
}

func newQuarantine() *cobra.Command {
	q := quarantining{now: time.Now}
	cmd := &cobra.Command{
		Use:   "quarantine [AGENT --reason WHY [--until TIME] [--lift]]",
		Short: "Keep an agent from everything, at once",
		Long: `quarantine has everything rejected that comes from an agent or goes to it, at once and on every replica and guard, until a time or until somebody
lifts it. It can only narrow what the spec allows. Without an agent it lists the quarantines that are in force.`,
		Example: `  agentd quarantine notify --reason "Posts the same again and again." --until 2h --dev http://127.0.0.1:8444
  agentd quarantine --lift notify --reason "Fixed in 1.3.1." --dev http://127.0.0.1:8444`,
		Args: cobra.MaximumNArgs(1),
		RunE: q.run,
	}
	q.flags(cmd)
	cmd.Flags().StringVar(&q.format, "format", "text", "text or json")
	cmd.Flags().StringVar(&q.reason, "reason", "", "why")
	cmd.Flags().StringVar(&q.until, "until", "", "for how long, as in 2h, or until when, as in 2026-04-30T20:15:00Z; empty: until somebody lifts it")
	cmd.Flags().BoolVar(&q.lift, "lift", false, "end it")
	return cmd
}

func (q *quarantining) run(cmd *cobra.Command, args []string) error {
	until, err := q.end()
	switch {
	case err != nil:
		return err
	case q.format != "text" && q.format != "json":
		return fmt.Errorf("--format is %q; it is text or json", q.format)
	case len(args) == 0 && (q.reason != "" || q.until != "" || q.lift):
		return errors.New("it needs the name of an agent")
	case len(args) == 1 && q.reason == "":
		return errors.New("it needs --reason: whoever looks at it later wants to know why")
	case q.lift && q.until != "":
		return errors.New("--lift ends it now: no --until")
	}
	client, err := q.client()
	if err != nil {
		return err
	}
	var list []escalation.Quarantine
	switch {
	case len(args) == 0:
		list, err = client.Quarantines(cmd.Context())
	case q.lift:
		list, err = client.Lift(cmd.Context(), args[0], q.reason)
	default:
		list, err = client.Quarantine(cmd.Context(), args[0], q.reason, until)
	}
	if err != nil {
		return err
	}
	return q.print(cmd, list)
}

// end of the quarantine; zero: none.
func (q *quarantining) end() (time.Time, error) {
	if q.until == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(q.until); err == nil && d > 0 {
		return q.now().Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, q.until)
	if err != nil {
		return t, fmt.Errorf("--until is %q; it is a time as in 2026-04-30T20:15:00Z, or how long, as in 2h", q.until)
	}
	return t, nil
}

func (q *quarantining) print(cmd *cobra.Command, list []escalation.Quarantine) error {
	if q.format == "json" {
		return writeJSON(cmd.OutOrStdout(), list)
	}
	if len(list) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "No agent is under quarantine.")
		return nil
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "AGENT\tSINCE\tUNTIL\tBY\tREASON")
	for _, held := range list {
		until := "lifted"
		if !held.Until.IsZero() {
			until = held.Until.UTC().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", plain(held.Agent), held.Since.UTC().Format(time.DateTime), until, plain(held.By), plain(held.Reason))
	}
	return w.Flush()
}
