package events

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"agentc/forest"
	"agentc/schema"
)

// MaxRows is how many rows a forest is trained on at most; of more, a choice that depends on the rows alone.
const MaxRows = 1 << 18

// Source opens the events of a training from their beginning. It is called twice: what is counted in the first pass makes the numbers of the
// second.
type Source func(each func(*Event) error) error

// Train counts the values of the rarities, makes rows of the events and fits a forest to them.
func Train(spec schema.FeaturesSpec, events Source, o forest.Options) (*Model, error) {
	if wrong := Check(&spec); len(wrong) > 0 {
		return nil, wrong[0]
	}
	m := &Model{Spec: spec, Tables: make([]*Table, len(spec.Features))}
	var names []string
	for i, f := range spec.Features {
		names = append(names, f.Name)
		if f.Rarity != nil {
			m.Tables[i] = &Table{Counts: map[string]int{}}
		}
	}
	if err := events(m.count); err != nil {
		return nil, err
	}
	r, sample := rowsOf(m), forest.Sampler{Features: names, Most: MaxRows}
	all, blank := 0, 0
	err := events(func(e *Event) error {
		sample.Add(r.of(e))
		if all++; !r.seen(e) {
			blank++
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case 2*blank > all:
		return nil, strangers(&spec, blank, all)
	}
	if m.Forest, err = forest.Fit(sample.Rows(), o); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Model) count(e *Event) error {
	for i, t := range m.Tables {
		if t == nil {
			continue
		}
		key := keyOf(&m.Spec.Features[i], e)
		t.Total++
		t.Counts[key]++
		if len(t.Counts) > maxValues {
			return &FeatureError{i, fmt.Sprintf("%s has more than %d different values, so that it is no category; %v can be a number or a text",
				m.Spec.Features[i].Name, maxValues, slices.Compact(m.Spec.Features[i].Rarity))}
		}
	}
	return nil
}

// Each calls a function with every event of a stream. Damaged lines are given to damaged, which may end the run.
func Each(s *Stream, each func(*Event) error, damaged func(*DamagedError) error) error {
	for {
		e, err := s.Next()
		var wrong *DamagedError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &wrong):
			err = damaged(wrong)
		case err == nil:
			err = each(e)
		}
		if err != nil {
			return err
		}
	}
}
