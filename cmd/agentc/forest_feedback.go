package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"agentc/forest"
	"agentc/forest/events"

	"github.com/spf13/cobra"
)

// lesson is what analysts said, and the file of what it changes about a forest.
type lesson struct {
	from, out string

	labels []events.Label
	digest string
	bare   map[string][]int // labels that are but a uuid, by it
}

func (l *lesson) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.from, "labels", "", "what analysts said of events, a JSON object a line")
	cmd.Flags().StringVar(&l.out, "feedback", "", "file of what the labels change about the forest")
}

// read reads the labels, before time is spent on a training.
func (l *lesson) read(source string) (err error) {
	if (l.from == "") != (l.out == "") {
		return usageError{errors.New("--labels and --feedback go together")}
	}
	l.labels, l.digest, err = readLabels(l.from, source)
	return err
}

// find takes an event that a label means by its uuid alone.
func (l *lesson) find(e *events.Event) {
	if l.bare == nil {
		l.bare = map[string][]int{}
		for i, label := range l.labels {
			if label.Event.Bare() {
				l.bare[label.Event.ID()] = append(l.bare[label.Event.ID()], i)
			}
		}
	}
	if len(l.bare) == 0 {
		return
	}
	for _, i := range l.bare[e.ID()] {
		l.labels[i].Event = e
	}
}

// teach writes the feedback of a forest that has just been written itself.
func (l *lesson) teach(cmd *cobra.Command, m *events.Model) error {
	if l.from == "" {
		return nil
	}
	fb, err := events.Fold(m, l.labels, forest.Basis{Labels: l.digest})
	if err != nil {
		return inputError{fmt.Errorf("%s:%w", l.from, err)}
	}
	digest, err := writeArtifact(l.out, fb.Write)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d incident and %d benign verdicts, %d leaves moved, sha256:%s\n", l.out, fb.Incidents, fb.Benign, fb.Leaves(), digest)
	return err
}

// readLabels reads the labels of a file, of events of a source, and says its digest; none where there is no file.
func readLabels(name, source string) ([]events.Label, string, error) {
	if name == "" {
		return nil, "", nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, "", inputError{err}
	}
	defer file.Close()
	sum := sha256.New()
	labels, err := events.ReadLabels(io.TeeReader(file, sum), source)
	if err != nil {
		return nil, "", inputError{fmt.Errorf("%s:%w", name, err)}
	}
	return labels, "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// readTaught reads a model, and feedback if there is a file of it.
func readTaught(name, feedback string) (*events.Model, error) {
	m, err := readModel(name)
	if err != nil || feedback == "" {
		return m, err
	}
	taught, _, err := teach(m, feedback)
	return taught, err
}

// teach gives a model the feedback of a file.
func teach(m *events.Model, name string) (*events.Model, *forest.Feedback, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, inputError{err}
	}
	defer file.Close()
	fb, err := forest.ReadFeedback(bufio.NewReader(file))
	if err != nil {
		return nil, nil, inputError{fmt.Errorf("%s is no feedback, which agentc forest train --labels writes: %w", name, err)}
	}
	if m, err = m.With(fb); err != nil {
		return nil, nil, inputError{fmt.Errorf("%s: %w", name, err)}
	}
	return m, fb, nil
}
