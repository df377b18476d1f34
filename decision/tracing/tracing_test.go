package tracing

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

const id = "4bf92f3577b34da6a3ce929d0e0e4736"

// received is a collector of OpenTelemetry's own protocol.
type received struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans map[string]string // name to trace id
}

func (r *received) Export(_ context.Context, q *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range q.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				r.spans[s.Name] = hexOf(s.TraceId)
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func hexOf(b []byte) (s string) {
	const digits = "0123456789abcdef"
	for _, c := range b {
		s += string(digits[c>>4]) + string(digits[c&15])
	}
	return s
}

// TestSpans: they arrive under the fleet's trace id.
func TestSpans(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := &received{spans: map[string]string{}}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, got)
	go server.Serve(l)
	defer server.Stop()
	p, err := New(t.Context(), l.Addr().String(), "agentd", "test", "prod")
	if err != nil {
		t.Fatal(err)
	}
	tracer := p.Tracer("test")
	ctx, decide := tracer.Start(Under(t.Context(), id), "decide")
	_, inner := tracer.Start(Under(ctx, id), "record")
	inner.End()
	decide.End()
	_, other := tracer.Start(Under(t.Context(), "no trace"), "other")
	other.End()
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.spans["decide"] != id || got.spans["record"] != id || got.spans["other"] == "" || got.spans["other"] == id {
		t.Errorf("%v", got.spans)
	}
}

// TestAway: without a collector nobody waits for one.
func TestAway(t *testing.T) {
	p, err := New(t.Context(), "127.0.0.1:1", "agentd", "test", "prod")
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	_, span := p.Tracer("test").Start(Under(t.Context(), id), "decide")
	if span.End(); time.Since(begun) > time.Second {
		t.Error("a span waits for the collector")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	p.Shutdown(ctx)
}
