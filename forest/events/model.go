package events

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

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

// Limits of a model's file. A forest takes up to 48 MiB; the features come from a document that is no larger than 1 MiB.
const (
	maxFile     = 96 << 20
	maxFeatures = 2 << 20
)

// Write writes the canonical form: keys sorted, a line for the features, one for each table, and the forest as it is written alone.
func (m *Model) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	fmt.Fprintf(b, "{\"format\":%d,\n\"features\":", fileFormat)
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
	if err := m.Forest.Write(b); err != nil {
		return err
	}
	b.WriteString("}\n")
	return b.Flush()
}

// Read reads a model; its canonical form is the only one. Lists are counted before there is room for them, or a small file would take a large part of
// the memory.
func Read(r io.Reader) (*Model, error) {
	data, err := forest.ReadAll(r, maxFile, "model")
	if err != nil {
		return nil, err
	}
	text := string(data)
	m, err := parseModel(text)
	if err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	s := same{text}
	if err := m.Write(&s); err != nil || s.rest != "" {
		return nil, errors.New("not in the form in which a model is written: it was edited, or written by something else")
	}
	return m, nil
}

// same takes what is written, and refuses what is not the text that it holds.
type same struct{ rest string }

func (s *same) Write(p []byte) (int, error) {
	if len(p) > len(s.rest) || s.rest[:len(p)] != string(p) {
		return 0, errors.New("it is other")
	}
	s.rest = s.rest[len(p):]
	return len(p), nil
}

func parseModel(text string) (*Model, error) {
	var format, features, tables, trees string
	if err := strict(text, wanted{"format", &format}, wanted{"features", &features}, wanted{"tables", &tables}, wanted{"forest", &trees}); err != nil {
		return nil, err
	}
	if format != strconv.Itoa(fileFormat) {
		return nil, fmt.Errorf("a model of format %.20s; this reads %d", format, fileFormat)
	}
	m := &Model{}
	if err := parseFeatures(features, &m.Spec); err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	if err := parseTables(tables, m); err != nil {
		return nil, fmt.Errorf("tables: %w", err)
	}
	var err error
	if m.Forest, err = forest.Read(io.MultiReader(strings.NewReader(trees), strings.NewReader("\n"))); err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	return m, nil
}

// strict finds members of the object that a text is, and wants no others.
func strict(text string, all ...wanted) error {
	var unknown error
	err := members(text, func(name, value string) {
		i := slices.IndexFunc(all, func(w wanted) bool { return w.name == name })
		if i < 0 {
			if unknown == nil {
				unknown = fmt.Errorf("json: unknown field %.40q", name)
			}
			return
		}
		*all[i].into = value
	})
	return errors.Join(err, unknown)
}

func parseFeatures(text string, spec *schema.FeaturesSpec) error {
	if len(text) > maxFeatures {
		return fmt.Errorf("they are larger than %d MiB", maxFeatures>>20)
	}
	var team, source, features string
	if err := strict(text, wanted{"team", &team}, wanted{"source", &source}, wanted{"features", &features}); err != nil {
		return err
	}
	n, err := count(features)
	if err != nil {
		return err
	}
	if n > forest.MaxFeatures {
		return fmt.Errorf("%d features; 1 to %d are possible", n, forest.MaxFeatures)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(spec)
}

// count the elements of a list.
func count(list string) (n int, err error) {
	err = elements(list, func(string) { n++ })
	return n, err
}

// parseTables reads the tables of a model, as many as it has features.
func parseTables(list string, m *Model) error {
	n, err := count(list)
	if err != nil {
		return err
	}
	if n != len(m.Spec.Features) {
		return fmt.Errorf("%d tables of %d features", n, len(m.Spec.Features))
	}
	m.Tables = make([]*Table, 0, n)
	var wrong error
	err = elements(list, func(text string) {
		if wrong != nil {
			return
		}
		var t *Table
		if text != "null" {
			t, wrong = parseTable(text)
		}
		m.Tables = append(m.Tables, t)
	})
	if wrong != nil {
		return fmt.Errorf("table %d: %w", len(m.Tables)-1, wrong)
	}
	return err
}

func parseTable(text string) (*Table, error) {
	var total, counts string
	if err := strict(text, wanted{"total", &total}, wanted{"counts", &counts}); err != nil {
		return nil, err
	}
	n := 0
	if err := members(counts, func(string, string) { n++ }); err != nil {
		return nil, err
	}
	if n > maxValues {
		return nil, fmt.Errorf("%d values; up to %d are possible", n, maxValues)
	}
	t := &Table{Counts: make(map[string]int, n)}
	var wrong error
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil && wrong == nil {
			wrong = fmt.Errorf("%.40q is no whole number", text)
		}
		return n
	}
	t.Total = number(total)
	err := members(counts, func(value, times string) { t.Counts[strings.Clone(value)] = number(times) })
	return t, errors.Join(err, wrong)
}

func (m *Model) check() error {
	if m.Spec.Source != SourceFalco && m.Spec.Source != SourceCalls {
		return fmt.Errorf("the source of the events is %.80q; it is %s or %s", m.Spec.Source, SourceFalco, SourceCalls)
	}
	if wrong := Check(&m.Spec); len(wrong) > 0 {
		return wrong[0]
	}
	if m.Forest.Quantiles.Rows == 0 {
		return errors.New("it has no quantiles of a training: no event would have a percentile")
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
