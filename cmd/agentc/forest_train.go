package main

import (
	"errors"
	"fmt"
	"slices"

	"agentc/forest"

	"github.com/spf13/cobra"
)

// training is what is to be trained on what.
type training struct {
	rows, out, features string
	without             []string
	forest              forest.Options
	lesson              lesson
	files               eventFiles
}

func newForestTrain(all *options) *cobra.Command {
	t := &training{}
	cmd := &cobra.Command{
		Use:   "train {--events FILE... --features FILE | --rows FILE} --out FILE",
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
			read := append(slices.Clone(t.files.files), t.features, t.rows, t.lesson.from)
			if err := apart([]string{t.out, t.lesson.out}, read...); err != nil {
				return err
			}
			if t.files.cmd = cmd; t.rows == "" {
				return t.onEvents(cmd, all)
			}
			return t.onRows(cmd)
		},
	}
	eventFlags(cmd, &t.files)
	t.lesson.flags(cmd)
	cmd.Flags().StringVar(&t.features, "features", "", "what is seen of an event: a Features document")
	cmd.Flags().StringVar(&t.rows, "rows", "", "CSV with a header, instead of events")
	cmd.Flags().StringSliceVar(&t.without, "without", nil, "columns that are no features")
	cmd.Flags().StringVar(&t.out, "out", "", "file of the forest")
	cmd.Flags().IntVar(&t.forest.Trees, "trees", 100, "how many trees")
	cmd.Flags().IntVar(&t.forest.Sample, "sample", 256, "rows drawn for each tree")
	cmd.Flags().Float64Var(&t.forest.FeatureShare, "feature-share", 1, "share of the features drawn for each tree")
	cmd.Flags().BoolVar(&t.forest.Bootstrap, "bootstrap", false, "draw rows with replacement")
	cmd.Flags().Float64Var(&t.forest.Anomalies, "anomalies", 0, "share of the rows that are to be anomalies; 0: those with a score below -0.5")
	cmd.Flags().Uint64Var(&t.forest.Seed, "seed", 1, "of everything that is drawn")
	return required(cmd, "out")
}

func (t *training) onEvents(cmd *cobra.Command, all *options) error {
	switch {
	case t.features == "":
		return usageError{errors.New("--events needs --features")}
	case len(t.without) > 0:
		return usageError{errors.New("--without is of rows")}
	}
	spec, err := all.readFeatures(cmd, t.features)
	if err != nil {
		return err
	}
	if err := t.lesson.read(spec.Source); err != nil {
		return err
	}
	m, err := trainOnEvents(cmd, &t.files, spec, t.out, t.forest, &t.lesson)
	if err != nil {
		return err
	}
	return t.lesson.teach(cmd, m)
}

func (t *training) onRows(cmd *cobra.Command) error {
	if t.lesson.from != "" || t.lesson.out != "" || t.features != "" {
		return usageError{errors.New("--features, --labels and --feedback are of events")}
	}
	table, end, err := openTable(t.rows, nil, t.without...)
	if err != nil {
		return err
	}
	defer end()
	read, err := table.ReadAll()
	if err != nil {
		return inputError{fmt.Errorf("%s:%w", t.rows, err)}
	}
	f, err := forest.Fit(read, t.forest)
	if err != nil {
		return inputError{fmt.Errorf("%s: %w", t.rows, err)}
	}
	return writeForest(cmd, f, t.out)
}
