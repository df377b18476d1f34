package forest

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Options of the training. The zero value of each but the seed takes the default.
type Options struct {
	Trees        int     // 100
	Sample       int     // rows drawn for each tree: 256, or all where there are fewer
	FeatureShare float64 // of all features, drawn for each tree: 1
	Bootstrap    bool    // draw a row again and again, instead of once
	Anomalies    float64 // share of the training rows that are to be anomalies, up to 0.5; 0: the offset is -0.5
	Seed         uint64
}

func (o Options) withDefaults(rows int) Options {
	o.Trees = cmp.Or(o.Trees, 100)
	o.Sample = min(cmp.Or(o.Sample, 256), rows)
	o.FeatureShare = cmp.Or(o.FeatureShare, 1)
	return o
}

// check the options as they were asked for.
func (o Options) check() error {
	switch {
	case o.Trees < 0 || o.Trees > MaxTrees:
		return fmt.Errorf("trees is %d; 1 to %d are possible, and 0 for the default", o.Trees, MaxTrees)
	case o.Sample < 0 || o.Sample > maxSample:
		return fmt.Errorf("sample is %d; 1 to %d rows are possible, and 0 for the default", o.Sample, maxSample)
	case !(o.FeatureShare >= 0 && o.FeatureShare <= 1):
		return fmt.Errorf("the feature share is %v; more than 0 and up to 1 are possible, and 0 for the default", o.FeatureShare)
	case !(o.Anomalies >= 0 && o.Anomalies <= 0.5):
		return fmt.Errorf("anomalies is %v; a share of 0 to 0.5 is possible", o.Anomalies)
	}
	return nil
}

// Rows are training rows, one after the other, a value for each feature.
type Rows struct {
	Features []string
	Values   []float32
}

// Len is how many rows there are.
func (r *Rows) Len() int { return len(r.Values) / len(r.Features) }

// Row is one of them.
func (r *Rows) Row(i int) []float32 {
	d := len(r.Features)
	return r.Values[i*d : (i+1)*d : (i+1)*d]
}

// Fit trains a forest. The order of the rows means nothing.
func Fit(rows Rows, o Options) (*Forest, error) {
	f, err := grown(&rows, o)
	if err != nil {
		return nil, err
	}
	return f, f.measure(&rows, o.Anomalies)
}

// grown is a forest that has not scored its rows yet.
func grown(rows *Rows, o Options) (*Forest, error) {
	if len(rows.Features) == 0 || len(rows.Values) == 0 || len(rows.Values)%len(rows.Features) != 0 {
		return nil, fmt.Errorf("%d values are no rows of %d features", len(rows.Values), len(rows.Features))
	}
	for i, x := range rows.Values {
		if math.Float32bits(x)&0x7f800000 == 0x7f800000 {
			return nil, fmt.Errorf("row %d: %w", i/len(rows.Features)+1, &NotFiniteError{rows.Features[i%len(rows.Features)], float64(x)})
		}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	o = o.withDefaults(rows.Len())
	f := Forest{Features: rows.Features, SampleSize: o.Sample, Offset: -0.5, C: averagePaths(o.Sample)}
	order := rows.canonical()
	g := grower{rows: rows, options: o, deepest: bits.Len(uint(max(o.Sample, 2) - 1))}
	for i := range o.Trees {
		g.random = rand.NewPCG(o.Seed, uint64(i))
		f.Trees = append(f.Trees, g.grow(order))
	}
	return New(f)
}

// measure scores the training rows: it keeps their quantiles, and sets the offset where a share of anomalies was asked for.
func (f *Forest) measure(rows *Rows, anomalies float64) error {
	s := f.Scorer()
	sums := make([]float64, rows.Len())
	for i := range sums {
		if err := s.read(rows.Row(i)); err != nil {
			return err
		}
		sums[i] = f.flat.depthSum(&s.keys)
	}
	f.Quantiles = quantilesOf(sums)
	if anomalies > 0 { // a straight line between ranks, as numpy.percentile has it
		at := anomalies * float64(len(sums)-1)
		low := int(at)
		high := min(low+1, len(sums)-1)
		a, b := f.flat.score(sums[low]), f.flat.score(sums[high])
		f.Offset = a + float64((b-a)*(at-float64(low)))
	}
	return nil
}

// canonical are the rows' numbers, in an order that does not depend on the one in which they came: that of a hash of their values, and where two
// have the same hash, of the values. Rows that are equal can stand for each other.
//
// Hashes are spread evenly: in about as many drawers as rows, by the first bits of the hash, next to nothing is left to sort.
func (r *Rows) canonical() []int32 {
	n := r.Len()
	width := bits.Len(uint(n))
	hashes := make([]uint64, n)
	ends := make([]int32, 1<<width)
	r.hash(hashes)
	for _, hash := range hashes {
		ends[hash>>(64-width)]++
	}
	sum := int32(0)
	for i, held := range ends {
		ends[i] = sum // where the drawer begins: its end when it is full
		sum += held
	}
	order := make([]int32, n)
	for i, hash := range hashes {
		at := &ends[hash>>(64-width)]
		order[*at] = int32(i)
		*at++
	}
	begin := int32(0)
	for _, end := range ends {
		if end-begin > 1 {
			slices.SortFunc(order[begin:end], func(a, b int32) int {
				if hashes[a] != hashes[b] {
					return cmp.Compare(hashes[a], hashes[b])
				}
				return slices.Compare(r.Row(int(a)), r.Row(int(b)))
			})
		}
		begin = end
	}
	return order
}

// hash hashes all rows, four at a time: within a row each step waits for the one before, and a processor can wait for four as for one.
func (r *Rows) hash(hashes []uint64) {
	i := 0
	for ; i+4 <= len(hashes); i += 4 {
		a, b, c, d := r.Row(i), r.Row(i+1), r.Row(i+2), r.Row(i+3)
		b, c, d = b[:len(a)], c[:len(a)], d[:len(a)] // no bounds to check below
		ha := uint64(len(a)) ^ hashSeed
		hb, hc, hd := ha, ha, ha
		for j := 1; j < len(a); j += 2 {
			ha, hb, hc, hd = mix(ha, a[j-1], a[j]), mix(hb, b[j-1], b[j]), mix(hc, c[j-1], c[j]), mix(hd, d[j-1], d[j])
		}
		if j := len(a) - 1; j%2 == 0 {
			ha, hb, hc, hd = mix(ha, a[j], 0), mix(hb, b[j], 0), mix(hc, c[j], 0), mix(hd, d[j], 0)
		}
		hashes[i], hashes[i+1], hashes[i+2], hashes[i+3] = ha, hb, hc, hd
	}
	for ; i < len(hashes); i++ {
		hashes[i] = hashRow(r.Row(i))
	}
}

// hashRow mixes the values of a row, two at a time.
func hashRow(row []float32) uint64 {
	h := uint64(len(row)) ^ hashSeed
	for ; len(row) > 1; row = row[2:] {
		h = mix(h, row[0], row[1])
	}
	if len(row) == 1 {
		h = mix(h, row[0], 0)
	}
	return h
}

const hashSeed = 0xa0761d6478bd642f

// mix is the multiplication of two words that wyhash is built on. Of the two zeros it makes one.
func mix(h uint64, x, y float32) uint64 {
	word := uint64(math.Float32bits(x+0))<<32 | uint64(math.Float32bits(y+0))
	high, low := bits.Mul64(h^word, 0xe7037ed1a0b428db)
	return high ^ low ^ 0x8ebc6af09c88c6e3
}

// grower grows trees, one after the other.
type grower struct {
	rows    *Rows
	options Options
	deepest int // levels: ceil(log2(sample))
	random  *rand.PCG

	drawn    []int32 // the sample of the tree
	columns  []int32 // features that the tree may ask
	untried  []int32
	shuffled []int32
}

// below is a number from 0 to n-1, by the multiplication of Lemire; what it lacks in evenness is less than 2^-32 for any n here.
func (g *grower) below(n int) int {
	high, _ := bits.Mul64(g.random.Uint64(), uint64(n))
	return int(high)
}

func (g *grower) grow(order []int32) Tree {
	g.draw(order)
	t := &Tree{}
	g.node(t, g.drawn, 0)
	return *t
}

// draw takes the sample, and the features.
func (g *grower) draw(order []int32) {
	n, sample := len(order), g.options.Sample
	g.drawn = g.drawn[:0]
	switch {
	case g.options.Bootstrap:
		for range sample {
			g.drawn = append(g.drawn, order[g.below(n)])
		}
	default:
		if len(g.shuffled) != n {
			g.shuffled = slices.Clone(order)
		}
		// The shuffle of the tree before is a permutation too, but which one depends on the trees before: undo what was swapped.
		swaps := make([]int, sample)
		for i := range sample {
			swaps[i] = i + g.below(n-i)
			g.shuffled[i], g.shuffled[swaps[i]] = g.shuffled[swaps[i]], g.shuffled[i]
		}
		g.drawn = append(g.drawn, g.shuffled[:sample]...)
		for i := sample - 1; i >= 0; i-- {
			g.shuffled[i], g.shuffled[swaps[i]] = g.shuffled[swaps[i]], g.shuffled[i]
		}
	}
	d := len(g.rows.Features)
	g.columns = g.columns[:0]
	for c := range d {
		g.columns = append(g.columns, int32(c))
	}
	if share := max(1, int(g.options.FeatureShare*float64(d))); share < d {
		for i := range share {
			j := i + g.below(d-i)
			g.columns[i], g.columns[j] = g.columns[j], g.columns[i]
		}
		g.columns = g.columns[:share]
	}
}

// node grows the tree below one node and returns its number.
func (g *grower) node(t *Tree, rows []int32, depth int) int32 {
	at := int32(len(t.Feature))
	t.Feature = append(t.Feature, -1)
	t.Threshold = append(t.Threshold, 0)
	t.Left = append(t.Left, -1)
	t.Right = append(t.Right, -1)
	t.N = append(t.N, int32(len(rows)))
	if len(rows) < 2 || depth == g.deepest {
		return at
	}
	feature, threshold, found := g.cut(rows)
	if !found {
		return at
	}
	left := g.part(rows, feature, threshold)
	t.Feature[at], t.Threshold[at] = feature, threshold
	t.Left[at] = g.node(t, rows[:left], depth+1)
	t.Right[at] = g.node(t, rows[left:], depth+1)
	return at
}

// constant is how far apart the values of a feature may be and still be taken for one; sklearn/tree/_splitter, FEATURE_THRESHOLD.
const constant = 1e-7

// cut takes a feature at random, and a place at random between its least value and its greatest. A feature that has one value is none to cut by.
func (g *grower) cut(rows []int32) (feature int32, threshold float32, found bool) {
	g.untried = append(g.untried[:0], g.columns...)
	d := len(g.rows.Features)
	values := g.rows.Values
	for n := len(g.untried); n > 0; n-- {
		i := g.below(n)
		f := g.untried[i]
		g.untried[i] = g.untried[n-1]
		least := values[int(rows[0])*d+int(f)]
		greatest := least
		for _, r := range rows[1:] {
			if x := values[int(r)*d+int(f)]; x < least { // not min and max, which ask for NaN and for the sign of 0 too
				least = x
			} else if x > greatest {
				greatest = x
			}
		}
		if !(greatest > least+constant) {
			continue
		}
		u := float64(g.random.Uint64()>>11) * 0x1p-53
		threshold = float32(float64(least) + float64(u*(float64(greatest)-float64(least)))) // not fused where a machine could: the same everywhere
		if !(threshold < greatest) {                                                        // rounded up: nothing would be right of it
			threshold = least + 0 // of two zeros always the same
		}
		return f, threshold, true
	}
	return 0, 0, false
}

// part moves the rows that go left to the front, and says how many there are.
func (g *grower) part(rows []int32, feature int32, threshold float32) int {
	d := len(g.rows.Features)
	left := 0
	for i, r := range rows {
		if g.rows.Values[int(r)*d+int(feature)] <= threshold {
			rows[i], rows[left] = rows[left], r
			left++
		}
	}
	return left
}
