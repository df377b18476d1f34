package forest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// heldOut asks for verdicts on one half of a data set and measures on the other, which nobody looked at.
type heldOut struct {
	rows    Rows
	anomaly []bool
	wrong   float64 // share of the verdicts that are
}

// quality of a forest on rows of which it is known what they are.
type quality struct{ auc, precision float64 }

// looks is how many verdicts are asked for.
const looks = 60

// measure trains a forest on all rows, without labels, and has it taught: each verdict is asked of the row that is the most unusual with all
// verdicts before it.
func (h heldOut) measure(t *testing.T, seed uint64) (before, after quality) {
	t.Helper()
	f, err := Fit(h.rows, Options{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 99))
	order := random.Perm(h.rows.Len())
	asked, rest := order[:len(order)/2], order[len(order)/2:]
	b, taught := basis(f), f
	var verdicts []Verdict
	for range looks {
		sums := depthSums(t, taught, h.rows, asked)
		most := slices.Index(sums, slices.Min(sums))
		row := asked[most]
		asked = slices.Delete(asked, most, most+1)
		verdicts = append(verdicts, Verdict{h.rows.Row(row), h.anomaly[row] != (random.Float64() < h.wrong)})
		fb, err := Fold(f, verdicts, b)
		if err != nil {
			t.Fatal(err)
		}
		taught = with(t, f, fb)
	}
	return h.quality(t, f, rest), h.quality(t, taught, rest)
}

func (h heldOut) quality(t *testing.T, f *Forest, which []int) quality {
	t.Helper()
	anomaly := make([]bool, len(which))
	for i, row := range which {
		anomaly[i] = h.anomaly[row]
	}
	sums := depthSums(t, f, h.rows, which)
	return quality{auc(sums, anomaly), averagePrecision(sums, anomaly)}
}

// mean of some seeds.
func (h heldOut) mean(t *testing.T, seeds int) (before, after quality) {
	t.Helper()
	for seed := range seeds {
		b, a := h.measure(t, uint64(seed))
		before.auc += b.auc / float64(seeds)
		before.precision += b.precision / float64(seeds)
		after.auc += a.auc / float64(seeds)
		after.precision += a.precision / float64(seeds)
	}
	return before, after
}

// averagePrecision is the mean, over the anomalies, of the share of anomalies among the rows that are as unusual; scikit-learn's
// average_precision_score.
func averagePrecision(sums []float64, anomaly []bool) float64 {
	order := make([]int, len(sums))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmpFloat(sums[a], sums[b]) })
	total, found := 0.0, 0.0
	for i := 0; i < len(order); {
		j, here := i, 0.0
		for ; j < len(order) && sums[order[j]] == sums[order[i]]; j++ {
			if anomaly[order[j]] {
				here++
			}
		}
		found += here
		total += here * found / float64(j)
		i = j
	}
	return total / found
}

// TestFeedbackHeldOut: sixty verdicts make a forest better on rows that nobody looked at, and still do where a tenth of them is wrong. The gain is
// the least factor by which the average precision must grow.
//
//	go test -run TestFeedbackHeldOut -v ./forest
func TestFeedbackHeldOut(t *testing.T) {
	const seeds = 3
	table := fmt.Sprintf("\n%-12s %14s %14s %24s\n", "set", "AUC", "AP", "AP, 10 % wrong verdicts")
	for _, c := range []struct {
		name        string
		gain, wrong float64
	}{
		{"annthyroid", 1.3, 1.2},
		{"mammography", 2, 1.7},
		{"satellite", 1, 1},
		{"pima", 1.03, 1},
		{"ionosphere", 1.03, 1.02},
	} {
		rows, anomaly := dataset(t, c.name)
		before, after := heldOut{rows, anomaly, 0}.mean(t, seeds)
		_, wrong := heldOut{rows, anomaly, 0.1}.mean(t, seeds)
		table += fmt.Sprintf("%-12s %.3f → %.3f  %.3f → %.3f  %.3f (AUC %.3f)\n", c.name, before.auc, after.auc, before.precision, after.precision, wrong.precision, wrong.auc)
		if after.precision < c.gain*before.precision || wrong.precision < c.wrong*before.precision {
			t.Errorf("%s: the average precision was %.3f and is %.3f, and %.3f with wrong verdicts; wanted are factors of %v and %v", c.name, before.precision, after.precision, wrong.precision, c.gain, c.wrong)
		}
		if after.auc < before.auc-0.01 {
			t.Errorf("%s: the AUC fell from %.3f to %.3f", c.name, before.auc, after.auc)
		}
	}
	t.Log(table)
}
