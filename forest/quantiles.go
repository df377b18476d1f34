package forest

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Quantiles are the training rows' depth sums, in short: each of the most unusual, for that is where thresholds lie, and evenly spread ones of the
// rest. Of rows with the same sum it is the first rank that counts. A percentile means the same after a forest is trained anew; a score does not.
type Quantiles struct {
	Rows  int       `json:"rows"`  // of the training
	Ranks []int     `json:"ranks"` // ascending; 0 is the most unusual row
	Sums  []float64 `json:"sums"`  // of these rows, ascending
}

const (
	exactRanks  = 256
	spreadRanks = 1024
	maxRanks    = exactRanks + spreadRanks + 1 // and the last, where it is none of them
)

// quantilesOf sorts the sums in place.
func quantilesOf(sums []float64) Quantiles {
	slices.Sort(sums)
	q := Quantiles{Rows: len(sums)}
	last := len(sums) - 1
	add := func(rank int) {
		if n := len(q.Ranks); n == 0 || q.Ranks[n-1] < rank {
			q.Ranks = append(q.Ranks, rank)
			q.Sums = append(q.Sums, sums[rank])
		}
	}
	for rank := range min(exactRanks, len(sums)) {
		add(first(sums, rank))
	}
	for i := range spreadRanks {
		add(first(sums, int(math.Round(float64(i+1)/spreadRanks*float64(last)))))
	}
	add(last)
	return q
}

// first is the first rank of the rows that have the same sum as one: they are all as unusual, and none is to seem less so for its place.
func first(sums []float64, rank int) int { return sort.SearchFloat64s(sums[:rank], sums[rank]) }

func (q Quantiles) check() error {
	switch n := len(q.Ranks); {
	case n == 0 && len(q.Sums) == 0 && q.Rows == 0:
		return nil
	case n == 0 || n != len(q.Sums) || n > maxRanks:
		return fmt.Errorf("quantiles of %d ranks and %d sums; as many of each are possible, up to %d", n, len(q.Sums), maxRanks)
	case q.Ranks[0] != 0 || q.Ranks[n-1] != q.Rows-1:
		return fmt.Errorf("quantiles from rank %d to %d, of %d rows", q.Ranks[0], q.Ranks[n-1], q.Rows)
	}
	for i, sum := range q.Sums {
		if !finite(sum) || sum < 0 || i > 0 && (q.Sums[i-1] > sum || q.Ranks[i-1] >= q.Ranks[i]) {
			return fmt.Errorf("quantile %d is out of order", i)
		}
	}
	return nil
}

// Percentile is the share of the training rows that are at most as unusual as a depth sum, 0 to 100. Between two quantiles it is a straight line.
func (q Quantiles) Percentile(sum float64) float64 {
	if q.Rows == 0 {
		return 0
	}
	i := sort.SearchFloat64s(q.Sums, sum) // the first that is not more unusual
	switch {
	case i == len(q.Sums):
		return 0
	case i == 0 || q.Sums[i] == sum:
		return 100 * float64(q.Rows-q.Ranks[i]) / float64(q.Rows)
	}
	part := (sum - q.Sums[i-1]) / (q.Sums[i] - q.Sums[i-1])
	rank := float64(q.Ranks[i-1]) + float64(part*float64(q.Ranks[i]-q.Ranks[i-1]))
	return 100 * (float64(q.Rows) - rank) / float64(q.Rows)
}
