// Package report says how good a forest is, and whether events are still what it was trained with. It compares depth sums with what people said of
// the events, and decides nothing: a person reads it before a forest or a threshold is changed.
package report

import (
	"iter"
	"slices"
)

// Judged are the depth sums of events, by what the events were; less is more unusual. Of an event nothing else is kept, so that there may be many
// millions.
type Judged struct {
	Incidents, Benign []float64

	sorted bool
}

// Add an event.
func (j *Judged) Add(sum float64, incident bool) {
	if incident {
		j.Incidents = append(j.Incidents, sum)
	} else {
		j.Benign = append(j.Benign, sum)
	}
	j.sorted = false
}

func (j *Judged) sort() {
	if !j.sorted {
		slices.Sort(j.Incidents)
		slices.Sort(j.Benign)
		j.sorted = true
	}
}

func (j *Judged) len() int { return len(j.Incidents) + len(j.Benign) }

// Known says whether there is anything to compare: an incident, and an event that was none.
func (j *Judged) Known() bool { return len(j.Incidents) > 0 && len(j.Benign) > 0 }

// steps are what is passed on if all events up to a depth sum are: incidents and benign events, from the most unusual on. Events with the same sum
// come together, for no threshold parts them.
func (j *Judged) steps() iter.Seq2[int, int] {
	j.sort()
	return func(yield func(int, int) bool) {
		caught, benign := 0, 0
		for caught < len(j.Incidents) || benign < len(j.Benign) {
			var sum float64
			if benign == len(j.Benign) || caught < len(j.Incidents) && j.Incidents[caught] < j.Benign[benign] {
				sum = j.Incidents[caught]
			} else {
				sum = j.Benign[benign]
			}
			for caught < len(j.Incidents) && j.Incidents[caught] == sum {
				caught++
			}
			for benign < len(j.Benign) && j.Benign[benign] == sum {
				benign++
			}
			if !yield(caught, benign) {
				return
			}
		}
	}
}

// AUC is the share of pairs of an incident and a benign event in which the incident is the more unusual. A pair of equals counts half.
func (j *Judged) AUC() float64 {
	won := 0.0
	before, passed := 0, 0
	for caught, benign := range j.steps() {
		won += float64(caught-before) * (float64(len(j.Benign)-benign) + float64(benign-passed)/2)
		before, passed = caught, benign
	}
	return won / float64(len(j.Incidents)) / float64(len(j.Benign))
}

// AveragePrecision is the precision at every step, weighted by the share of incidents that the step adds: scikit-learn's
// average_precision_score, where no line is drawn between steps.
func (j *Judged) AveragePrecision() float64 {
	sum := 0.0
	before := 0
	for caught, benign := range j.steps() {
		sum += float64(caught-before) * float64(caught) / float64(caught+benign)
		before = caught
	}
	return sum / float64(len(j.Incidents))
}

// CaughtAt is the share of incidents that are passed on if a share of all events is: the most unusual ones. Where the last of them are no more
// unusual than some that stay behind, it is what a lot would give on average.
func (j *Judged) CaughtAt(share float64) float64 {
	budget := share * float64(j.len())
	before, passed := 0, 0
	for caught, benign := range j.steps() {
		if all := caught + benign; float64(all) >= budget {
			part := (budget - float64(passed)) / float64(all-passed)
			return (float64(before) + part*float64(caught-before)) / float64(len(j.Incidents))
		}
		before, passed = caught, caught+benign
	}
	return 1
}

// ROC are the points of the curve: the share of benign events that are passed on, and that of incidents.
func (j *Judged) ROC() iter.Seq2[float64, float64] {
	return func(yield func(float64, float64) bool) {
		if !yield(0, 0) {
			return
		}
		for caught, benign := range j.steps() {
			if !yield(float64(benign)/float64(len(j.Benign)), float64(caught)/float64(len(j.Incidents))) {
				return
			}
		}
	}
}

// PrecisionRecall are the points of the curve: the share of incidents that are passed on, and that of incidents in what is passed on.
func (j *Judged) PrecisionRecall() iter.Seq2[float64, float64] {
	return func(yield func(float64, float64) bool) {
		for caught, benign := range j.steps() {
			if !yield(float64(caught)/float64(len(j.Incidents)), float64(caught)/float64(caught+benign)) {
				return
			}
		}
	}
}

// below is how many events are more unusual than a depth sum.
func (j *Judged) below(sum float64) int {
	j.sort()
	incidents, _ := slices.BinarySearch(j.Incidents, sum)
	benign, _ := slices.BinarySearch(j.Benign, sum)
	return incidents + benign
}
