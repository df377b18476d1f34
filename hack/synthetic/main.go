// Command synthetic prints a stream of events that were made up, for trying the prefilter; or the labels of one.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"agentc/forest/synthetic"
)

func main() {
	o := synthetic.Options{Length: 24 * time.Hour}
	flag.Uint64Var(&o.Seed, "seed", 1, "of everything that is made up")
	flag.IntVar(&o.Events, "events", 20_000, "how many")
	flag.Float64Var(&o.Incidents, "incidents", 0.002, "share of the events that belong to incidents")
	day := flag.String("day", "2026-11-02", "on which they happen")
	source := flag.String("source", "falco", "of the events: falco or a2a")
	labels := flag.Bool("labels", false, "print labels instead: of the incidents of the same stream, and of about as many other events")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	var err error
	if o.Incidents < 0 || o.Incidents > 1 {
		err = fmt.Errorf("-incidents is %g; it is a share, from 0 to 1", o.Incidents)
	} else if o.Start, err = time.Parse(time.DateOnly, *day); err == nil {
		err = errors.Join(write(out, *source, *labels, o), out.Flush())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "synthetic:", err)
		os.Exit(1)
	}
}

func write(out io.Writer, source string, labels bool, o synthetic.Options) error {
	switch {
	case labels:
		return synthetic.Labels(out, source, o)
	case source == "falco":
		return synthetic.Write(out, o)
	case source == "a2a":
		return synthetic.Calls(out, o)
	default:
		return fmt.Errorf("source %q; there are falco and a2a", source)
	}
}
