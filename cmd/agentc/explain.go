package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"agentc/compiler"
	"agentc/compiler/explain"
	"agentc/schema"

	"github.com/spf13/cobra"
)

func newExplain(o *options) *cobra.Command {
	var may bool
	cmd := &cobra.Command{
		Use:   "explain AGENT | FILE | FILE:LINE | --may CALLER AGENT/SKILL",
		Short: "Say where a value comes from, or why a call is allowed",
		Long: `explain AGENT, by its name or its file, prints it as the fleet sees it, each value with what set it.
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
			if o.format != "text" {
				return usageError{errors.New("explain answers people; --format is for problems")}
			}
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

// explainFile takes an agent, by its file or its name, or a line of a generated file.
func (o *options) explainFile(cmd *cobra.Command, out *compiler.Output, arg string) error {
	file, line := arg, 0
	if m := fileLine.FindStringSubmatch(arg); m != nil {
		file = m[1]
		line, _ = strconv.Atoi(m[2]) // digits; beyond an int it stays 0 and is asked for again
	}
	file = o.asTyped(file)
	if rest, ok := strings.CutPrefix(file, path.Clean(filepath.ToSlash(o.out))+"/"); ok {
		return o.explainLine(cmd, out, rest, line)
	}
	var known []string
	for _, doc := range out.Fleet.Written.Agents {
		name := doc.Agent.Metadata.Name
		if doc.File == file || name == arg {
			return explain.Agent(cmd.OutOrStdout(), out.Fleet, name)
		}
		known = append(known, doc.File, name)
	}
	if near := schema.Nearest(file, known); near != "" {
		return usageError{fmt.Errorf("%s is no agent; did you mean %s?", arg, near)}
	}
	return usageError{fmt.Errorf("%s is no agent of the fleet and no file below %s; the platform and the policies are explained by what they lead to", arg, o.out)}
}

// asTyped is a path as the spec and the generated files are named: with slashes, from the folder of -C.
func (o *options) asTyped(file string) string {
	if filepath.IsAbs(file) {
		if dir, err := filepath.Abs(o.dir); err == nil && holds(dir, file) {
			file, _ = filepath.Rel(dir, file) // holds saw that there is one
		}
	}
	return path.Clean(filepath.ToSlash(file))
}

// explainLine leads from a line of a generated file to the spec. The file must be what the spec compiles to, or the line
// would be another one's.
func (o *options) explainLine(cmd *cobra.Command, out *compiler.Output, file string, line int) error {
	name := path.Join(filepath.ToSlash(o.out), file)
	if line == 0 {
		return usageError{fmt.Errorf("%s is generated: name a line of it, as in %s:12", name, name)}
	}
	want, _ := out.Tree.File(file)
	if have, err := os.ReadFile(filepath.Join(o.outDir(), filepath.FromSlash(file))); err == nil && want != nil && !bytes.Equal(have, want) {
		return usageError{fmt.Errorf("%s is not what the spec compiles to; run `agentc compile` first", name)}
	}
	if err := explain.Generated(cmd.OutOrStdout(), out.Tree, file, line); err != nil {
		return usageError{err}
	}
	return nil
}
