// Command agentc compiles what a company's agents are and may do, as written in agents.d/ and policies/, into every layer
// that enforces it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"agentc/compiler"
	"agentc/schema"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	code := exitCode(err)
	switch {
	case err == nil || errors.Is(err, errSpec):
	case is[usageError](err):
		fmt.Fprintf(stderr, "agentc: %v\nRun `agentc --help` for what there is.\n", err)
	default:
		fmt.Fprintf(stderr, "agentc: %v\n", err)
	}
	return code
}

func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:   "agentc",
		Short: "Compile what your agents may do into every layer that enforces it",
		Long: `agentc reads what each agent is and may do from agents.d/ and policies/, and writes Deployments, Certificates,
network policies, the OPA bundle, admission policies and Argo CD applications to generated/.`,
		Example: `  agentc init                       a minimal fleet in an empty folder
  agentc compile                    agents.d and policies → generated
  agentc check                      is generated up to date? (for CI; writes nothing)
  agentc explain agents.d/pay.yaml  one agent as the fleet sees it
  agentc verify                     do all layers say what the spec says?
  agentc publish                    seal, commit and push to the branches that Argo CD reads`,
		Version:       compiler.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var verbs []string
			for _, c := range cmd.Commands() {
				verbs = append(verbs, c.Name())
			}
			if near := schema.Nearest(args[0], verbs); near != "" {
				return usageError{fmt.Errorf("there is no command %q; did you mean %q?", args[0], near)}
			}
			return usageError{fmt.Errorf("there is no command %q", args[0])}
		},
	}
	root.SetVersionTemplate("agentc {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	o.register(root)
	root.AddCommand(newInit(o), newCompile(o), newCheck(o), newExplain(o), newSchema(), newVerify(o), newPublish(o), newKey(), newForest(o), newVersion())
	return root
}

// usageArgs makes wrong arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// noArgs refuses arguments in our own words: cobra's take them for misspelt commands.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no arguments, such as %q; -C names another folder, and commas part the values of a flag", cmd.CommandPath(), args[0])}
	}
	return nil
}
