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
	"strconv"

	"agentc/forest"

	"github.com/spf13/cobra"
)

func newForest(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forest",
		Short: "Train, import and try the anomaly model that stands before the agents",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newForestTrain(o), newForestImport(), newForestScore(), newForestReport(), newForestSimulate(o))
	return cmd
}

// inputError is a file that the user gave and that is not what it should be.
type inputError struct{ error }

func newForestTrain(all *options) *cobra.Command {
	var rows, out, features string
	var without []string
	var o forest.Options
	var l lesson
	files := &eventFiles{}
	cmd := &cobra.Command{
		Use:   "train --events FILE... --features FILE --out FILE",
		Short: "Train a forest on events, or on rows of numbers",
		Long: `train reads events, a JSON object a line, and makes of each the numbers that a Features document says; or it reads rows of numbers, CSV with a
header. Both may be packed by gzip. The same events and the same seed make the same bytes, in whatever order the events are. A line that is no event
is named and passed over, unless --strict. With --labels and --feedback it also writes what analysts' verdicts change about the forest.`,
		Example: `  agentc forest train --events monday.jsonl.gz,tuesday.jsonl.gz --features policies/soc/features.yaml --out forest.json
  agentc forest train --events monday.jsonl.gz --features policies/soc/features.yaml --labels labels.jsonl --feedback feedback.json --out forest.json
  agentc forest train --rows normal.csv.gz --without label --out forest.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf(cmd, "events", "rows"); err != nil {
				return err
			}
			if files.cmd = cmd; len(files.files) > 0 {
				if features == "" {
					return usageError{errors.New("--events needs --features")}
				}
				spec, err := all.readFeatures(cmd, features)
				if err != nil {
					return err
				}
				if err := l.read(spec.Source); err != nil {
					return err
				}
				m, err := trainOnEvents(cmd, files, spec, out, o)
				if err != nil {
					return err
				}
				return l.teach(cmd, m)
			}
			if l.from != "" || l.out != "" {
				return usageError{errors.New("--labels and --feedback are of events")}
			}
			table, end, err := openTable(rows, nil, without...)
			if err != nil {
				return err
			}
			defer end()
			read, err := table.ReadAll()
			if err != nil {
				return inputError{fmt.Errorf("%s:%w", rows, err)}
			}
			f, err := forest.Fit(read, o)
			if err != nil {
				return inputError{fmt.Errorf("%s: %w", rows, err)}
			}
			return writeForest(cmd, f, out)
		},
	}
	eventFlags(cmd, files)
	l.flags(cmd)
	cmd.Flags().StringVar(&features, "features", "", "what is seen of an event")
	cmd.Flags().StringVar(&rows, "rows", "", "CSV with a header")
	cmd.Flags().StringSliceVar(&without, "without", nil, "columns that are no features")
	cmd.Flags().StringVar(&out, "out", "", "file of the forest")
	cmd.Flags().IntVar(&o.Trees, "trees", 100, "how many trees")
	cmd.Flags().IntVar(&o.Sample, "sample", 256, "rows drawn for each tree")
	cmd.Flags().Float64Var(&o.FeatureShare, "feature-share", 1, "share of the features drawn for each tree")
	cmd.Flags().BoolVar(&o.Bootstrap, "bootstrap", false, "draw rows with replacement")
	cmd.Flags().Float64Var(&o.Anomalies, "anomalies", 0, "share of the rows that are to be anomalies; 0: those with a score below -0.5")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "of everything that is drawn")
	return required(cmd, "out")
}

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
	cmd.Flags().Float64Var(&above, "above", 0, "only events from this percentile on")
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
		return nil, inputError{fmt.Errorf("%s: %w", name, err)}
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
