package report

import (
	"time"

	"agentc/forest"
	"agentc/forest/events"
)

// Tally is what is kept of the events that one model scored.
type Tally struct {
	forest    *forest.Forest
	threshold float64

	stream   Judged  // events as they came
	extra    Judged  // labelled ones that did not come
	plain    *Judged // the stream by the forest without feedback; nil where it has none
	benign   int     // events that an analyst called benign
	caught   int     // incidents from the threshold on
	passed   int     // events of the stream from the threshold on
	days     map[string]*perDay
	span     events.Span
	undated  int
	rarities []Unseen
}

type perDay struct{ events, passed int }

// NewTally of a forest's results. threshold is a percentile.
func NewTally(f *forest.Forest, threshold float64) *Tally {
	return &Tally{forest: f, threshold: threshold, days: map[string]*perDay{}}
}

// What analysts said of an event.
type Said int

const (
	Nothing Said = iota
	Benign
	Incident
)

// Add a row of the stream, and when it happened; the zero time where it is not known.
func (t *Tally) Add(r forest.Result, said Said, at time.Time) {
	t.judge(&t.stream, r, said)
	passed := 0
	if r.Percentile >= t.threshold {
		passed = 1
	}
	t.passed += passed
	if at.IsZero() {
		t.undated++
		return
	}
	t.span.Add(at)
	day := at.UTC().Format(time.DateOnly)
	d := t.days[day]
	if d == nil {
		d = &perDay{}
		t.days[day] = d
	}
	d.events++
	d.passed += passed
}

// AddLabelled adds a row that somebody judged and that is not in the stream: it counts for quality, and for nothing that is told of a day.
func (t *Tally) AddLabelled(r forest.Result, said Said) { t.judge(&t.extra, r, said) }

func (t *Tally) judge(to *Judged, r forest.Result, said Said) {
	to.Add(r.DepthSum, said == Incident)
	switch {
	case said == Benign:
		t.benign++
	case said == Incident && r.Percentile >= t.threshold:
		t.caught++
	}
}

// Watcher scores events by one model and keeps a tally of them.
type Watcher struct {
	*Tally
	scorer *events.Scorer
	taught *events.Scorer // the same with feedback; nil without
	unseen []int
}

// NewWatcher of a model without feedback.
func NewWatcher(m *events.Model, threshold float64) *Watcher {
	return &Watcher{Tally: NewTally(m.Forest, threshold), scorer: m.Scorer(), unseen: make([]int, len(m.Spec.Features))}
}

// Teach gives it the same model with feedback, by which events are then ranked and passed on. Whether they have drifted the model without says: what
// verdicts moved is no drift.
func (w *Watcher) Teach(m *events.Model) {
	w.taught = m.Scorer()
	w.plain = &Judged{}
}

// Event of the stream.
func (w *Watcher) Event(e *events.Event, said Said) error {
	r, err := w.score(e)
	if err != nil {
		return err
	}
	if w.taught != nil {
		plain, err := w.scorer.Score(e)
		if err != nil {
			return err
		}
		w.plain.Add(plain.DepthSum, said == Incident)
	}
	w.scorer.Unseen(e, w.unseen)
	at, _ := e.Time()
	w.Add(r, said, at)
	return nil
}

func (w *Watcher) score(e *events.Event) (forest.Result, error) {
	if w.taught != nil {
		return w.taught.Score(e)
	}
	return w.scorer.Score(e)
}

// Labelled is an event that somebody judged and that is not in the stream.
func (w *Watcher) Labelled(e *events.Event, said Said) error {
	r, err := w.score(e)
	if err == nil {
		w.AddLabelled(r, said)
	}
	return err
}

// Measure ends the tally.
func (w *Watcher) Measure(name string) Measured {
	all := max(1, w.stream.len())
	for i, f := range w.scorer.Spec.Features {
		if f.Rarity != nil {
			w.rarities = append(w.rarities, Unseen{f.Name, w.unseen[i], 100 * float64(w.unseen[i]) / float64(all)})
		}
	}
	return w.Tally.Measure(name)
}
