package page

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	beat    = 15 * time.Second // a line is sent, so that nobody takes the connection for dead
	session = 10 * time.Minute // then the browser connects again, and is asked again who it is
)

// events tells the page, as server-sent events, when something changed. What it is, the page reads.
func (v *visit) events() error {
	seen, err := strconv.ParseInt(v.r.URL.Query().Get("since"), 10, 64)
	if last, e := strconv.ParseInt(v.r.Header.Get("Last-Event-ID"), 10, 64); e == nil {
		seen, err = last, nil
	}
	if err != nil {
		return &trouble{http.StatusBadRequest, "The request cannot be understood", "since is a number."}
	}
	c := http.NewResponseController(v.w)
	v.w.Header().Set("Content-Type", "text/event-stream")
	ctx, cancel := context.WithTimeout(v.ctx, session)
	defer cancel()
	for first := true; ctx.Err() == nil; first = false {
		end := time.Now().Add(2 * beat)
		c.SetReadDeadline(end) // where that cannot be set, the server's limits end the connection sooner
		c.SetWriteDeadline(end)
		if first {
			fmt.Fprint(v.w, "retry: 3000\n\n")
		} else {
			fmt.Fprint(v.w, ": beat\n\n")
		}
		if c.Flush() != nil {
			return nil
		}
		pause, stop := context.WithTimeout(ctx, beat)
		version, waited := v.Watch.Wait(pause, seen)
		stop()
		if !waited {
			return nil
		}
		if version > seen {
			seen = version
			fmt.Fprintf(v.w, "id: %d\nevent: version\ndata: %d\n\n", version, version)
		}
	}
	return nil
}
