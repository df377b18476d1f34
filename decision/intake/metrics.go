package intake

import (
	"sync"
	"time"

	"agentc/forest/prefilter"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics. The first two are a contract with the alerts and the dashboard that the compiler emits.
const (
	metricEvents    = "agentc_events_total"
	metricThreshold = "agentc_anomaly_threshold_percentile"
	metricRefused   = "agentc_intake_refused_total"
	metricRetries   = "agentc_intake_retries_total"
)

// Why an event was not taken, as a label.
const (
	refusedFull     = "full"
	refusedNoBundle = "no-bundle"
	refusedUnknown  = "unknown"
	refusedSender   = "sender"
	refusedRequest  = "request"
)

type metrics struct {
	events, refused *prometheus.CounterVec
	retries         prometheus.Counter
	levels          *levels
}

func newMetrics(r prometheus.Registerer, now func() time.Time) (*metrics, error) {
	m := &metrics{
		events:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricEvents, Help: "Events that were taken, by what became of them."}, []string{"outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricRefused, Help: "Events that were not taken, by why: their sources have them still."}, []string{"reason"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{Name: metricRetries, Help: "Attempts to hand an event over that failed and that another followed."}),
		levels:  &levels{now: now, desc: prometheus.NewDesc(metricThreshold, "Percentile from which events are passed on; of several namespaces, the highest.", []string{"class"}, nil)},
	}
	for _, o := range []Outcome{Passed, Dropped, Failed} {
		m.events.WithLabelValues(string(o)) // from zero on: an increase is seen
	}
	for _, why := range []string{refusedFull, refusedNoBundle, refusedUnknown, refusedSender, refusedRequest} {
		m.refused.WithLabelValues(why)
	}
	for _, c := range []prometheus.Collector{m.events, m.refused, m.retries, m.levels} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// levels are the thresholds that events met, by class: the highest of the last five to ten minutes, since each namespace has its own; or the last one, where
// there were no events. Classes are the policy's; with a new bundle they begin again.
type levels struct {
	now  func() time.Time
	desc *prometheus.Desc

	mu sync.Mutex
	of *filters
	by map[string]*level
}

type level struct {
	step           int64
	highest, older float64
}

const levelStep = 5 * time.Minute

func (m *metrics) threshold(of *filters, d *prefilter.Decision) {
	if d.Class != "" && d.Err == nil {
		m.levels.see(of, d.Class, d.Threshold)
	}
}

func (l *levels) see(of *filters, class string, threshold float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of != of {
		l.of, l.by = of, map[string]*level{}
	}
	step := l.now().UnixNano() / int64(levelStep)
	one := l.by[class]
	switch {
	case one == nil || step > one.step+1:
		l.by[class] = &level{step, threshold, threshold}
	case step > one.step:
		*one = level{step, threshold, one.highest}
	default:
		one.highest = max(one.highest, threshold)
	}
}

// Describe is of prometheus.Collector.
func (l *levels) Describe(c chan<- *prometheus.Desc) { c <- l.desc }

// Collect is of prometheus.Collector.
func (l *levels) Collect(c chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	step := l.now().UnixNano() / int64(levelStep)
	for class, one := range l.by {
		value := one.highest
		if step == one.step {
			value = max(value, one.older)
		}
		c <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, value, class)
	}
}
