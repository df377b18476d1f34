// Package tracing sends spans to an OpenTelemetry collector, under the trace ids that the fleet has anyway: minted at intake, and carried from there.
package tracing

import (
	"context"
	"crypto/rand"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// exportTimeout of a batch. A collector that is away costs spans, and nothing else.
const exportTimeout = 5 * time.Second

// New sends spans to host:port by gRPC without TLS: the collector is a peer in the cluster, to which the network policy leads. Whoever is done calls Shutdown.
func New(ctx context.Context, endpoint, service, version, environment string) (*sdk.TracerProvider, error) {
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure(), otlptracegrpc.WithTimeout(exportTimeout))
	if err != nil {
		return nil, err
	}
	about := resource.NewSchemaless(
		attribute.String("service.name", service), attribute.String("service.version", version), attribute.String("deployment.environment.name", environment),
	)
	return sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about)), nil
}

// Under puts what follows under a trace: 32 hexadecimal digits. Of no trace, or one that is none, nothing follows.
func Under(ctx context.Context, traceID string) context.Context {
	id, err := trace.TraceIDFromHex(traceID)
	if err != nil {
		return ctx
	}
	if now := trace.SpanContextFromContext(ctx); now.TraceID() == id {
		return ctx
	}
	var parent trace.SpanID
	rand.Read(parent[:]) // it never fails; nobody knows the real one
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: parent, TraceFlags: trace.FlagsSampled, Remote: true}))
}
