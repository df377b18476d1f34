package forest

import (
	"fmt"
	"io"
)

// feedbackFormat is raised when an older reader would misunderstand a newer file.
const feedbackFormat = 1

// maxFeedback is how many bytes of feedback are read.
const maxFeedback = 8 << 20

// feedbackFile is feedback as it is written: one line for each tree, so that Git shows what a verdict changed.
type feedbackFile struct {
	Format    int      `json:"format"`
	Forest    string   `json:"forest"`
	Labels    string   `json:"labels"`
	Incidents int      `json:"incidents"`
	Benign    int      `json:"benign"`
	Rate      float64  `json:"rate"`
	Promote   float64  `json:"promote"`
	Suppress  float64  `json:"suppress"`
	Trees     []Deltas `json:"trees"`
}

// Write writes the canonical form: the same feedback, the same bytes.
func (fb *Feedback) Write(w io.Writer) error {
	trees := make([]Deltas, len(fb.Trees))
	for i, d := range fb.Trees {
		trees[i] = Deltas{append([]int32{}, d.Leaf...), append([]float64{}, d.Delta...)} // none is [], and not null
	}
	return writeLines(w, feedbackFile{feedbackFormat, fb.Forest, fb.Labels, fb.Incidents, fb.Benign, fb.Rate, fb.Promote, fb.Suppress, []Deltas{}}, trees)
}

// ReadFeedback reads feedback. Its canonical form is the only one.
func ReadFeedback(r io.Reader) (*Feedback, error) {
	data, err := ReadAll(r, maxFeedback, "feedback")
	if err != nil {
		return nil, err
	}
	var in feedbackFile
	err = parse(data, members{
		"format":    scalar(&in.Format),
		"forest":    scalar(&in.Forest),
		"labels":    scalar(&in.Labels),
		"incidents": scalar(&in.Incidents),
		"benign":    scalar(&in.Benign),
		"rate":      scalar(&in.Rate),
		"promote":   scalar(&in.Promote),
		"suppress":  scalar(&in.Suppress),
		"trees": list(&in.Trees, MaxTrees, "tree", "trees", func(text []byte, d *Deltas) error {
			return object(text, members{"leaf": int32s(&d.Leaf), "delta": float64s(&d.Delta)})
		}),
	})
	if err != nil {
		return nil, err
	}
	if in.Format != feedbackFormat {
		return nil, fmt.Errorf("feedback of format %d; this reads %d", in.Format, feedbackFormat)
	}
	fb := &Feedback{Basis{in.Forest, in.Labels, in.Rate, in.Promote, in.Suppress}, in.Incidents, in.Benign, in.Trees}
	if err := fb.check(); err != nil {
		return nil, err
	}
	if err := canonical(data, fb.Write); err != nil {
		return nil, fmt.Errorf("not in the form in which feedback is written: %w", err)
	}
	return fb, nil
}
