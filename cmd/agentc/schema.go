package main

import (
	"agentc/schema"

	"github.com/spf13/cobra"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the spec, for editors",
		Long: `schema prints the JSON Schema of all four kinds of document. An editor with a YAML language server uses it when a file
begins with: # yaml-language-server: $schema=<path to the schema>`,
		Example: "  agentc schema > schema/agents.d.schema.json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := schema.JSONSchema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
