package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"agentc/compiler"
	"agentc/compiler/explain"

	"github.com/spf13/cobra"
)

func newExplain(o *options) *cobra.Command {
	var may bool
	cmd := &cobra.Command{
		Use:   "explain FILE | FILE:LINE | --may CALLER AGENT/SKILL",
		Short: "Say where a value comes from, or why a call is allowed",
		Long: `explain FILE prints an agent as the fleet sees it, each value with what set it.
explain FILE:LINE leads from a generated line back to the spec.
explain --may says whether one agent may ask another for a skill, by which lines and with which verdicts; it ends with exit
code 1 where it may not.`,
		Example: `  agentc explain agents.d/remediate.yaml
  agentc explain generated/prod/manifests/soc-remediate/remediate.yaml:40
  agentc explain --may coordinator remediate/isolate-workload`,
		Args: usageArgs(func(_ *cobra.Command, args []string) error {
			if may && len(args) != 2 {
				return errors.New("--may takes a caller and agent/skill")
			}
			if !may && len(args) != 1 {
				return errors.New("explain takes one file, or file:line")
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, problems, err := o.compile(cmd)
			if err != nil {
				return err
			}
			printText(cmd.ErrOrStderr(), problems) // stdout is the answer's
			if may {
				return explainMay(cmd, out, args[0], args[1])
			}
			return o.explainFile(cmd, out, args[0])
		},
	}
	cmd.Flags().BoolVar(&may, "may", false, "ask whether a call is allowed")
	return cmd
}

func explainMay(cmd *cobra.Command, out *compiler.Output, caller, target string) error {
	allowed, err := explain.May(cmd.OutOrStdout(), out.Fleet, caller, target)
	if err != nil {
		return usageError{err}
	}
	if !allowed {
		return errSpec
	}
	return nil
}

var fileLine = regexp.MustCompile(`^(.*):([0-9]+)(?::[0-9]+)?$`)

// explainFile takes a file of the spec, or a line of a generated one.
func (o *options) explainFile(cmd *cobra.Command, out *compiler.Output, arg string) error {
	file, line := arg, 0
	if m := fileLine.FindStringSubmatch(arg); m != nil {
		file = m[1]
		line, _ = strconv.Atoi(m[2]) // digits; beyond an int it stays 0 and is asked for again
	}
	file = path.Clean(filepath.ToSlash(file))
	if rest, ok := strings.CutPrefix(file, path.Clean(filepath.ToSlash(o.out))+"/"); ok {
		if line == 0 {
			return usageError{fmt.Errorf("%s is generated: name a line of it, as in %s:12", file, file)}
		}
		if err := explain.Generated(cmd.OutOrStdout(), out.Tree, rest, line); err != nil {
			return usageError{err}
		}
		return nil
	}
	for _, doc := range out.Fleet.Written.Agents {
		if doc.File == file {
			return explain.Agent(cmd.OutOrStdout(), out.Fleet, doc.Agent.Metadata.Name)
		}
	}
	return usageError{fmt.Errorf("%s is no agent of the fleet and no file below %s", file, o.out)}
}
