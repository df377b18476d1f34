package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/forest/report"

	"github.com/spf13/cobra"
)

// reportOn is what a report is asked for.
type reportOn struct {
	forest, old           string
	feedback, oldFeedback string
	labels                string // of events
	rows, label           string
	threshold             float64
	format, svg           string
}

func newForestReport() *cobra.Command {
	var o reportOn
	files := &eventFiles{}
	cmd := &cobra.Command{
		Use:   "report --forest FILE --events FILE...",
		Short: "Say how good a forest is, beside an old one, and whether events have drifted",
		Long: `report scores events and compares the scores with what analysts said of the events: how well incidents are told from the rest, what a threshold
passes on in a day and catches, and how far the events are from those of the training. With --old it says the same of another forest. A label is matched
with its event; a labelled event that is not in the files is scored too, and counts for quality alone. An event without a label counts as benign. Of rows it
reads CSV, and the label from a column: 1 is an incident, 0 is none.`,
		Example: `  agentc forest report --forest new.json --old forest.json --events today.jsonl.gz --labels labels.jsonl --svg report.svg
  agentc forest report --forest forest.json --rows rows.csv.gz --label label`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			read := append(slices.Clone(files.files), o.forest, o.old, o.feedback, o.oldFeedback, o.labels, o.rows)
			if err := apart([]string{o.svg}, read...); err != nil {
				return err
			}
			var r *report.Report
			var err error
			if files.cmd = cmd; o.rows == "" {
				r, err = o.onEvents(files)
			} else {
				r, err = o.onRows()
			}
			if err != nil {
				return err
			}
			return o.write(cmd.OutOrStdout(), r)
		},
	}
	cmd.Flags().StringVar(&o.forest, "forest", "", "file of the forest")
	cmd.Flags().StringVar(&o.feedback, "feedback", "", "file of what labels change about the forest")
	cmd.Flags().StringVar(&o.old, "old", "", "file of the forest that it would replace")
	cmd.Flags().StringVar(&o.oldFeedback, "old-feedback", "", "file of what labels change about that one")
	eventFlags(cmd, files)
	cmd.Flags().StringVar(&o.labels, "labels", "", "what analysts said of events, a JSON object a line")
	cmd.Flags().StringVar(&o.rows, "rows", "", "CSV with a header")
	cmd.Flags().StringVar(&o.label, "label", "", "the column of the rows that is 1 for an incident")
	cmd.Flags().Float64Var(&o.threshold, "threshold", 95, "percentile from which events are passed on")
	cmd.Flags().StringVar(&o.format, "format", "text", "text, markdown or json")
	cmd.Flags().StringVar(&o.svg, "svg", "", "file of a picture of it")
	return required(cmd, "forest")
}

func (o *reportOn) check(cmd *cobra.Command) error {
	if err := oneOf(cmd, "events", "rows"); err != nil {
		return err
	}
	switch {
	case (o.rows == "") != (o.label == ""):
		return usageError{errors.New("--rows and --label go together")}
	case o.oldFeedback != "" && o.old == "":
		return usageError{errors.New("--old-feedback needs --old")}
	case o.rows != "" && (o.feedback != "" || o.oldFeedback != ""):
		return usageError{errors.New("--feedback is of events")}
	case o.rows != "" && o.labels != "":
		return usageError{errors.New("--labels is of events; rows have a column, --label")}
	case !slices.Contains([]string{"text", "markdown", "json"}, o.format):
		return usageError{fmt.Errorf("--format is %q; it is text, markdown or json", o.format)}
	case !(o.threshold >= 0 && o.threshold <= 100):
		return usageError{fmt.Errorf("--threshold is %v; a percentile is 0 to 100", o.threshold)}
	}
	return nil
}

func (o *reportOn) write(w io.Writer, r *report.Report) error {
	if o.svg != "" {
		if _, err := writeArtifact(o.svg, r.SVG); err != nil {
			return err
		}
	}
	switch o.format {
	case "markdown":
		return r.Markdown(w)
	case "json":
		return r.JSON(w)
	}
	return r.Text(w)
}

// named are the forests by their names in the report.
func (o *reportOn) named() (names, files []string) {
	if o.old == "" {
		return []string{"forest"}, []string{o.forest}
	}
	return []string{"new", "old"}, []string{o.forest, o.old}
}

// judged is a forest of which the report is, with the feedback that it has.
type judged struct {
	*report.Watcher
	name     string
	feedback *forest.Feedback
}

// judged reads the forests, and their feedback. It says of which source they see events.
func (o *reportOn) judged() (all []judged, source string, err error) {
	names, from := o.named()
	for i, feedback := range []string{o.feedback, o.oldFeedback}[:len(from)] {
		m, err := readModel(from[i])
		if err != nil {
			return nil, "", err
		}
		if source != "" && source != m.Spec.Source {
			return nil, "", inputError{fmt.Errorf("%s sees events of %s, and %s of %s", o.forest, source, from[i], m.Spec.Source)}
		}
		source = m.Spec.Source
		j := judged{report.NewWatcher(m, o.threshold), names[i], nil}
		if feedback != "" {
			taught, fb, err := teach(m, feedback)
			if err != nil {
				return nil, "", err
			}
			j.Teach(taught)
			j.feedback = fb
		}
		all = append(all, j)
	}
	return all, source, nil
}

// onEvents reads the events once, for all forests.
func (o *reportOn) onEvents(files *eventFiles) (*report.Report, error) {
	watchers, source, err := o.judged()
	if err != nil {
		return nil, err
	}
	files.source = source
	labels, digest, err := readLabels(o.labels, source)
	if err != nil {
		return nil, err
	}
	said := events.Incidents(labels)
	seen := map[string]bool{}
	err = files.each(func(e *events.Event) error {
		verdict := report.Nothing
		if len(said) > 0 { // an id may cost a digest
			if id := e.ID(); verdictOf(said, id) != report.Nothing && !seen[id] { // one that comes twice is one incident
				seen[id] = true
				verdict = verdictOf(said, id)
			}
		}
		for _, w := range watchers {
			if err := w.Event(e, verdict); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	unfound := 0
	for _, l := range labels {
		id := l.Event.ID()
		if seen[id] {
			continue
		}
		if l.Event.Bare() {
			unfound++
			continue
		}
		seen[id] = true
		for _, w := range watchers {
			if err := w.Labelled(l.Event, verdictOf(said, id)); err != nil {
				return nil, err
			}
		}
	}
	r := &report.Report{}
	if unfound > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d labels name events that are not in the files by nothing but their uuid: nobody knows them.", unfound))
	}
	for _, w := range watchers {
		r.Models = append(r.Models, w.Measure(w.name))
		if digest != "" && w.feedback != nil && w.feedback.Labels == digest {
			r.Notes = append(r.Notes, w.name+" learned from these very labels: its quality is what it remembers, and not how it will do.")
		}
	}
	return r, nil
}

func verdictOf(said map[string]bool, id string) report.Said {
	incident, there := said[id]
	switch {
	case !there:
		return report.Nothing
	case incident:
		return report.Incident
	}
	return report.Benign
}

// onRows reads the rows once for each forest, as they may see different columns.
func (o *reportOn) onRows() (*report.Report, error) {
	names, from := o.named()
	all := &report.Report{}
	for i, name := range from {
		f, err := readFile(name, forest.Read)
		if err != nil {
			return nil, err
		}
		t := report.NewTally(f, o.threshold)
		if err := o.tally(f, t); err != nil {
			return nil, err
		}
		all.Models = append(all.Models, t.Measure(names[i]))
	}
	return all, nil
}

func (o *reportOn) tally(f *forest.Forest, t *report.Tally) error {
	table, end, err := openTable(o.rows, append(slices.Clone(f.Features), o.label))
	if err != nil {
		return err
	}
	defer end()
	s := f.Scorer()
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return inputError{fmt.Errorf("%s:%w", o.rows, err)}
		}
		r, err := s.Score(row[:len(f.Features)])
		if err != nil {
			return err
		}
		said := report.Benign
		switch row[len(f.Features)] {
		case 0:
		case 1:
			said = report.Incident
		default:
			return inputError{fmt.Errorf("%s: %s is %v; it is 1 for an incident, or 0", o.rows, o.label, row[len(f.Features)])}
		}
		t.Add(r, said, time.Time{})
	}
}
