package intake

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"agentc/forest/events"
	"agentc/forest/prefilter"
)

// The events of a day, of which most are dropped, through the shipped bundle. What the prefilter alone costs is the share that nobody can save.
//
//	go test ./decision/intake -run '^$' -bench . -benchtime 2s

func quiet(c *Config) {
	c.Log, c.Record = slog.New(slog.DiscardHandler), nil
}

// BenchmarkPost of an event over a loopback connection, to a hop that takes everything.
func BenchmarkPost(b *testing.B) {
	r := newRig(b, hopFunc(func(context.Context, *Message) error { return nil }), quiet)
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	day := stream(b, 5000)
	i := 0
	for b.Loop() {
		reply, err := http.Post(server.URL+"/intake/webhook", "application/json; charset=utf-8", bytes.NewReader(day[i%len(day)]))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, reply.Body)
		reply.Body.Close()
		if i++; reply.StatusCode != http.StatusAccepted {
			b.Fatal(reply.Status)
		}
	}
	b.ReportMetric(100*float64(r.counted(Passed))/float64(i), "%passed")
}

// BenchmarkTake is the same without HTTP.
func BenchmarkTake(b *testing.B) {
	r := newRig(b, hopFunc(func(context.Context, *Message) error { return nil }), quiet)
	day := stream(b, 5000)
	i := 0
	for b.Loop() {
		if _, err := r.take(b.Context(), arrival{intake: "webhook", raw: day[i%len(day)]}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkPrefilter is what of it parses an event and decides on it.
func BenchmarkPrefilter(b *testing.B) {
	r := newRig(b, nil, quiet)
	f, err := r.filters()
	if err != nil {
		b.Fatal(err)
	}
	day := stream(b, 5000)
	i := 0
	for b.Loop() {
		e, err := events.Parse(day[i%len(day)], events.SourceFalco)
		if err != nil {
			b.Fatal(err)
		}
		f.routes["webhook"].filter.decide(b.Context(), e, prefilter.AboutFalco(e, "webhook", "detect"), at)
		i++
	}
}
