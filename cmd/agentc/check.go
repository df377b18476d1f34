package main

import (
	"fmt"

	"agentc/compiler/disk"

	"github.com/spf13/cobra"
)

func newCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check that generated/ is what follows from the spec; writes nothing",
		Long: `check compiles in memory and compares. It ends with exit code 1 and a list where generated files are stale, missing,
edited, left over or not ours.`,
		Example: "  agentc check --format github",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, err := o.compile(cmd)
			if err != nil {
				return err
			}
			s, err := disk.Compare(o.outDir(), out.Tree, out.Lock)
			if err != nil {
				return err
			}
			if s.Clean() {
				return nil
			}
			w := cmd.ErrOrStderr()
			printFiles(w, o.out, "stale", s.Stale)
			printFiles(w, o.out, "missing", s.Missing)
			printFiles(w, o.out, "edited by hand", s.Edited)
			printFiles(w, o.out, "left over from an earlier compile", s.Obsolete)
			printFiles(w, o.out, "not ours", s.Strangers)
			if s.Lock {
				printFiles(w, o.out, "does not match the spec", []string{disk.LockName})
			}
			fmt.Fprintln(w, "run `agentc compile` and commit the result")
			return errSpec
		},
	}
}
