package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"agentc/forest/events"
)

// ReadLines takes events of a file or of a pipe, one JSON object a line, plain or gzip, until it ends. It waits as long as whatever comes behind does, and
// says how many events had which outcome. Where it ends early nobody remembers how far it came: read again, the events have the same message ids.
func (s *Service) ReadLines(ctx context.Context, intake string, r io.Reader) (map[Outcome]int, error) {
	stream, err := events.NewStream(r, events.SourceFalco)
	if err != nil {
		return nil, err
	}
	counts := map[Outcome]int{}
	for line := 1; ; line++ {
		raw, err := stream.Line()
		var damaged *events.DamagedError
		switch {
		case errors.Is(err, io.EOF):
			return counts, nil
		case errors.As(err, &damaged): // too long to be kept
			s.metrics.events.WithLabelValues(string(Failed)).Inc()
			s.Log.Error("an event could not be passed on", "intake", intake, "line", damaged.Line, "error", damaged.Err)
			counts[Failed]++
			continue
		case err != nil:
			return counts, err
		}
		e, err := s.takeWhatever(ctx, arrival{intake: intake, raw: raw, from: fmt.Sprintf("line %d", line), waits: true})
		if err != nil {
			return counts, err
		}
		counts[e.Outcome]++
	}
}

// bundleWait is how often a source that can wait asks whether there is a bundle now.
const bundleWait = time.Second

// takeWhatever takes an event, and waits for a bundle that can where there is none.
func (s *Service) takeWhatever(ctx context.Context, a arrival) (Event, error) {
	for said := false; ; said = true {
		e, err := s.take(ctx, a)
		if err == nil || ctx.Err() != nil {
			return e, err
		}
		if !said {
			s.Log.Warn("events wait", "intake", a.intake, "error", err)
		}
		if err := s.Wait(ctx, bundleWait); err != nil {
			return e, err
		}
	}
}
