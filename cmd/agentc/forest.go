package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"agentc/forest"

	"github.com/spf13/cobra"
)

func newForest(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forest",
		Short: "Train, import and try the anomaly model that stands before the agents",
		Example: `  agentc forest train --events week.jsonl.gz --features policies/soc/features.yaml --out new.json
  agentc forest score --forest new.json --events today.jsonl --above 99
  agentc forest report --forest new.json --old agents.d/forests/falco.json --events today.jsonl --labels labels.jsonl
  agentc forest simulate --env prod --events week.jsonl.gz`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("%s has no command %q; there are train, import, score, report and simulate", cmd.CommandPath(), args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newForestTrain(o), newForestImport(), newForestScore(), newForestReport(), newForestSimulate(o))
	return cmd
}

// inputError is a file that the user gave and that is not what it should be.
type inputError struct{ error }

func newForestImport() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "import MODEL.json --out FILE",
		Short: "Import a model that scikit-learn trained",
		Long: `import reads the exchange format iforest-json/1, which hack/export_sklearn.py writes of a fitted IsolationForest, and refuses what does not
score its own probes as it did there. A pickle is a program, and is not read.`,
		Example: "  agentc forest import model.json --out forest.json",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := apart([]string{out}, args[0]); err != nil {
				return err
			}
			f, err := readFile(args[0], forest.Import)
			if err != nil {
				return err
			}
			return writeForest(cmd, f, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file of the forest")
	return required(cmd, "out")
}

func newForestScore() *cobra.Command {
	var from, rows, feedback string
	var above float64
	var reasons int
	files := &eventFiles{}
	cmd := &cobra.Command{
		Use:   "score --forest FILE --events FILE...",
		Short: "Score events, or rows of numbers",
		Long: `score prints a line of JSON for each event: its score, the share of the training's events that are no more unusual in percent, and the features
that made it so. Of rows it reads CSV with a header, of which it takes the forest's features by name, and prints CSV: the depth sum as a hexadecimal float, the
score as scikit-learn's score_samples, the share of training rows that are no more unusual in percent (empty for an imported model, which has none
to compare with), and whether the row is an anomaly.`,
		Example: `  agentc forest score --forest forest.json --events today.jsonl.gz --above 99
  agentc forest score --forest forest.json --rows today.csv.gz`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf(cmd, "events", "rows"); err != nil {
				return err
			}
			if !(above >= 0 && above <= 100) {
				return usageError{fmt.Errorf("--above is %v; a percentile is 0 to 100", above)}
			}
			if rows != "" && (cmd.Flags().Changed("above") || cmd.Flags().Changed("reasons")) {
				return usageError{errors.New("--above and --reasons are of events")}
			}
			if files.cmd = cmd; len(files.files) > 0 {
				m, err := readTaught(from, feedback)
				if err != nil {
					return err
				}
				return scoreEvents(cmd, files, m, above, reasons)
			}
			if feedback != "" {
				return usageError{errors.New("--feedback is of events")}
			}
			f, err := readFile(from, forest.Read)
			if err != nil {
				return err
			}
			table, end, err := openTable(rows, f.Features)
			if err != nil {
				return err
			}
			defer end()
			out := bufio.NewWriter(cmd.OutOrStdout())
			if err := scoreTable(f, table, out); err != nil {
				out.Flush()
				return inputError{fmt.Errorf("%s:%w", rows, err)}
			}
			return out.Flush()
		},
	}
	cmd.Flags().StringVar(&from, "forest", "", "file of the forest")
	cmd.Flags().StringVar(&feedback, "feedback", "", "file of what labels change about the forest")
	eventFlags(cmd, files)
	cmd.Flags().Float64Var(&above, "above", 0, "only events from this percentile on, 0 to 100")
	cmd.Flags().IntVar(&reasons, "reasons", 3, "how many features are named of an event")
	cmd.Flags().StringVar(&rows, "rows", "", "CSV with a header")
	return required(cmd, "forest")
}

func scoreTable(f *forest.Forest, table *forest.Table, out *bufio.Writer) error {
	out.WriteString("depth_sum,score,percentile,anomaly\n")
	s := f.Scorer()
	var line []byte
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r, err := s.Score(row)
		if err != nil {
			return err
		}
		line = strconv.AppendFloat(line[:0], r.DepthSum, 'x', -1, 64)
		line = strconv.AppendFloat(append(line, ','), r.Score, 'g', -1, 64)
		line = append(line, ',')
		if f.Quantiles.Rows > 0 {
			line = strconv.AppendFloat(line, r.Percentile, 'f', 3, 64)
		}
		anomaly := byte('0')
		if r.Anomaly {
			anomaly = '1'
		}
		if _, err := out.Write(append(line, ',', anomaly, '\n')); err != nil {
			return err
		}
	}
}

func openTable(file string, features []string, without ...string) (*forest.Table, func() error, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, inputError{err}
	}
	table, err := forest.NewTable(f, features, without...)
	if err != nil {
		f.Close()
		return nil, nil, inputError{fmt.Errorf("%s:%w", file, err)}
	}
	return table, f.Close, nil
}

func readFile(name string, read func(io.Reader) (*forest.Forest, error)) (*forest.Forest, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, inputError{err}
	}
	defer file.Close()
	f, err := read(bufio.NewReader(file))
	if err != nil {
		return nil, inputError{fmt.Errorf("%s is no forest of rows: %w", name, err)}
	}
	return f, nil
}

func writeForest(cmd *cobra.Command, f *forest.Forest, name string) error {
	digest, err := writeArtifact(name, f.Write)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d trees, %d features, sha256:%s\n", name, len(f.Trees), len(f.Features), digest)
	return err
}

// writeArtifact writes a file beside its place and then moves it there, for no reader is to see half of one, and returns its digest.
func writeArtifact(name string, write func(io.Writer) error) (string, error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".forest-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(file.Name())
	sum := sha256.New()
	if err := errors.Join(write(io.MultiWriter(file, sum)), file.Chmod(0o644), file.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), os.Rename(file.Name(), name)
}

func eventFlags(cmd *cobra.Command, files *eventFiles) {
	cmd.Flags().StringSliceVar(&files.files, "events", nil, "files of events, a JSON object a line")
	cmd.Flags().BoolVar(&files.strict, "strict", false, "stop at a line that is no event")
}

// apart refuses to write a file over another that is read, or written too.
func apart(written []string, read ...string) error {
	var named []string
	for _, name := range slices.Concat(read, written) {
		if name == "" {
			continue
		}
		for _, other := range named {
			if sameFile(name, other) && slices.Contains(written, name) {
				return usageError{fmt.Errorf("%s would be written over, and something else is in it; name another file", name)}
			}
		}
		named = append(named, name)
	}
	return nil
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// oneOf wants exactly one of two flags.
func oneOf(cmd *cobra.Command, a, b string) error {
	if cmd.Flags().Changed(a) == cmd.Flags().Changed(b) {
		return usageError{fmt.Errorf("%s needs either --%s or --%s", cmd.CommandPath(), a, b)}
	}
	return nil
}

// required makes flags that must be given.
func required(cmd *cobra.Command, flags ...string) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, name := range flags {
			if !cmd.Flags().Changed(name) {
				return usageError{fmt.Errorf("%s needs --%s", cmd.CommandPath(), name)}
			}
		}
		return run(cmd, args)
	}
	return cmd
}
