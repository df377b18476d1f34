package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"agentc/compiler"
	"agentc/schema"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, what it was built from, and the formats that it reads and writes",
		Args:  noArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			fmt.Fprint(cmd.OutOrStdout(), versionText(info.Settings))
		},
	}
}

// versionText is, for a release:
//
//	agentc 0.1.0
//	commit 5c1f… of 2026-12-01T10:00:00Z
//	built by go1.26.8 for linux/amd64
//	spec agents.d/v1alpha1, lock format 1, seal format 1, bundle format 1
//
// The first line is the version as the lock names it. A binary that was built outside of a repository knows no commit.
func versionText(settings []debug.BuildSetting) string {
	lines := []string{"agentc " + compiler.Version}
	if commit := commitOf(settings); commit != "" {
		lines = append(lines, commit)
	}
	lines = append(lines,
		fmt.Sprintf("built by %s for %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		fmt.Sprintf("spec %s, lock format %d, seal format %d, bundle format %d",
			schema.APIVersion, compiler.LockFormat, compiler.SealFormat, compiler.BundleFormat))
	return strings.Join(lines, "\n") + "\n"
}

// commitOf reads the commit that the go command writes into what it builds.
func commitOf(settings []debug.BuildSetting) string {
	vcs := map[string]string{}
	for _, s := range settings {
		vcs[s.Key] = s.Value
	}
	if vcs["vcs.revision"] == "" {
		return ""
	}
	line := fmt.Sprintf("commit %s of %s", vcs["vcs.revision"], vcs["vcs.time"])
	if vcs["vcs.modified"] == "true" {
		line += ", with changes that are not committed"
	}
	return line
}
