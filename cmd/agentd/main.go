// Command agentd decides what agents may do, by the bundle that agentc compiled.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "agentd:", err)
		os.Exit(1)
	}
}

// version of agentd: one with agentc's.
const version = "0.1.0"

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "agentd",
		Short:         "Decide what agents may do, by the bundle that agentc compiled",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newApprovals(), newQuarantine(), newIntake(), newAudit(), newTrace())
	return root
}
