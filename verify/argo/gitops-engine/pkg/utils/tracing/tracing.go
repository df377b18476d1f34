// Package tracing is imported where Argo CD runs a command.
package tracing

type Span interface {
	SetBaggageItem(key string, value any)
	Finish()
}

type Tracer struct{}

func NewLoggingTracer(any) *Tracer { panic("no command of Argo CD's runs here") }

func (*Tracer) StartSpan(string) Span { panic("no command of Argo CD's runs here") }
