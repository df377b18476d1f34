package forest

import (
	"fmt"
	"math"
)

// How a row is scored. A processor waits mostly for two things here: for the next node to be loaded, and after a branch that it guessed
// wrong. So eight trees are walked at a time, whose loads do not wait for each other, and no step of a walk is a branch: a node is eight bytes,
// children stand side by side, which of them comes next is arithmetic, and a leaf leads to itself, so that all walks take as many steps as
// the deepest. Floats are compared as integers of the same order. It needs nothing unsafe.

// flat is a forest laid out for walking.
type flat struct {
	nodes  []node
	leaf   []float64 // by node: what a walk that ends there adds to the depth sum
	plain  []float64 // the same without feedback; nil where there is none
	roots  []uint32
	steps  []int   // by group of eight trees: those of its deepest
	normal float64 // the depth sum is divided by it: trees × the average path length of the sample
}

// node of a tree: a value's key that is greater than the node's goes right.
type node struct {
	key  int32
	next uint32 // index of the left child, and in the low bits the feature
}

// keys of a row. There are as many as the low bits of a node can say, so that no look into them needs a check of its bounds.
type keys [MaxFeatures]int32

const (
	featureBits = 12
	featureMask = MaxFeatures - 1 // of a node's next
)

// together is how many trees are walked at a time.
const together = 8

// everyKey is no less than any value's.
const everyKey = math.MaxInt32

func flatten(f *Forest) flat {
	l := flat{normal: float64(len(f.Trees)) * f.C[f.SampleSize]}
	nodes := 1
	for i := range f.Trees {
		nodes += len(f.Trees[i].Feature)
	}
	l.nodes, l.leaf = append(make([]node, 0, nodes), node{everyKey, 0}), append(make([]float64, 0, nodes), 0) // a tree of nothing, which adds nothing
	for i := range f.Trees {
		if i%together == 0 {
			l.steps = append(l.steps, 0)
		}
		l.roots = append(l.roots, uint32(len(l.nodes)))
		l.steps[i/together] = max(l.steps[i/together], l.tree(&f.Trees[i], f.C))
	}
	for len(l.roots)%together != 0 {
		l.roots = append(l.roots, 0)
	}
	return l
}

// tree lays out one tree, children side by side, and returns its depth.
func (l *flat) tree(t *Tree, c []float64) (deepest int) {
	root := len(l.nodes)
	children := root + 1
	for i, p := range t.places() {
		deepest = max(deepest, p.depth)
		if t.Feature[p.from] < 0 {
			l.nodes = append(l.nodes, node{everyKey, uint32(root+i) << featureBits})
			// In this order, as in sklearn/ensemble/_iforest.py, _compute_score_samples: edges + 1 nodes, and one less.
			l.leaf = append(l.leaf, float64(p.depth+1)+c[t.N[p.from]]-1)
			continue
		}
		l.nodes = append(l.nodes, node{key(t.Threshold[p.from]), uint32(children)<<featureBits | uint32(t.Feature[p.from])})
		l.leaf = append(l.leaf, 0)
		children += 2
	}
	return deepest
}

// bounds are the least depth sum and the greatest: of each tree's least leaf, and of its greatest. They are added as depthSum adds, so that rounding
// takes no sum beyond them.
func (l *flat) bounds(trees int) (least, greatest float64) {
	for i := range trees {
		end := len(l.nodes)
		if i+1 < trees {
			end = int(l.roots[i+1])
		}
		low, high := math.Inf(1), math.Inf(-1)
		for at := int(l.roots[i]); at < end; at++ {
			if int(l.nodes[at].next>>featureBits) == at {
				low, high = min(low, l.leaf[at]), max(high, l.leaf[at])
			}
		}
		least, greatest = least+low, greatest+high
	}
	return least, greatest
}

// place is where a node of a tree is laid out: by its number in the list of them.
type place struct {
	from  int32 // its number in the tree
	depth int
}

// places are a tree's nodes, level by level, so that children stand side by side.
func (t *Tree) places() []place {
	order := append(make([]place, 0, len(t.Feature)), place{0, 0})
	for i := 0; i < len(order); i++ {
		if p := order[i]; t.Feature[p.from] >= 0 {
			order = append(order, place{t.Left[p.from], p.depth + 1}, place{t.Right[p.from], p.depth + 1})
		}
	}
	return order
}

// key is an integer in the order of floats. The two zeros are one.
func key(x float32) int32 {
	b := int32(math.Float32bits(x + 0))
	return b ^ int32(uint32(b>>31)>>1)
}

// NotFiniteError says that a value of a row is no number that can be compared.
type NotFiniteError struct {
	Feature string
	Value   float64
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("%s is %v; a value must be finite, and what is missing has a value of its own", e.Feature, e.Value)
}

// Scorer scores rows, one at a time, and allocates nothing.
type Scorer struct {
	*Forest
	keys keys
}

// Scorer for one goroutine.
func (f *Forest) Scorer() *Scorer { return &Scorer{Forest: f} }

// Result of a row.
type Result struct {
	DepthSum   float64 // cuts over all trees until the row was alone: less is more unusual
	Score      float64 // scikit-learn's score_samples: -1 to 0, less is more unusual
	Percentile float64 // share of the training rows that are no more unusual, 0 to 100; 0 where the forest has no quantiles
	Anomaly    bool    // the score is below the forest's offset
}

// Score says how unusual a row is: a value for each feature, in their order.
func (s *Scorer) Score(row []float32) (Result, error) {
	if err := s.read(row); err != nil {
		return Result{}, err
	}
	sum := s.flat.depthSum(&s.keys)
	score := s.flat.score(sum)
	return Result{DepthSum: sum, Score: score, Percentile: s.Quantiles.Percentile(sum), Anomaly: score-s.Offset < 0}, nil
}

// read makes the keys of a row.
func (s *Scorer) read(row []float32) error {
	if len(row) != len(s.Features) {
		return fmt.Errorf("a row of %d values; the forest has %d features", len(row), len(s.Features))
	}
	keys := &s.keys
	for i, x := range row {
		if math.Float32bits(x)&0x7f800000 == 0x7f800000 {
			return &NotFiniteError{s.Features[i], float64(x)}
		}
		keys[i&featureMask] = key(x)
	}
	return nil
}

func (l *flat) score(sum float64) float64 {
	if l.normal == 0 { // a sample of one row: as scikit-learn has it
		return -0.5
	}
	return -math.Exp2(-sum / l.normal)
}

func (l *flat) depthSum(keys *keys) float64 {
	nodes, leaf, roots := l.nodes, l.leaf, l.roots
	sum := 0.0
	for _, steps := range l.steps {
		a, b, c, d, e, f, g, h := roots[0], roots[1], roots[2], roots[3], roots[4], roots[5], roots[6], roots[7]
		roots = roots[together:]
		for range steps {
			a = next(nodes[a], keys)
			b = next(nodes[b], keys)
			c = next(nodes[c], keys)
			d = next(nodes[d], keys)
			e = next(nodes[e], keys)
			f = next(nodes[f], keys)
			g = next(nodes[g], keys)
			h = next(nodes[h], keys)
		}
		// One after the other: floats are added in the order of the trees, or the last bit would be another.
		sum += leaf[a]
		sum += leaf[b]
		sum += leaf[c]
		sum += leaf[d]
		sum += leaf[e]
		sum += leaf[f]
		sum += leaf[g]
		sum += leaf[h]
	}
	return sum
}

// next is the child to which a row goes: one to the right where its key is greater, which is the sign of a difference.
func next(n node, keys *keys) uint32 {
	return n.next>>featureBits + uint32(uint64(int64(n.key)-int64(keys[n.next&featureMask]))>>63)
}
