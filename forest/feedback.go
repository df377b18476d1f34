package forest

import (
	"cmp"
	"fmt"
	"slices"
)

// Feedback is what analysts' verdicts change about a forest: each moves the leaves into which its row falls, so that what looks like an incident
// counts as more unusual, and what looks benign as less. The trees stay as they are. It is a second file under review, and a fold of a list of
// verdicts that is reviewed itself: whoever has the forest and the list makes the same bytes, and a verdict taken out of the list is undone.
type Feedback struct {
	Basis
	Incidents int // verdicts that were folded
	Benign    int
	Trees     []Deltas // one for each of the forest's
}

// Basis is what feedback is made of, and how. Of the numbers, in cuts per tree, zero takes the default.
type Basis struct {
	Forest   string  // digest of the file that holds the forest: sha256:…
	Labels   string  // digest of the list of verdicts
	Rate     float64 // of one verdict: 0.5
	Promote  float64 // the most that incidents make a path shorter: 8
	Suppress float64 // the most that benign verdicts make it longer: 1
}

// Suppressing is the dangerous direction. On mammography, halves as in TestFeedbackHeldOut, 60 verdicts, all benign and all a lie, leave of the
// .33 of the anomalies that are beyond percentile 95: .22 where suppress is 1, .13 at 2, .04 at 4, .03 at 8; and true verdicts lose nothing by it:
// the average precision is .544 at 1 and at 8. Promote is where that figure stops growing: .188 without, .414 at 2, .492 at 4, .544 at 8, .566 at 64.
const (
	rate     = 0.5
	promote  = 8
	suppress = 1
)

// Limits of the numbers, for whoever reads feedback that somebody else wrote.
const (
	MaxPromote  = 16
	MaxSuppress = 2
)

// Deltas are the leaves of a tree that were moved.
type Deltas struct {
	Leaf  []int32   `json:"leaf"`  // numbers of nodes, ascending
	Delta []float64 `json:"delta"` // cuts; less than zero is more unusual, and none is zero
}

// Verdict is what an analyst said of a row.
type Verdict struct {
	Row      []float32
	Incident bool // else it was benign
}

func (b Basis) withDefaults() Basis {
	b.Rate = cmp.Or(b.Rate, rate)
	b.Promote = cmp.Or(b.Promote, promote)
	b.Suppress = cmp.Or(b.Suppress, suppress)
	return b
}

// Fold makes feedback of verdicts, in the order of the list. At every step a leaf stays within the limits, and not only at the end: however many
// verdicts moved it one way, a few move it back.
func Fold(f *Forest, verdicts []Verdict, b Basis) (*Feedback, error) {
	fb := &Feedback{Basis: b.withDefaults(), Trees: make([]Deltas, len(f.Trees))}
	if err := fb.Basis.check(); err != nil {
		return nil, err
	}
	s := f.Scorer()
	moved := make([]map[int32]float64, len(f.Trees))
	for t := range moved {
		moved[t] = map[int32]float64{}
	}
	for i, v := range verdicts {
		if err := s.read(v.Row); err != nil {
			return nil, fmt.Errorf("verdict %d: %w", i+1, err)
		}
		step := fb.count(v)
		for t := range f.Trees {
			leaf := s.leaf(&f.Trees[t])
			moved[t][leaf] = min(max(moved[t][leaf]+step, -fb.Promote), fb.Suppress)
		}
	}
	for t := range moved {
		fb.Trees[t] = deltasOf(moved[t])
	}
	return fb, nil
}

// count counts a verdict, and says by how much it moves a leaf.
func (fb *Feedback) count(v Verdict) float64 {
	if v.Incident {
		fb.Incidents++
		return -fb.Rate
	}
	fb.Benign++
	return fb.Rate
}

// leaf is the number of the leaf into which the row that was read falls.
func (s *Scorer) leaf(t *Tree) int32 {
	at := int32(0)
	for t.Feature[at] >= 0 {
		if s.keys[t.Feature[at]] > key(t.Threshold[at]) {
			at = t.Right[at]
		} else {
			at = t.Left[at]
		}
	}
	return at
}

func deltasOf(moved map[int32]float64) (d Deltas) {
	for leaf, delta := range moved {
		if delta != 0 {
			d.Leaf = append(d.Leaf, leaf)
		}
	}
	slices.Sort(d.Leaf)
	for _, leaf := range d.Leaf {
		d.Delta = append(d.Delta, moved[leaf])
	}
	return d
}

// Leaves is how many leaves are moved, in all trees.
func (fb *Feedback) Leaves() int {
	n := 0
	for _, t := range fb.Trees {
		n += len(t.Leaf)
	}
	return n
}
