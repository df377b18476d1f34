package main

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"agentc/compiler"
	"agentc/compiler/artifact"
	"agentc/compiler/disk"
	"agentc/compiler/lock"
	"agentc/compiler/seal"
	"agentc/schema"

	"github.com/spf13/cobra"
)

func newCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check that generated/ is what follows from the spec; writes nothing",
		Long: `check compiles in memory and compares. It ends with exit code 1 and a list where generated files are stale, missing,
edited, left over or not ours. What publish added is no drift as long as it holds: seals of these very bundles and cards by a
key that the Platform lists, and the signed statement about them.`,
		Example: "  agentc check --format github",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, problems, err := o.compile(cmd)
			if err != nil {
				return err
			}
			drift, err := o.compare(out)
			if err != nil {
				return err
			}
			return o.finish(cmd, slices.Concat(problems, drift), len(drift) == 0)
		},
	}
}

// compare says how generated/ differs from what was compiled.
func (o *options) compare(out *compiler.Output) ([]schema.Problem, error) {
	tree, faults, err := o.published(out)
	if err != nil {
		return nil, err
	}
	s, err := disk.Compare(o.outDir(), tree, out.Lock)
	if err != nil {
		return nil, err
	}
	return append(faults, o.drift(s, tree != out.Tree)...), nil
}

// published adds to the compiled files what publishing added to those in the folder: the seals that hold, and the statement. It
// needs no private key and no clock. A seal that does not hold is left out, so that its files show as drift; a statement about
// something else is reported here.
func (o *options) published(out *compiler.Output) (*artifact.Tree, []schema.Problem, error) {
	added, err := disk.ReadAdded(o.outDir())
	if err != nil {
		return nil, nil, err
	}
	tree, seals, err := withSeals(out, added.Seals)
	if err != nil || added.Statement == nil {
		return tree, nil, err
	}
	lockData, err := out.Lock.Bytes()
	if err != nil {
		return nil, nil, err
	}
	sealData, _ := tree.File(lock.SealName)
	keys := seal.Vouching(out.Fleet.Environments, seals)
	var faults []schema.Problem
	if _, err := seal.VerifyStatement(added.Statement, lockData, sealData, keys); err != nil {
		faults = o.files(schema.Error, []string{lock.StatementName}, fmt.Sprintf("does not vouch for these files: %v; publish again, or remove it", err))
	}
	return tree, faults, tree.SetFile(artifact.File{Path: lock.StatementName, Data: added.Statement})
}

// withSeals are the compiled files with the seals that hold, and these seals.
func withSeals(out *compiler.Output, data []byte) (*artifact.Tree, *lock.Seals, error) {
	if data == nil {
		return out.Tree, lock.NewSeals(out.Fleet.Name), nil
	}
	seals, err := lock.ParseSeals(data)
	if err != nil {
		return nil, nil, err
	}
	sealed, err := seal.Apply(out.Fleet.Environments, out.Tree, seals, seal.Options{})
	if err != nil {
		return nil, nil, err
	}
	return sealed.Tree, sealed.Seals, nil
}

// drift says, file by file, how generated/ differs from what follows from the spec. What was published is mended by publishing:
// to compile would take the seals away.
func (o *options) drift(s *disk.Status, sealed bool) []schema.Problem {
	mend := "; run `agentc compile`"
	if sealed {
		mend = "; run `agentc publish`, and bring its branch here"
	}
	problems := o.files(schema.Error, s.Stale, "does not follow from the spec any more"+mend)
	problems = append(problems, o.files(schema.Error, s.Missing, "is missing"+mend)...)
	problems = append(problems, o.files(schema.Error, s.Obsolete, "is left over from an earlier compile"+mend)...)
	problems = append(problems, o.edited(s)...)
	problems = append(problems, o.files(schema.Error, s.Strangers, "is not ours; remove it, or Argo CD applies it")...)
	if s.Lock != "" {
		problems = append(problems, o.files(schema.Error, []string{lock.Name}, s.Lock+mend)...)
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
