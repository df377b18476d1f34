package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"agentc/forest"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12 }

// TestByHand: from the most unusual on, with one tie: incident; benign; incident and benign; benign; incident.
func TestByHand(t *testing.T) {
	j := Judged{Incidents: []float64{5, 1, 3}, Benign: []float64{4, 2, 3}}
	// Of nine pairs the incident of 1 wins three, that of 3 wins one and a half, that of 5 none.
	if got := j.AUC(); !near(got, 4.5/9) {
		t.Errorf("AUC %v", got)
	}
	// Precision 1 at the first incident, 2/4 at the second, whose tie comes along, 3/6 at the last.
	if got := j.AveragePrecision(); !near(got, (1+2.0/4+3.0/6)/3) {
		t.Errorf("average precision %v", got)
	}
	// Of six events, one and a half pass: the first incident. Three pass: that, a benign one, and half of the tie.
	for share, want := range map[float64]float64{0: 0, 1.0 / 6: 1.0 / 3, 0.25: 1.0 / 3, 0.5: 1.5 / 3, 5.0 / 6: 2.0 / 3, 1: 1} {
		if got := j.CaughtAt(share); !near(got, want) {
			t.Errorf("%v of the events catch %v, want %v", share, got, want)
		}
	}
	var points [][2]float64
	for x, y := range j.ROC() {
		points = append(points, [2]float64{x, y})
	}
	third := 1.0 / 3
	if want := [][2]float64{{0, 0}, {0, third}, {third, third}, {2 * third, 2 * third}, {1, 2 * third}, {1, 1}}; !slices.Equal(points, want) {
		t.Errorf("ROC %v", points)
	}
	points = nil
	for x, y := range j.PrecisionRecall() {
		points = append(points, [2]float64{x, y})
	}
	if want := [][2]float64{{third, 1}, {third, 0.5}, {2 * third, 0.5}, {2 * third, 0.4}, {1, 0.5}}; !slices.Equal(points, want) {
		t.Errorf("precision and recall %v", points)
	}
}

// TestAsScikitLearn: the figures that roc_auc_score and average_precision_score of scikit-learn 1.2.1 give of forty events with many ties.
func TestAsScikitLearn(t *testing.T) {
	var j Judged
	for i, sum := range []float64{8, 7, 0, 7, 5, 6, 5, 3, 11, -2, 3, 2, 6, 4, -1, 0, 0, 0, -1, 11, 2, 7, 7, 2, 3, 5, 3, 9, 0, 10, 7, 10, 1, 4, 7, 5, 7, 6, 7, 0} {
		j.Add(sum, "0101001001010010001000100001101000000100"[i] == '1')
	}
	if got := j.AUC(); !near(got, 0.5505952380952381) {
		t.Errorf("AUC %v", got)
	}
	if got := j.AveragePrecision(); !near(got, 0.49888426199167885) {
		t.Errorf("average precision %v", got)
	}
}

// TestPairs: the AUC is what comparing every pair says, and the area below the curve.
func TestPairs(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var j Judged
		for range 60 {
			j.Add(float64(random.IntN(15)), random.IntN(4) == 0)
		}
		j.Add(3, true)
		j.Add(3, false)
		won := 0.0
		for _, i := range j.Incidents {
			for _, b := range j.Benign {
				switch {
				case i < b:
					won++
				case i == b:
					won += 0.5
				}
			}
		}
		area, x0, y0 := 0.0, 0.0, 0.0
		for x, y := range j.ROC() {
			area += (x - x0) * (y + y0) / 2
			x0, y0 = x, y
		}
		want := won / float64(len(j.Incidents)*len(j.Benign))
		if got := j.AUC(); !near(got, want) || math.Abs(area-want) > 1e-9 {
			t.Errorf("seed %d: AUC %v, area %v, pairs %v", seed, got, area, want)
		}
	}
}

// trainedOn is a forest of one number, with the quantiles of as many rows as are asked for.
func trainedOn(t testing.TB, rows int) (*forest.Forest, *Judged) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	r := forest.Rows{Features: []string{"a", "b"}}
	for range rows {
		r.Values = append(r.Values, float32(random.NormFloat64()), float32(random.IntN(3)))
	}
	f, err := forest.Fit(r, forest.Options{Trees: 20})
	if err != nil {
		t.Fatal(err)
	}
	var live Judged
	s := f.Scorer()
	for i := range r.Len() {
		result, err := s.Score(r.Row(i))
		if err != nil {
			t.Fatal(err)
		}
		live.Add(result.DepthSum, i%50 == 0)
	}
	return f, &live
}

// TestDriftByHand: ten training rows of the sums 1 to 10 in two bins, and four events.
func TestDriftByHand(t *testing.T) {
	q := forest.Quantiles{Rows: 10}
	for i := range 10 {
		q.Ranks = append(q.Ranks, i)
		q.Sums = append(q.Sums, float64(i+1))
	}
	live := Judged{Incidents: []float64{1}, Benign: []float64{2, 3, 10}} // below 6 lie five rows, and three events of four
	if got, want := PSI(q, &live, 2), 0.25*math.Log(0.75/0.5)-0.25*math.Log(0.25/0.5); !near(got, want) {
		t.Errorf("PSI %v, want %v", got, want)
	}
	if got := KS(q, &live); !near(got, 0.75-0.3) { // up to 3
		t.Errorf("KS %v", got)
	}
}

// TestDrift: the training has not drifted from itself; events that all score alike have.
func TestDrift(t *testing.T) {
	for _, rows := range []int{50, 5000} {
		steady, act := "steady", "act"
		if rows < 400 {
			steady, act = "too few events", "too few events"
		}
		f, live := trainedOn(t, rows)
		if d := driftOf(f.Quantiles, live); d.PSI > 0.01 || d.KS > 0.01 || d.Word != steady {
			t.Errorf("%d rows: %+v", rows, d)
		}
		same := Judged{Benign: slices.Repeat([]float64{f.Quantiles.Sums[0]}, 1000)}
		if d := driftOf(f.Quantiles, &same); d.PSI < 1 || d.KS < 0.9 || d.Word != act {
			t.Errorf("%d rows: %+v", rows, d)
		}
	}
}

// TestSVG: the same report is the same picture, which an XML reader takes and which loads and runs nothing; a model without incidents is drawn too.
func TestSVG(t *testing.T) {
	f, live := trainedOn(t, 3000)
	picture := func(models int, incidents bool) string {
		var measured []Measured
		for i := range models {
			tally := NewTally(f, 90)
			for _, sum := range live.Benign {
				tally.Add(forest.Result{DepthSum: sum, Percentile: f.Quantiles.Percentile(sum)}, Nothing, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
			}
			for _, sum := range live.Incidents {
				if incidents {
					tally.AddLabelled(forest.Result{DepthSum: sum}, Incident)
				}
			}
			measured = append(measured, tally.Measure([]string{"new", "<old>"}[i]))
		}
		var b bytes.Buffer
		if err := (&Report{Models: measured}).SVG(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, models := range []int{1, 2} {
		for _, incidents := range []bool{false, true} {
			text := picture(models, incidents)
			if picture(models, incidents) != text {
				t.Error("the same report is another picture")
			}
			for d := xml.NewDecoder(strings.NewReader(text)); ; {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			for _, no := range []string{"<script", "href", "url(", "<image", "@import", "NaN", "Inf"} {
				if strings.Contains(text, no) {
					t.Errorf("it has %s", no)
				}
			}
			if len(text) > 40_000 {
				t.Errorf("%d bytes", len(text))
			}
		}
	}
}
