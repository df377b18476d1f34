package report

import "cmp"

// Measured is what there is to say of one model.
type Measured struct {
	Name string `json:"name"`

	Events     int `json:"events"`     // of the stream
	Incidents  int `json:"incidents"`  // labelled, in the stream or not
	Benign     int `json:"benign"`     // labelled so
	Unlabelled int `json:"unlabelled"` // which count as benign
	Elsewhere  int `json:"elsewhere"`  // labelled events that are not in the stream

	Quality *Quality `json:"quality,omitempty"` // absent without an incident, or without anything else
	Passed  *Passed  `json:"passed,omitempty"`  // absent where the forest has no quantiles
	Drift   *Drift   `json:"drift,omitempty"`   // the same

	tally  *Tally
	judged *Judged
	live   histogram
}

// Quality is how well the model ranks incidents before everything else.
type Quality struct {
	AUC              float64   `json:"auc"`
	AveragePrecision float64   `json:"averagePrecision"`
	Caught           []AtShare `json:"caught"`
}

// AtShare is what a share of the events would catch.
type AtShare struct {
	Events    float64 `json:"events"`    // passed on, in percent
	Incidents float64 `json:"incidents"` // passed on, in percent
}

// Shares of events for which it is said what they catch, in percent.
var Shares = []float64{1, 2, 5, 10}

// Passed is what the threshold does.
type Passed struct {
	Threshold float64 `json:"threshold"` // a percentile of the training
	Events    int     `json:"events"`
	Share     float64 `json:"share"`     // of the events, in percent
	Incidents int     `json:"incidents"` // of all that are labelled
	Days      int     `json:"days"`      // on which events happened
	PerDay    float64 `json:"perDay"`    // events passed on; 0 where no event says when it happened
	MostADay  int     `json:"mostADay"`
	Undated   int     `json:"undated"` // events without a time, in no day
}

// Measure ends the tally.
func (t *Tally) Measure(name string) Measured {
	m := Measured{Name: name, tally: t, judged: &t.stream}
	m.Events = t.stream.len()
	m.Elsewhere = t.extra.len()
	m.Incidents = len(t.stream.Incidents) + len(t.extra.Incidents)
	m.Benign = t.benign
	m.Unlabelled = m.Events + m.Elsewhere - m.Incidents - m.Benign
	if t.forest.Quantiles.Rows > 0 && m.Events > 0 {
		m.Drift = driftOf(t.forest.Quantiles, cmp.Or(t.plain, &t.stream))
		m.Drift.Unseen = t.rarities
		m.Passed = t.passedOn(m.Events)
	}
	if m.Events > 0 {
		m.live = histogramOf(t.forest, t.stream.shareBelow)
	}
	// From here on the labelled events that were elsewhere count too.
	for _, sum := range t.extra.Incidents {
		t.stream.Add(sum, true)
	}
	for _, sum := range t.extra.Benign {
		t.stream.Add(sum, false)
	}
	if t.stream.Known() {
		m.Quality = qualityOf(&t.stream)
	}
	return m
}

func qualityOf(j *Judged) *Quality {
	q := Quality{AUC: j.AUC(), AveragePrecision: j.AveragePrecision()}
	for _, share := range Shares {
		q.Caught = append(q.Caught, AtShare{share, 100 * j.CaughtAt(share/100)})
	}
	return &q
}

func (t *Tally) passedOn(events int) *Passed {
	p := Passed{Threshold: t.threshold, Events: t.passed, Share: 100 * float64(t.passed) / float64(events), Incidents: t.caught, Days: len(t.days), Undated: t.undated}
	dated := 0
	for _, d := range t.days {
		dated += d.passed
		p.MostADay = max(p.MostADay, d.passed)
	}
	switch days := t.span.Days(); {
	case days > 0:
		p.PerDay = float64(dated) / days
	case p.Days > 0:
		p.PerDay = float64(dated) / float64(p.Days)
	}
	return &p
}
