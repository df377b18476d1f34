package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"agentc/decision/trace"

	"github.com/spf13/cobra"
)

// tracer is what agentd trace is asked.
type tracer struct {
	logs           []string
	hubble, format string
	window         time.Duration
	port           uint16
}

func newTrace() *cobra.Command {
	var t tracer
	cmd := &cobra.Command{
		Use:   "trace [TRACE_ID] --log DIR...",
		Short: "Tell what became of an event, and compare decisions with what the network saw",
		Long: `trace reads the decision logs of all replicas, and tells one trace in order: the event and how unusual it was, the hops between agents, what was
decided and by which rules, who approved, and what came of it. With the flows that Hubble saw it lists connections to guards without a decision, which are
possible bypasses, and decisions without a flow. Without a trace id there are only these two lists. It verifies nothing: agentd audit verify does.`,
		Example: `  agentd trace 0af7651916cd43dd8448eb211c80319c --log agentd-0 --log agentd-1
  hubble observe -o jsonpb --protocol tcp > flows.json; agentd trace --log agentd-0 --hubble flows.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd.OutOrStdout(), args) },
	}
	cmd.Flags().StringArrayVar(&t.logs, "log", nil, "folder of a replica's decision log; repeated for each")
	cmd.Flags().StringVar(&t.hubble, "hubble", "", "file of flows, as hubble observe -o jsonpb prints them")
	cmd.Flags().StringVar(&t.format, "format", "text", "text or json")
	cmd.Flags().DurationVar(&t.window, "window", 2*time.Second, "by which a decision and a flow may differ in time")
	cmd.Flags().Uint16Var(&t.port, "port", 8443, "that the fleet's guards listen on")
	cmd.MarkFlagRequired("log")
	return cmd
}

var traceID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (t *tracer) run(out io.Writer, args []string) (err error) {
	write, err := formatOf(t.format, func(w io.Writer, r *trace.Report) error { return r.Text(w) }, writeJSON)
	if err != nil {
		return err
	}
	q := trace.Query{Logs: t.logs, Window: t.window, Port: t.port}
	switch {
	case len(args) == 0 && t.hubble == "":
		return errors.New("name a trace id, or the flows with --hubble")
	case t.window < 0:
		return errors.New("--window is less than nothing")
	case len(args) == 1 && !traceID.MatchString(args[0]):
		return fmt.Errorf("%q is no W3C trace id: 32 hexadecimal digits in lower case", args[0])
	case len(args) == 1:
		q.TraceID = args[0]
	}
	if t.hubble != "" {
		if q.Flows, err = t.flows(); err != nil {
			return err
		}
	}
	r, err := trace.Tell(q)
	if err != nil {
		return err
	}
	if err := write(out, r); err != nil {
		return err
	}
	if q.TraceID != "" && len(r.Steps) == 0 {
		return errors.New("no log speaks of the trace")
	}
	return nil
}

func (t *tracer) flows() (*trace.Flows, error) {
	f, err := os.Open(t.hubble)
	if err != nil {
		return nil, fmt.Errorf("--hubble: %w", err)
	}
	defer f.Close()
	return trace.ReadFlows(f, t.port)
}
