package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"agentc/decision/record"

	"github.com/spf13/cobra"
)

func newAudit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verify a decision log, print its public key, or set a broken one aside",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAuditVerify(), newAuditKey(), newAuditSetAside())
	return cmd
}

// errAudit ends a verification whose findings have been printed.
var errAudit = errors.New("the decision log does not hold")

func newAuditVerify() *cobra.Command {
	var dir, key, format string
	var checkpoints []string
	cmd := &cobra.Command{
		Use:   "verify --log DIR",
		Short: "Say whether a decision log is as it was written, and whether all of it is there",
		Long: `verify gives two verdicts. Integrity: the chain of hashes holds, and every checkpoint is signed with the key and is of this chain. Completeness: no
seq is missing, and there are at least as many records as any checkpoint says. Whoever can write the folder can replace the key in it, and cut the log together
with its checkpoints: --key and --checkpoint name what you kept elsewhere. The exit code is 1 when a verdict is bad.`,
		Example: "  agentd audit verify --log /var/lib/agentd --key agentd-0.pub --checkpoint agentd-0.checkpoint",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, err := formatOf(format, writeAudit, writeJSON)
			if err != nil {
				return err
			}
			a, err := audited(dir, key, checkpoints)
			if err != nil {
				return err
			}
			if err := write(cmd.OutOrStdout(), a); err != nil {
				return err
			}
			if !a.Integrity.Good || !a.Completeness.Good {
				return errAudit
			}
			return nil
		},
	}
	logFlag(cmd, &dir)
	cmd.Flags().StringVar(&key, "key", "", "file of the public key that you kept (default: the one in the folder)")
	cmd.Flags().StringArrayVar(&checkpoints, "checkpoint", nil, "file of checkpoints that you kept; may be repeated")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

func logFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "log", "", "folder of the decision log")
	cmd.MarkFlagRequired("log")
}

// formatOf output: for people, or for programs.
func formatOf[V any](name string, text, json func(io.Writer, V) error) (func(io.Writer, V) error, error) {
	switch name {
	case "text":
		return text, nil
	case "json":
		return json, nil
	}
	return nil, fmt.Errorf("--format %s: there are text and json", name)
}

// audit is a report, and whose word the key is.
type audit struct {
	*record.Report
	Own bool `json:"key_from_folder"` // which proves nothing against whoever can write there
}

func writeJSON[V any](w io.Writer, v V) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func audited(dir, key string, files []string) (*audit, error) {
	var external []record.External
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("--checkpoint: %w", err)
		}
		external = append(external, record.External{Name: name, Text: text})
	}
	var public string
	var err error
	if key == "" {
		public, err = record.PublicKey(dir)
	} else {
		var text []byte
		text, err = os.ReadFile(key)
		public = string(text)
	}
	if err != nil {
		return nil, fmt.Errorf("the public key, which --key names: %w", err)
	}
	r, err := record.Verify(dir, public, external...)
	return &audit{r, key == ""}, err
}

func writeAudit(w io.Writer, a *audit) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "log\t%s\n", a.Origin)
	from := ""
	if a.Own {
		from = ", from the folder itself: compare it with one that you kept"
	}
	fmt.Fprintf(t, "key\t%s%s\n", a.Key, from)
	fmt.Fprintf(t, "records\t%d, seq %d to %d, in %d segments\n", a.Records, a.First, a.Last, a.Segments)
	fmt.Fprintf(t, "checkpoints\t%d; signed up to seq %d\n", a.Checkpoints, a.Signed)
	if a.Torn > 0 {
		fmt.Fprintf(t, "torn\t%d bytes behind the last record, acknowledged to nobody\n", a.Torn)
	}
	writeVerdict(t, "integrity", a.Integrity)
	writeVerdict(t, "completeness", a.Completeness)
	return t.Flush()
}

func writeVerdict(w io.Writer, name string, v record.Verdict) {
	if v.Good {
		fmt.Fprintf(w, "%s\tgood\n", name)
		return
	}
	fmt.Fprintf(w, "%s\tBAD\n", name)
	for _, f := range v.Findings {
		fmt.Fprintf(w, "  %s: %s\n", f.At, f.What)
	}
}

func newAuditKey() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "key --log DIR",
		Short:   "Print the public key that a decision log's checkpoints are signed with",
		Example: "  agentd audit key --log /var/lib/agentd > agentd-0.pub",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := record.PublicKey(dir)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), key)
			return err
		},
	}
	logFlag(cmd, &dir)
	return cmd
}

func newAuditSetAside() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "set-aside --log DIR",
		Short: "Keep a decision log under another name, so that the next start begins a new one",
		Long: `set-aside is for a log that agentd refuses to append to. Nothing is lost: the log stays in the folder under another name, and the first record of the
new one names it. Verify it, and find out who changed it, before you forget.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			aside, err := record.SetAside(dir, time.Now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), aside)
			return err
		},
	}
	logFlag(cmd, &dir)
	return cmd
}
