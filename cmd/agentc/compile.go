package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"agentc/compiler"
	"agentc/compiler/disk"
	"agentc/schema"

	"github.com/spf13/cobra"
)

func newCompile(o *options) *cobra.Command {
	var discard bool
	cmd := &cobra.Command{
		Use:   "compile",
		Short: "Compile the spec into generated/",
		Long: `compile reads the spec, checks it, and makes generated/ hold exactly what follows from it. It writes only what differs
and removes only what it wrote itself. A generated file that somebody edited stops it.`,
		Example: `  agentc compile
  agentc compile -C path/to/repository --strict`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			start := time.Now()
			out, problems, err := o.compile(cmd)
			if err != nil {
				return err
			}
			status, err := disk.Write(o.outDir(), out.Tree, out.Lock, discard)
			if errors.Is(err, disk.ErrEdited) {
				return o.finish(cmd, append(problems, o.edited(status)...), false)
			}
			if err != nil {
				return err
			}
			problems = append(problems, o.files(schema.Warning, status.Strangers, "is not ours and was left alone; Argo CD will apply it")...)
			if err := o.finish(cmd, problems, true); err != nil {
				return err
			}
			if o.format == "text" {
				printSummary(cmd.OutOrStdout(), out, status, time.Since(start))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&discard, "discard-edits", false, "overwrite generated files that were edited by hand")
	return cmd
}

// printSummary tells a person what the fleet is and what happened to the files.
func printSummary(w io.Writer, out *compiler.Output, s *disk.Status, took time.Duration) {
	agents, edges := 0, 0
	for _, env := range out.Fleet.Environments {
		agents, edges = len(env.Agents), 0
		for _, a := range env.Agents {
			edges += len(a.Callers)
		}
	}
	objects, files := out.Tree.Count()
	fmt.Fprintf(w, "%s, %s, %s, %s, %s, %.1f s\n", count(agents, "agent"), count(len(out.Fleet.Environments), "environment"),
		count(edges, "edge"), count(objects, "object"), count(files, "file"), took.Seconds())
	fmt.Fprintf(w, "%d written, %d removed, the rest unchanged\n", len(s.Missing)+len(s.Stale)+len(s.Edited), len(s.Obsolete))
}
