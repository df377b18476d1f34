// Package forest is the prefilter: an Isolation Forest (Liu, Ting, Zhou 2008) that says how unusual an event is, and by which of its features.
//
// Each tree cuts a small sample of the training rows at random until every row is alone. An unusual row is alone after few cuts, so the fewer
// cuts a row needs over all trees, its depth sum, the more unusual it is. Nothing else is decided here: which events are worth an agent's
// time is a threshold that reviewers own.
//
// A forest is a file under review. The same rows and the same seed make the same bytes, in whatever order the rows come, and a forest scores a
// row alike wherever it runs. The arithmetic is scikit-learn's, so that a model of theirs can be imported and gives the same depth sums to
// the last bit; the terms are cited beside the code.
package forest

import (
	"errors"
	"fmt"
	"math"
)

// Forest is a trained model. It is read-only, and any number of Scorers may share it.
type Forest struct {
	Features   []string  // names of the columns of a row
	SampleSize int       // training rows that each tree was drawn
	Offset     float64   // a row is an anomaly where its score is below; -0.5 unless a share of anomalies was asked for
	C          []float64 // average path length in a tree of n rows, by n; as the training host computed it
	Trees      []Tree
	Quantiles  Quantiles // of the training rows' depth sums; empty where the model was imported without them

	flat flat
}

// Tree is one tree, as parallel lists of nodes. A parent stands before its children, and the root first.
type Tree struct {
	Feature   []int32   `json:"feature"` // whose value is compared; -1 at a leaf
	Threshold []float32 `json:"threshold"`
	Left      []int32   `json:"left"`  // for value <= threshold
	Right     []int32   `json:"right"` // for value > threshold
	N         []int32   `json:"n"`     // training rows that came here
}

// Limits of a forest, for whoever reads one that somebody else wrote.
const (
	MaxTrees    = 1000
	MaxFeatures = 1 << 12
	MaxNodes    = 1<<20 - 1 // of all trees
	MaxDepth    = 64
	maxSample   = 1 << 20
)

// New makes a forest of its parts, or says what is wrong with them.
func New(f Forest) (*Forest, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	f.flat = flatten(&f)
	if err := f.checkQuantiles(); err != nil {
		return nil, err
	}
	return &f, nil
}

// checkQuantiles wants them to be of this forest: of no fewer rows than a tree was drawn, and of sums that its leaves can add up to.
func (f *Forest) checkQuantiles() error {
	q := &f.Quantiles
	if q.Rows == 0 {
		return nil
	}
	if q.Rows < f.SampleSize {
		return fmt.Errorf("quantiles of %d rows; the sample of a tree is %d of them", q.Rows, f.SampleSize)
	}
	least, greatest := f.flat.bounds(len(f.Trees))
	if first, last := q.Sums[0], q.Sums[len(q.Sums)-1]; first < least || last > greatest {
		return fmt.Errorf("quantiles from the depth sum %v to %v; the leaves add up to %v to %v", first, last, least, greatest)
	}
	return nil
}

func (f *Forest) check() error {
	switch {
	case len(f.Features) == 0 || len(f.Features) > MaxFeatures:
		return fmt.Errorf("%d features; 1 to %d are possible", len(f.Features), MaxFeatures)
	case len(f.Trees) == 0 || len(f.Trees) > MaxTrees:
		return fmt.Errorf("%d trees; 1 to %d are possible", len(f.Trees), MaxTrees)
	case f.SampleSize < 1 || f.SampleSize > maxSample:
		return fmt.Errorf("a sample of %d rows; 1 to %d are possible", f.SampleSize, maxSample)
	case !finite(f.Offset) || f.Offset < -1 || f.Offset > 0:
		return fmt.Errorf("offset %v; scores lie between -1 and 0", f.Offset)
	}
	seen := map[string]bool{}
	for i, name := range f.Features {
		if name == "" || seen[name] {
			return fmt.Errorf("feature %d is called %.80q, as no other may be", i, name)
		}
		seen[name] = true
	}
	if err := f.checkPaths(); err != nil {
		return err
	}
	nodes := 0
	for i := range f.Trees {
		t := &f.Trees[i]
		if nodes += len(t.Feature); nodes > MaxNodes {
			return fmt.Errorf("more than %d nodes", MaxNodes)
		}
		if err := t.check(len(f.Features), f.SampleSize); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return f.Quantiles.check()
}

// checkPaths compares the table with the formula. A table is imported to be exact to the last bit, and must not be another function.
func (f *Forest) checkPaths() error {
	if len(f.C) != f.SampleSize+1 {
		return fmt.Errorf("%d average path lengths for a sample of %d rows; there must be one more than rows", len(f.C), f.SampleSize)
	}
	for n, c := range f.C {
		if want := averagePath(n); !(math.Abs(c-want) <= 1e-9*max(1, want)) {
			return fmt.Errorf("the average path length of %d rows is %v, not %v", n, c, want)
		}
	}
	return nil
}

// averagePath is how many cuts a search that fails needs on average in a binary tree of n rows; sklearn/ensemble/_iforest.py,
// _average_path_length.
func averagePath(n int) float64 {
	switch {
	case n <= 1:
		return 0
	case n == 2:
		return 1
	}
	const euler = 0.5772156649015329 // numpy.euler_gamma
	m := float64(n)
	return 2*(math.Log(m-1)+euler) - 2*(m-1)/m
}

func averagePaths(sample int) []float64 {
	c := make([]float64, sample+1)
	for n := range c {
		c[n] = averagePath(n)
	}
	return c
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

var errShape = errors.New("its lists are of different lengths, or empty")

// check wants a tree: every node but the root is the child of exactly one node before it, and no row is lost on the way down.
func (t *Tree) check(features, sample int) error {
	nodes := len(t.Feature)
	if nodes == 0 || len(t.Threshold) != nodes || len(t.Left) != nodes || len(t.Right) != nodes || len(t.N) != nodes {
		return errShape
	}
	if n := int(t.N[0]); n < 1 || n > sample {
		return fmt.Errorf("%d rows at the root; the sample is %d", n, sample)
	}
	depth := make([]int, nodes) // 0: nobody's child so far
	depth[0] = 1
	for i := range nodes {
		switch f := t.Feature[i]; {
		case depth[i] == 0:
			return fmt.Errorf("node %d is the child of none before it", i)
		case f == -1:
			if t.Left[i] != -1 || t.Right[i] != -1 {
				return fmt.Errorf("node %d is a leaf with children", i)
			}
			continue
		case f < 0 || int(f) >= features:
			return fmt.Errorf("node %d asks feature %d of %d", i, f, features)
		case !finite(float64(t.Threshold[i])):
			return fmt.Errorf("node %d has the threshold %v", i, t.Threshold[i])
		case depth[i] > MaxDepth:
			return fmt.Errorf("node %d is deeper than %d", i, MaxDepth)
		}
		for _, child := range []int32{t.Left[i], t.Right[i]} {
			if child <= int32(i) || int(child) >= nodes {
				return fmt.Errorf("node %d has the child %d; a child stands after its parent", i, child)
			}
			if depth[child] != 0 {
				return fmt.Errorf("node %d is the child of two", child)
			}
			if t.N[child] < 1 {
				return fmt.Errorf("node %d has %d rows", child, t.N[child])
			}
			depth[child] = depth[i] + 1
		}
		if sum := int64(t.N[t.Left[i]]) + int64(t.N[t.Right[i]]); sum != int64(t.N[i]) {
			return fmt.Errorf("node %d has %d rows and its children %d", i, t.N[i], sum)
		}
	}
	return nil
}
