package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/schema"

	"github.com/spf13/cobra"
)

// eventFiles are files of events, read one after the other.
type eventFiles struct {
	cmd    *cobra.Command
	files  []string
	source string
	strict bool

	quiet   bool // in a second pass: what is damaged was told in the first
	damaged int
}

// told is how many damaged lines are named one by one.
const told = 10

// each gives every event to a function.
func (f *eventFiles) each(do func(*events.Event) error) error {
	f.damaged = 0
	n := 0
	for _, name := range f.files {
		err := f.file(name, func(e *events.Event) error {
			n++
			return do(e)
		})
		if err != nil {
			return err
		}
	}
	if n == 0 {
		return inputError{fmt.Errorf("there is no event in %s", strings.Join(f.files, ", "))}
	}
	if f.damaged > told && !f.quiet {
		fmt.Fprintf(f.cmd.ErrOrStderr(), "%d lines were damaged and passed over\n", f.damaged)
	}
	f.quiet = true
	return nil
}

func (f *eventFiles) file(name string, do func(*events.Event) error) error {
	file, err := os.Open(name)
	if err != nil {
		return inputError{err}
	}
	defer file.Close()
	stream, err := events.NewStream(f.reading(name, file), f.source)
	if err != nil {
		return inputError{fmt.Errorf("%s: %w", name, err)}
	}
	err = events.Each(stream, do, func(d *events.DamagedError) error {
		if f.strict {
			return inputError{fmt.Errorf("%s:%w", name, d)}
		}
		if f.damaged++; f.damaged <= told && !f.quiet {
			fmt.Fprintf(f.cmd.ErrOrStderr(), "%s:%v; passed over\n", name, d)
		}
		return nil
	})
	if err != nil && !is[inputError](err) {
		return inputError{fmt.Errorf("%s: %w", name, err)}
	}
	return err
}

// reading tells a person at a terminal how far it is.
func (f *eventFiles) reading(name string, file *os.File) io.Reader {
	say := progress(f.cmd.ErrOrStderr())
	info, err := file.Stat()
	if say == nil || err != nil || info.Size() == 0 {
		return file
	}
	return &watched{Reader: file, step: info.Size()/10 + 1, say: func(read int64) { say(fmt.Sprintf("%s: %d %%", name, 100*read/info.Size())) }}
}

// watched says something at every step of what is read.
type watched struct {
	io.Reader
	read, step, next int64
	say              func(int64)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.read += int64(n); w.read >= w.next {
		w.say(w.read)
		w.next = w.read + w.step
	}
	return n, err
}

// readFeatures reads a Features document. What is wrong with it is printed.
func (o *options) readFeatures(cmd *cobra.Command, name string) (schema.FeaturesSpec, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return schema.FeaturesSpec{}, inputError{err}
	}
	doc, problems := schema.ReadFeatures(name, data)
	if doc != nil && len(problems) == 0 {
		for _, wrong := range events.Check(&doc.Features.Spec) {
			problems = append(problems, schema.Problem{Position: doc.At(fmt.Sprintf("spec.features[%d]", wrong.Index)), Severity: schema.Error, Message: wrong.Message, Rule: "feature"})
		}
	}
	if len(problems) > 0 {
		return schema.FeaturesSpec{}, errors.Join(errSpec, o.print(cmd, problems))
	}
	return doc.Features.Spec, nil
}

// trainOnEvents trains a model and writes it.
func trainOnEvents(cmd *cobra.Command, files *eventFiles, spec schema.FeaturesSpec, out string, o forest.Options, l *lesson) (*events.Model, error) {
	for _, name := range files.files {
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
			return nil, inputError{fmt.Errorf("%s is no regular file; a training reads its events twice", name)}
		}
	}
	seen := 0
	files.source = spec.Source
	m, err := events.Train(spec, func(each func(*events.Event) error) error {
		seen = 0
		return files.each(func(e *events.Event) error {
			seen++
			l.find(e)
			return each(e)
		})
	}, o)
	if err != nil {
		if is[inputError](err) {
			return nil, err
		}
		return nil, inputError{err}
	}
	digest, err := writeArtifact(out, m.Write)
	if err != nil {
		return nil, err
	}
	if idle := m.Idle(); len(idle) > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "the same in all events, or nearly: %s; is a field misspelt?\n", strings.Join(idle, ", "))
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d trees, %d features, of %d events (%d damaged), sha256:%s\n", out, len(m.Forest.Trees), len(spec.Features), seen, files.damaged, digest)
	return m, err
}

// scored is what is printed of an event.
type scored struct {
	Event      int             `json:"event"` // from 1
	UUID       string          `json:"uuid,omitempty"`
	Time       string          `json:"time,omitempty"`
	Score      float64         `json:"score"`
	Percentile float64         `json:"percentile"`
	Anomaly    bool            `json:"anomaly"`
	Priority   string          `json:"priority,omitempty"`
	Rule       string          `json:"rule,omitempty"`
	Namespace  string          `json:"namespace,omitempty"`
	Caller     string          `json:"caller,omitempty"`
	Callee     string          `json:"callee,omitempty"`
	Skill      string          `json:"skill,omitempty"`
	Reasons    []events.Reason `json:"reasons,omitempty"`
}

// scoreEvents prints a line of JSON for each event from a percentile on.
func scoreEvents(cmd *cobra.Command, files *eventFiles, m *events.Model, above float64, reasons int) error {
	files.source = m.Spec.Source
	s := m.Scorer()
	out := bufio.NewWriter(cmd.OutOrStdout())
	e := json.NewEncoder(out)
	n := 0
	err := files.each(func(event *events.Event) error {
		n++
		r, err := s.Score(event)
		if err != nil || r.Percentile < above {
			return err
		}
		line := scored{Event: n, Score: r.Score, Percentile: r.Percentile, Anomaly: r.Anomaly}
		for name, text := range map[string]*string{"uuid": &line.UUID, "time": &line.Time, "priority": &line.Priority, "k8s.ns.name": &line.Namespace, "rule": &line.Rule, "caller": &line.Caller, "callee": &line.Callee, "skill": &line.Skill} {
			*text, _ = event.Get(name)
		}
		if reasons > 0 {
			if line.Reasons, err = s.Reasons(event, reasons); err != nil {
				return err
			}
		}
		return e.Encode(line)
	})
	return errors.Join(err, out.Flush())
}

func readModel(name string) (*events.Model, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, inputError{err}
	}
	defer file.Close()
	m, err := events.Read(bufio.NewReader(file))
	if err != nil {
		return nil, inputError{fmt.Errorf("%s is no forest of events, which agentc forest train --events writes: %w", name, err)}
	}
	return m, nil
}
