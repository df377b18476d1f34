package forest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestPercentileOfTies: at every quantile the percentile is the share of the rows that are no more unusual, to the last bit, however many tie.
func TestPercentileOfTies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, rows := range []int{1, 2, 3, 255, 256, 257, 1000, 5000, 300_000} {
		for _, different := range []int{1, 2, 7, 300, 3000, 1 << 30} {
			sums := make([]float64, rows)
			for i := range sums {
				sums[i] = float64(random.IntN(different)) / 3
			}
			q := quantilesOf(sums)
			if err := q.check(); err != nil {
				t.Errorf("%d rows, %d sums: %v", rows, different, err)
			}
			for _, sum := range q.Sums {
				first, _ := slices.BinarySearch(sums, sum)
				if got, want := q.Percentile(sum), 100*float64(rows-first)/float64(rows); got != want {
					t.Fatalf("%d rows, %d sums: at %v %v, not %v", rows, different, sum, got, want)
				}
			}
		}
	}
}

// TestHostileQuantiles: quantiles that are not of the forest are refused; those of every training are not.
func TestHostileQuantiles(t *testing.T) {
	two := twoTrees(t) // its leaves add up to 2, at least: 1 and C(2)
	greatest := 2 + two.C[2]
	for _, c := range []struct {
		q    Quantiles
		want string
	}{
		{Quantiles{}, ""},
		{Quantiles{3, []int{0, 2}, []float64{2, greatest + 1}}, "quantiles from the depth sum 2 to 4; the leaves add up to 2 to 3"},
		{Quantiles{3, []int{0, 2}, []float64{2, greatest}}, ""},
		{Quantiles{3, []int{0, 2}, []float64{1.9, 2}}, "quantiles from the depth sum 1.9 to 2; the leaves add up to 2 to 3"},
		{Quantiles{3, []int{0, 2}, []float64{3, 2}}, "quantile 1 is out of order"},
		{Quantiles{2, []int{0, 1}, []float64{2, 2}}, "quantiles of 2 rows; the sample of a tree is 3 of them"},
		{Quantiles{0, []int{0}, []float64{2}}, "quantiles from rank 0 to 0, of 0 rows"},
		{Quantiles{5000, slices.Repeat([]int{0}, 1282), slices.Repeat([]float64{2}, 1282)}, "quantiles of 1282 ranks and 1282 sums; as many of each are possible, up to 1281"},
	} {
		f := *two
		f.Quantiles = c.q
		if _, err := New(f); (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%.80s: %v, want %s", fmt.Sprint(c.q), err, c.want)
		}
	}
	for _, name := range []string{"pima", "breastw", "ionosphere"} {
		rows, _ := dataset(t, name)
		for _, few := range []Rows{rows, {rows.Features, rows.Values[:len(rows.Features)]}, {rows.Features, rows.Values[:5*len(rows.Features)]}} {
			for seed := range uint64(5) {
				for _, o := range []Options{{Seed: seed}, {Seed: seed, Bootstrap: true}, {Seed: seed, Bootstrap: true, Sample: 1000, Trees: 3}, {Seed: seed, Trees: 1}} {
					f, err := Fit(few, o)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := Read(strings.NewReader(written(t, f))); err != nil {
						t.Errorf("%s, %d rows, %+v: %v", name, few.Len(), o, err)
					}
				}
			}
		}
	}
}
