package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"agentc/forest"
	"agentc/schema"
)

// Model turns an event into a score: the features, what was counted in the training, and the forest.
type Model struct {
	Spec   schema.FeaturesSpec
	Tables []*Table // by feature; nil for one that is no rarity
	Forest *forest.Forest
}

// fileFormat of a model.
const fileFormat = 1

// maxFile is how many bytes of a model are read.
const maxFile = 128 << 20

// file is the canonical form: keys sorted, a line for the features, one for each table, and the forest as it is written alone.
type file struct {
	Format   int                 `json:"format"`
	Features schema.FeaturesSpec `json:"features"`
	Tables   []*Table            `json:"tables"`
	Forest   json.RawMessage     `json:"forest"`
}

// Write writes the canonical form.
func (m *Model) Write(w io.Writer) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	fmt.Fprintf(&b, "{\"format\":%d,\n\"features\":", fileFormat)
	if err := e.Encode(m.Spec); err != nil {
		return err
	}
	b.WriteString(",\"tables\":[")
	for i, t := range m.Tables {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(t); err != nil {
			return err
		}
	}
	b.WriteString("],\"forest\":")
	if err := m.Forest.Write(&b); err != nil {
		return err
	}
	b.WriteString("}\n")
	_, err := w.Write(b.Bytes())
	return err
}

// Read reads a model; its canonical form is the only one.
func Read(r io.Reader) (*Model, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("the model is larger than %d MiB", maxFile>>20)
	}
	var in file
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, err
	}
	if in.Format != fileFormat {
		return nil, fmt.Errorf("a model of format %d; this reads %d", in.Format, fileFormat)
	}
	f, err := forest.Read(bytes.NewReader(append(in.Forest, '\n')))
	if err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	m := &Model{in.Features, in.Tables, f}
	if err := m.check(); err != nil {
		return nil, err
	}
	var again bytes.Buffer
	if err := m.Write(&again); err != nil {
		return nil, err
	}
	if !bytes.Equal(data, again.Bytes()) {
		return nil, errors.New("not in the form in which a model is written: it was edited, or written by something else")
	}
	return m, nil
}

func (m *Model) check() error {
	if wrong := Check(&m.Spec); len(wrong) > 0 {
		return wrong[0]
	}
	if len(m.Tables) != len(m.Spec.Features) || len(m.Forest.Features) != len(m.Spec.Features) {
		return fmt.Errorf("%d features, %d tables, and a forest of %d", len(m.Spec.Features), len(m.Tables), len(m.Forest.Features))
	}
	for i := range m.Spec.Features {
		f, t := &m.Spec.Features[i], m.Tables[i]
		if m.Forest.Features[i] != f.Name {
			return fmt.Errorf("features[%d] is %s, and %s in the forest", i, f.Name, m.Forest.Features[i])
		}
		if (t != nil) != (f.Rarity != nil) {
			return fmt.Errorf("features[%d] has a table and is no rarity, or the other way round", i)
		}
		if t == nil {
			continue
		}
		sum := 0
		for key, n := range t.Counts {
			if n < 1 || n > t.Total {
				return fmt.Errorf("features[%d]: %q occurred %d times, of %d", i, key, n, t.Total)
			}
			sum += n
		}
		if sum != t.Total || len(t.Counts) > maxValues {
			return fmt.Errorf("features[%d]: %d values that occurred %d times, of %d", i, len(t.Counts), sum, t.Total)
		}
	}
	return nil
}

// Scorer scores events, one at a time.
type Scorer struct {
	*Model
	forest *forest.Scorer
	rows   *rows
	credit []float64 // of each feature, and of the feedback
}

// Scorer for one goroutine.
func (m *Model) Scorer() *Scorer {
	return &Scorer{m, m.Forest.Scorer(), rowsOf(m), make([]float64, len(m.Spec.Features)+1)}
}

// Row of an event, good until the next.
func (s *Scorer) Row(e *Event) []float32 { return s.rows.of(e) }

// Score an event.
func (s *Scorer) Score(e *Event) (forest.Result, error) { return s.forest.Score(s.Row(e)) }

// Reason is one feature that made an event unusual, with its value; or the feedback, with the cuts that it spared in the mean tree.
type Reason struct {
	Feature string  `json:"feature"`
	Value   float32 `json:"value"`
	Credit  float64 `json:"credit"` // cuts that it spared; the more, the more it counts
}

// Reasons are up to n features, and the feedback, that made the event unusual, the weightiest first.
func (s *Scorer) Reasons(e *Event, n int) ([]Reason, error) {
	row := s.Row(e)
	if err := s.forest.Credit(row, s.credit); err != nil {
		return nil, err
	}
	feedback, err := s.forest.FeedbackCredit(row)
	if err != nil {
		return nil, err
	}
	s.credit[len(row)] = feedback
	var reasons []Reason
	for len(reasons) < n {
		best := -1
		for i, c := range s.credit {
			if c < 0 && (best < 0 || c < s.credit[best]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		reasons = append(reasons, s.reason(row, best))
		s.credit[best] = 0
	}
	return reasons, nil
}

func (s *Scorer) reason(row []float32, i int) Reason {
	if i == len(row) {
		return Reason{FeedbackReason, float32(-s.credit[i] / float64(len(s.Forest.Trees))), -s.credit[i]}
	}
	return Reason{s.Spec.Features[i].Name, row[i], -s.credit[i]}
}
