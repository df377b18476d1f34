package escalation

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkSteps prints how long a question and the use of an approval take on SQLite, the disk's fsync included.
func BenchmarkSteps(b *testing.B) {
	s := must(Open(b.Context(), filepath.Join(b.TempDir(), "x.db"), Options{PerCaller: 1 << 30, InAll: 1 << 30, PerCallee: 1 << 30, PerHour: 1 << 30}))
	defer s.Close()
	asked, used := []time.Duration{}, []time.Duration{}
	for i := 0; b.Loop(); i++ {
		r := request(i)
		r.Quorum = 1
		start := time.Now()
		e := must(s.Request(b.Context(), r))
		asked = append(asked, time.Since(start))
		must(s.Vote(b.Context(), e.ID, vote("ada", true)))
		start = time.Now()
		must(s.Consume(b.Context(), e.ID, e.Digest, triage))
		used = append(used, time.Since(start))
	}
	for name, times := range map[string][]time.Duration{"request": asked, "consume": used} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds()), name+"-p50-µs")
		b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), name+"-p99-µs")
	}
}
