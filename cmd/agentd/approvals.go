package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"agentc/decision/approvals"
	"agentc/decision/escalation"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// answering is what the commands have in common that answer escalations.
type answering struct {
	connection
	format      string
	yes         bool
	reason      string
	states      []string
	interactive func(io.Reader) bool // whether a person reads and types
	now         func() time.Time
}

func newApprovals() *cobra.Command {
	a := answering{interactive: terminal, now: time.Now}
	cmd := &cobra.Command{
		Use:   "approvals",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "See which actions wait for a human, and decide",
		Long: `approvals shows the actions that wait for a human, and answers them as the person whose certificate is given. What nobody approves in time is
rejected. An approval holds for exactly the action that is shown, once.`,
		Example: "  agentd approvals list --dev http://127.0.0.1:8444",
	}
	a.flags(cmd)
	cmd.PersistentFlags().StringVar(&a.format, "format", "text", "text or json")
	list := a.command("list", "List the actions that wait, or those in other states", cobra.NoArgs, a.list)
	list.Flags().StringSliceVar(&a.states, "state", []string{"pending"}, "pending, approved, consumed, rejected, expired, cancelled; all for any")
	approve := a.command("approve ID", "Let an action happen, once", cobra.ExactArgs(1), a.approve)
	approve.Flags().BoolVar(&a.yes, "yes", false, "do not ask; needed where nobody can answer")
	approve.Flags().StringVar(&a.reason, "reason", "", "why")
	reject := a.command("reject ID --reason WHY", "Reject an action", cobra.ExactArgs(1), a.reject)
	cancel := a.command("cancel ID --reason WHY", "Withdraw an action that is pending or approved", cobra.ExactArgs(1), a.cancel)
	for _, c := range []*cobra.Command{reject, cancel} {
		c.Flags().StringVar(&a.reason, "reason", "", "why")
		c.MarkFlagRequired("reason")
	}
	cmd.AddCommand(list, a.command("show ID", "Show one with everything that a decision needs", cobra.ExactArgs(1), a.show), approve, reject, cancel)
	return cmd
}

// terminal says whether somebody sits there.
func terminal(in io.Reader) bool {
	f, is := in.(*os.File)
	return is && term.IsTerminal(int(f.Fd()))
}

func (a *answering) command(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, *approvals.Client, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		if a.format != "text" && a.format != "json" {
			return fmt.Errorf("--format is %q; it is text or json", a.format)
		}
		client, err := a.client()
		if err != nil {
			return err
		}
		return run(cmd, client, args)
	}}
}

func (a *answering) list(cmd *cobra.Command, client *approvals.Client, _ []string) error {
	f := escalation.Filter{}
	for _, s := range a.states {
		if s != "all" {
			f.States = append(f.States, escalation.State(s))
		}
	}
	list, err := client.List(cmd.Context(), f)
	if err != nil {
		return err
	}
	if a.format == "json" {
		return writeJSON(cmd.OutOrStdout(), list)
	}
	if len(list.Escalations) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "Nothing waits for a decision.")
		return nil
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tRISK\tASKED BY\tOF\tSKILL\tAPPROVALS\tLEFT")
	for _, e := range list.Escalations {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d/%d\t%s\n", e.ID, e.State, plain(e.Risk), plain(e.Caller[strings.LastIndexByte(e.Caller, '/')+1:]), plain(e.Callee), plain(e.Skill),
			given(e), e.Quorum, a.left(e))
	}
	return w.Flush()
}

// left is how long an escalation waits still.
func (a *answering) left(e escalation.Escalation) string {
	until := e.Expires
	if e.State == escalation.Approved {
		until = e.ApprovedUntil
	}
	if e.State.Final() {
		return "-"
	}
	return until.Sub(a.now()).Round(time.Second).String()
}

func given(e escalation.Escalation) (n int) {
	for _, v := range e.Votes {
		if v.Approve {
			n++
		}
	}
	return n
}

// plain writes out what a terminal would obey or not show.
func plain(s string) string { return approvals.Visible(s) }

func (a *answering) show(cmd *cobra.Command, client *approvals.Client, args []string) error {
	d, err := client.Show(cmd.Context(), args[0])
	if err != nil {
		return err
	}
	if a.format == "json" {
		return writeJSON(cmd.OutOrStdout(), d)
	}
	a.print(cmd.OutOrStdout(), d)
	return nil
}

// print an escalation for people, what decides first.
func (a *answering) print(out io.Writer, d approvals.Detail) {
	e := d.Escalation
	fmt.Fprintf(out, "%s asks %s for %s (risk: %s)\n\n", plain(e.Caller), plain(e.Callee), plain(e.Skill), plain(e.Risk))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, plain(fmt.Sprintf(format, args...)))
	}
	row("action", "%s", e.Action)
	for _, r := range e.Reasons {
		row("why", "%s [%s] %s", r.Reason, r.Rule, r.At)
	}
	row("known", "%s (confidence is the agent's own claim)", e.Known)
	row("state", "%s, %d of %d approvals, %s left", e.State, given(e), e.Quorum, a.left(e))
	row("decided by", "%s", strings.Join(e.Groups, ", "))
	for _, v := range e.Votes {
		row("vote", "%s %s: %s", v.Person.Name, map[bool]string{true: "approves", false: "rejects"}[v.Approve], v.Reason)
	}
	for _, l := range d.Like {
		row("before", "%s: %s %s", l.Created.UTC().Format(time.DateTime), l.State, l.Why)
	}
	row("trace", "%s", e.TraceID)
	row("bundle", "%s, sequence %d, %s", e.Revision, e.Sequence, e.Environment)
	row("digest", "%s", e.Digest)
	if d.Hindrance != "" {
		row("you", "cannot vote: %s", d.Hindrance)
	}
	w.Flush()
}

// approve shows the action, asks, and names what it showed.
func (a *answering) approve(cmd *cobra.Command, client *approvals.Client, args []string) error {
	d, err := client.Show(cmd.Context(), args[0])
	if err != nil {
		return err
	}
	a.print(cmd.ErrOrStderr(), d)
	if !a.yes {
		if !a.interactive(cmd.InOrStdin()) {
			return errors.New("nobody can be asked here: read the action, then give --yes")
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "\nLet %s do this, once? Type the name of the skill: ", plain(d.Escalation.Callee))
		typed, _ := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 1000)).ReadString('\n')
		if strings.TrimSpace(typed) != d.Escalation.Skill {
			return errors.New("not approved")
		}
	}
	e, err := client.Vote(cmd.Context(), args[0], true, d.Escalation.Digest, a.reason)
	return a.done(cmd, e, err)
}

func (a *answering) reject(cmd *cobra.Command, client *approvals.Client, args []string) error {
	e, err := client.Vote(cmd.Context(), args[0], false, "", a.reason)
	return a.done(cmd, e, err)
}

func (a *answering) done(cmd *cobra.Command, e escalation.Escalation, err error) error {
	switch {
	case err != nil:
		return err
	case a.format == "json":
		return writeJSON(cmd.OutOrStdout(), e)
	case e.State == escalation.Pending:
		fmt.Fprintf(cmd.OutOrStdout(), "%s has %d of %d approvals.\n", e.ID, given(e), e.Quorum)
	default:
		fmt.Fprintf(cmd.OutOrStdout(), "%s is %s.\n", e.ID, e.State)
	}
	return nil
}

func (a *answering) cancel(cmd *cobra.Command, client *approvals.Client, args []string) error {
	if err := client.Cancel(cmd.Context(), args[0], a.reason); err != nil {
		return err
	}
	d, err := client.Show(cmd.Context(), args[0])
	return a.done(cmd, d.Escalation, err)
}
