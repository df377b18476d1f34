package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"agentc/decision/bundle"
	"agentc/decision/engine"
	"agentc/decision/fleet"
	"agentc/decision/intake"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
)

// trial of an intake on recorded events.
type trial struct{ bundle, intake, file string }

func newIntake() *cobra.Command {
	var t trial
	cmd := &cobra.Command{
		Use:   "intake --bundle FILE|DIR --intake NAME --file FILE",
		Short: "Say of recorded events what an intake would do with each; nothing is passed on",
		Long: `intake reads events, one JSON object a line, plain or gzip, and prints a line of JSON for each: whether it would be passed on or dropped, by which threshold,
and which features made it unusual. No agent and no topic gets any of them.`,
		Example: "  agentd intake --bundle generated/prod/bundle --intake falco --file events.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&t.bundle, "bundle", "", "file or folder of the bundle")
	cmd.MarkFlagRequired("bundle")
	cmd.Flags().StringVar(&t.intake, "intake", "", "name of the intake")
	cmd.Flags().StringVar(&t.file, "file", "-", "events; - is the standard input")
	return cmd
}

func (t *trial) run(ctx context.Context, in io.Reader, out, errs io.Writer) error {
	b, err := bundle.Open(t.bundle)
	if err != nil {
		return err
	}
	e, err := engine.New(ctx, b, engine.Options{})
	if err != nil {
		return err
	}
	if e.Fleet.Runtime.Intakes[t.intake] == nil {
		return fmt.Errorf("the bundle has no intake %q", t.intake)
	}
	if t.file != "-" {
		file, err := os.Open(t.file)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	printed := &printer{lines: json.NewEncoder(out)}
	printed.lines.SetEscapeHTML(false)
	s, err := intake.New(intake.Config{
		InForce: func() *engine.Engine { return e },
		Hop:     func(*fleet.Intake) (intake.Hop, error) { return nowhere{}, nil },
		Record:  printed.record, Now: time.Now, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(errs, nil)),
	})
	if err != nil {
		return err
	}
	counts, err := s.ReadLines(ctx, t.intake, in)
	fmt.Fprintf(errs, "%d would be passed on, %d dropped, %d failed\n", counts[intake.Passed], counts[intake.Dropped], counts[intake.Failed])
	return errors.Join(err, printed.err)
}

// nowhere is a hop that takes everything.
type nowhere struct{}

func (nowhere) Hand(context.Context, *intake.Message) error { return nil }

// printer of what became of events.
type printer struct {
	mu    sync.Mutex
	lines *json.Encoder
	err   error
}

func (p *printer) record(e intake.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errors.Join(p.err, p.lines.Encode(e))
}
