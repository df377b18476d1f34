package main

import (
	"path"
	"path/filepath"

	"agentc/compiler/disk"
	"agentc/compiler/lock"
	"agentc/schema"

	"github.com/spf13/cobra"
)

func newCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check that generated/ is what follows from the spec; writes nothing",
		Long: `check compiles in memory and compares. It ends with exit code 1 and a list where generated files are stale, missing,
edited, left over or not ours.`,
		Example: "  agentc check --format github",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, problems, err := o.compile(cmd)
			if err != nil {
				return err
			}
			s, err := disk.Compare(o.outDir(), out.Tree, out.Lock)
			if err != nil {
				return err
			}
			return o.finish(cmd, append(problems, o.drift(s)...), s.Clean())
		},
	}
}

// drift says, file by file, how generated/ differs from what follows from the spec.
func (o *options) drift(s *disk.Status) []schema.Problem {
	problems := o.files(schema.Error, s.Stale, "does not follow from the spec any more; run `agentc compile`")
	problems = append(problems, o.files(schema.Error, s.Missing, "is missing; run `agentc compile`")...)
	problems = append(problems, o.files(schema.Error, s.Obsolete, "is left over from an earlier compile; run `agentc compile`")...)
	problems = append(problems, o.edited(s)...)
	problems = append(problems, o.files(schema.Error, s.Strangers, "is not ours; remove it, or Argo CD applies it")...)
	if s.Lock != "" {
		problems = append(problems, o.files(schema.Error, []string{lock.Name}, s.Lock+"; run `agentc compile`")...)
	}
	return problems
}

func (o *options) edited(s *disk.Status) []schema.Problem {
	return o.files(schema.Error, s.Edited, "was edited by hand; change the spec instead, and overwrite it with `agentc compile --discard-edits`")
}

// files makes a problem of each file. It is about the whole file, so it stands on the first line.
func (o *options) files(severity schema.Severity, files []string, message string) []schema.Problem {
	var problems []schema.Problem
	for _, f := range files {
		at := schema.Position{File: path.Join(filepath.ToSlash(o.out), f), Line: 1, Column: 1}
		problems = append(problems, schema.Problem{Position: at, Severity: severity, Message: message, Rule: "drift"})
	}
	return problems
}
