// Command synthetic prints a stream of Falco events that were made up, for trying the prefilter.
package main

import (
	"bufio"
	"flag"
	"fmt"
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
	flag.Parse()
	var err error
	if o.Start, err = time.Parse(time.DateOnly, *day); err == nil {
		out := bufio.NewWriter(os.Stdout)
		if err = synthetic.Write(out, o); err == nil {
			err = out.Flush()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "synthetic:", err)
		os.Exit(1)
	}
}
