package report

import (
	"math"
	"slices"

	"agentc/forest"
)

// Drift is how far the events are from those of the training.
type Drift struct {
	PSI    float64  `json:"psi"`
	KS     float64  `json:"ks"`
	Word   string   `json:"word"` // of the PSI: steady, watch, act, or that there are too few events
	Unseen []Unseen `json:"unseen,omitempty"`
}

// Unseen is how many events have a combination of values that never occurred in the training.
type Unseen struct {
	Feature string  `json:"feature"`
	Events  int     `json:"events"`
	Share   float64 `json:"share"` // in percent
}

// The customary bounds of the population stability index.
const (
	watchPSI = 0.1
	actPSI   = 0.25
)

const (
	psiBins = 10

	// leastShare of a bin: the logarithm of nothing would be infinite. It is the customary one.
	leastShare = 1e-4
)

func driftOf(q forest.Quantiles, live *Judged) *Drift {
	d := Drift{PSI: PSI(q, live, psiBins), KS: KS(q, live), Word: "steady"}
	// Chance alone makes about that much of a PSI.
	chance := (psiBins - 1) * (1/float64(max(1, live.len())) + 1/float64(max(1, q.Rows)))
	switch {
	case chance > watchPSI/2:
		d.Word = "too few events"
	case d.PSI >= actPSI:
		d.Word = "act"
	case d.PSI >= watchPSI:
		d.Word = "watch"
	}
	return &d
}

// PSI is the population stability index: over bins that hold equally many rows of the training, the difference of the shares times the
// logarithm of their ratio. Where many rows of the training have the same sum, bins are fewer, and hold what they hold.
func PSI(q forest.Quantiles, live *Judged, bins int) float64 {
	var edges []float64
	for i := 1; i < bins; i++ {
		at, _ := slices.BinarySearch(q.Ranks, i*q.Rows/bins)
		edges = append(edges, q.Sums[min(at, len(q.Sums)-1)])
	}
	edges = slices.Compact(edges)
	psi := 0.0
	trained, seen := 0.0, 0.0 // up to the edge before
	for i := range len(edges) + 1 {
		trainedTo, seenTo := 1.0, 1.0
		if i < len(edges) {
			trainedTo, seenTo = trainedBelow(q, edges[i]), live.shareBelow(edges[i])
		}
		expected, actual := max(trainedTo-trained, leastShare), max(seenTo-seen, leastShare)
		psi += (actual - expected) * math.Log(actual/expected)
		trained, seen = trainedTo, seenTo
	}
	return psi
}

// KS is the distance of Kolmogorov and Smirnov: the widest gap between the shares of the training and of the events that are more unusual than a depth
// sum. It is as exact as the quantiles, which tell a thousandth.
func KS(q forest.Quantiles, live *Judged) float64 {
	live.sort()
	widest := 0.0
	for _, sums := range [][]float64{q.Sums, live.Incidents, live.Benign} {
		for i, sum := range sums {
			if i == 0 || sums[i-1] != sum {
				widest = max(widest, math.Abs(trainedBelow(q, sum)-live.shareBelow(sum)))
			}
		}
	}
	return widest
}

// trainedBelow is the share of the training rows that are more unusual than a depth sum.
func trainedBelow(q forest.Quantiles, sum float64) float64 { return 1 - q.Percentile(sum)/100 }

func (j *Judged) shareBelow(sum float64) float64 {
	return float64(j.below(sum)) / float64(max(1, j.len()))
}
