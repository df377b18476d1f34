package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"agentc/schema"

	"github.com/spf13/cobra"
)

// template is the fleet that init writes: two agents, one edge, one reviewer rule.
//
//go:embed template
var template embed.FS

func newInit(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "init",
		Short:   "Write a minimal fleet into an empty folder, ready to compile",
		Example: "  mkdir fleet && agentc init -C fleet && agentc compile -C fleet",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{o.spec, o.policies} {
				if _, err := os.Stat(o.in(name)); !errors.Is(err, fs.ErrNotExist) {
					return usageError{fmt.Errorf("%s is there already; init writes into a folder without a fleet", name)}
				}
			}
			files, err := o.writeTemplate()
			for _, f := range files {
				fmt.Fprintln(cmd.OutOrStdout(), "wrote", f)
			}
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "Now run `agentc compile`, then look at generated/ and edit agents.d/hello.yaml.")
			}
			return err
		},
	}
}

func (o *options) writeTemplate() ([]string, error) {
	var written []string
	write := func(name string, data []byte) error {
		path := o.in(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		written = append(written, filepath.ToSlash(name))
		return os.WriteFile(path, data, 0o644)
	}
	for _, f := range []struct{ from, to string }{
		{"template/agents.d/platform.yaml", o.spec},
		{"template/agents.d/hello.yaml", o.spec},
		{"template/agents.d/greeter.yaml", o.spec},
		{"template/policies/reviewers.yaml", o.policies},
	} {
		data, err := template.ReadFile(f.from)
		if err != nil {
			return written, err
		}
		if err := write(filepath.Join(f.to, filepath.Base(f.from)), data); err != nil {
			return written, err
		}
	}
	text, err := schema.JSONSchema()
	if err != nil {
		return written, err
	}
	// Hidden, so that the reader of the spec passes it by.
	return written, write(filepath.Join(o.spec, ".schema.json"), text)
}
