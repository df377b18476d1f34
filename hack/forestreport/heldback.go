package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/forest/report"
	"agentc/forest/synthetic"
	"agentc/schema"
)

// aim of a prefilter: this share of the incidents in a twentieth of the events.
const aim = 0.95

const heldBackHead = `| | incidents among the events | at 1 %% | at 2 %% | at 5 %% (least) | at 10 %% | at most, at 5 %% | at 5 %% of the benign | 95 %% at 5 %%? |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
`

// caught adds up what is caught, over seeds.
type caught struct {
	n, rate float64
	at      [4]float64 // of report.Shares
	least   float64    // of one seed, where 5 % of the events are
	benign  float64    // where 5 % of the benign events are passed on
}

func (c *caught) add(j *report.Judged) {
	if at := j.CaughtAt(0.05); c.n == 0 || at < c.least {
		c.least = at
	}
	c.n++
	c.rate += float64(len(j.Incidents)) / float64(len(j.Incidents)+len(j.Benign))
	for i, share := range report.Shares {
		c.at[i] += j.CaughtAt(share / 100)
	}
	last := [2]float64{}
	for x, y := range j.ROC() {
		if x >= 0.05 {
			c.benign += last[1] + (y-last[1])*(0.05-last[0])/(x-last[0])
			return
		}
		last = [2]float64{x, y}
	}
}

func (c *caught) print(w io.Writer, name string) {
	fmt.Fprintf(w, "| %s | %.1f %% |", name, 100*c.rate/c.n)
	for i, at := range c.at {
		fmt.Fprintf(w, " %.1f %%", 100*at/c.n)
		if report.Shares[i] == 5 {
			fmt.Fprintf(w, " (%.1f %%)", 100*c.least)
		}
		fmt.Fprint(w, " |")
	}
	most := min(1, 0.05/(c.rate/c.n))
	says := "no"
	switch at := c.at[2] / c.n; {
	case at >= aim:
		says = "reached"
	case most < aim:
		says = "not possible"
	}
	fmt.Fprintf(w, " %.1f %% | %.1f %% | %s |\n", 100*most, 100*c.benign/c.n, says)
}

// heldBack trains on half of the normal rows, and scores the others and the anomalies.
func heldBack(w io.Writer, sets []set) error {
	fmt.Fprintf(w, `### Held back from the training

The forest is fitted to half of the normal rows and scores the other half and the anomalies, which it never saw: the share of the anomalies that is passed on
if 1, 2, 5 and 10 %% of the events are, mean of %d seeds, and the least of one. The aim is 95 %% of the incidents in 5 %% of the events. Where more than one event in twenty is an
incident nothing can reach it: beside it stands what could be reached at most, and what is caught if one in twenty of the benign events is passed on.

`+heldBackHead, fewSeeds)
	for i := range sets {
		s := &sets[i]
		var c caught
		for seed := range uint64(fewSeeds) {
			random := rand.New(rand.NewPCG(seed, 2))
			train := forest.Rows{Features: s.rows.Features}
			used := make([]bool, s.rows.Len())
			left := (s.rows.Len() - s.anomalies()) / 2
			for _, i := range random.Perm(s.rows.Len()) {
				if !s.anomaly[i] && left > 0 {
					train.Values = append(train.Values, s.rows.Row(i)...)
					used[i] = true
					left--
				}
			}
			f, err := forest.Fit(train, forest.Options{Seed: seed})
			if err != nil {
				return err
			}
			j, err := s.judge(f, used)
			if err != nil {
				return err
			}
			c.add(j)
		}
		c.print(w, s.name)
	}
	fmt.Fprintln(w)
	return nil
}

// stream trains on one day of made-up Falco events and scores another.
func stream(w io.Writer, _ []set) error {
	spec, err := shipped()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, `### Falco events that were made up

`+"`hack/synthetic`"+` makes two days of 20,000 events; the forest is trained on one with the features of `+"`policies/soc/features.yaml`"+` and scores the other, of which 0.5 %%
belong to incidents, mean of %d seeds. The events were made up by whoever made the forest: the table shows that all parts work together, and nothing of a
real cluster.

`+heldBackHead, fewSeeds)
	for _, c := range []struct {
		name      string
		incidents float64
		trees     int
	}{
		{"a training without incidents", 0, 100},
		{"incidents in the training too, 0.2 %", 0.002, 100},
		{"the same, 300 trees", 0.002, 300},
	} {
		var sum caught
		for seed := range uint64(fewSeeds) {
			j, err := twoDays(spec, seed, c.incidents, c.trees)
			if err != nil {
				return err
			}
			sum.add(j)
		}
		sum.print(w, c.name)
	}
	fmt.Fprintln(w)
	return nil
}

func shipped() (schema.FeaturesSpec, error) {
	const name = "policies/soc/features.yaml"
	data, err := os.ReadFile(name)
	if err != nil {
		return schema.FeaturesSpec{}, err
	}
	doc, problems := schema.ReadFeatures(name, data)
	if len(problems) > 0 {
		return schema.FeaturesSpec{}, fmt.Errorf("%s: %s", name, problems[0].Message)
	}
	return doc.Features.Spec, nil
}

func twoDays(spec schema.FeaturesSpec, seed uint64, incidents float64, trees int) (*report.Judged, error) {
	day := func(seed uint64, incidents float64) events.Source {
		var b bytes.Buffer
		err := synthetic.Write(&b, synthetic.Options{Seed: seed, Events: 20_000, Incidents: incidents, Start: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Length: 24 * time.Hour})
		return func(each func(*events.Event) error) error {
			if err != nil {
				return err
			}
			s, err := events.NewStream(bytes.NewReader(b.Bytes()), spec.Source)
			if err != nil {
				return err
			}
			return events.Each(s, each, func(d *events.DamagedError) error { return d })
		}
	}
	m, err := events.Train(spec, day(seed, incidents), forest.Options{Seed: seed, Trees: trees})
	if err != nil {
		return nil, err
	}
	var j report.Judged
	scorer := m.Scorer()
	err = day(1000+seed, 0.005)(func(e *events.Event) error {
		r, err := scorer.Score(e)
		if err == nil {
			_, incident := e.Get("incident")
			j.Add(r.DepthSum, incident)
		}
		return err
	})
	return &j, err
}
