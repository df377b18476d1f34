package report

import (
	"fmt"
	"math"
	"strings"

	"agentc/forest"
)

// bars of the histogram.
const bars = 80

// histogram of how unusual events are, as 2^-(depth sum / what is to be expected): from 0 to 1, and scikit-learn's score without its sign.
type histogram [bars]float64

// histogramOf a share of events that are more unusual than a depth sum.
func histogramOf(f *forest.Forest, below func(sum float64) float64) histogram {
	var h histogram
	above := 0.0 // share of what lies right of the bar
	for i := bars - 1; i >= 0; i-- {
		to := 1.0
		if i > 0 {
			to = below(sumOf(f, float64(i)/bars))
		}
		h[i] = to - above
		above = to
	}
	return h
}

// unusual is how unusual an event of a depth sum is, 0 to 1.
func unusual(f *forest.Forest, sum float64) float64 { return math.Exp2(-sum / expected(f)) }

// sumOf is the other way round.
func sumOf(f *forest.Forest, unusual float64) float64 { return -math.Log2(unusual) * expected(f) }

func expected(f *forest.Forest) float64 {
	return max(float64(len(f.Trees))*f.C[f.SampleSize], math.SmallestNonzeroFloat64)
}

// leastBar is the share of events at the foot of the histogram, whose heights are logarithms: what is unusual is rare, and would not be seen.
const leastBar = 1e-5

// height of a bar, as a share of the plot.
func height(share float64) float64 {
	return max(0, 1-math.Log10(max(share, leastBar))/math.Log10(leastBar))
}

// rugHeight is that of a row of marks below the histogram.
const rugHeight = 18

// histogram draws how the training scored, the events of each model, its threshold, and where the incidents are.
func (r *Report) histogram(c *canvas, b box) {
	first, last := r.span()
	var x []tick
	for i := range 21 {
		if at := (float64(i)/20*bars - float64(first)) / float64(last-first); at >= 0 && at <= 1 {
			x = append(x, tick{at, fmt.Sprintf("%.2f", float64(i)/20)})
		}
	}
	more := "lines: events; grey: the training; upright: from here on events are passed on"
	plot := b
	if r.judged() {
		more += "; marks at the foot: incidents"
		plot.h -= rugHeight * float64(len(r.Models))
	}
	b.frame(c, "How unusual the events are", more, "how unusual, 0 to 1 (the score without its sign)", "share of events", x, nil)
	for _, t := range []tick{{1e-4, "0.01 %"}, {1e-3, "0.1 %"}, {1e-2, "1 %"}, {1e-1, "10 %"}, {1, "100 %"}} {
		at := plot.y + plot.h - height(t.at)*plot.h
		c.line(b.x, at, b.x+b.w, at, grid, "")
		c.text(b.x-8, at+5, "end", soft, ` font-size="14"`, t.label)
	}
	wide := b.w / float64(last-first)
	if q := r.Models[0].tally.forest.Quantiles; q.Rows > 0 {
		of := histogramOf(r.Models[0].tally.forest, func(sum float64) float64 { return trainedBelow(q, sum) })
		for i := first; i < last; i++ {
			if h := plot.h * height(of[i]); h > 0 {
				c.put(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`, px(b.x+float64(i-first)*wide), px(plot.y+plot.h-h), px(wide), px(h), pale)
			}
		}
	}
	c.line(b.x, plot.y+plot.h, b.x+b.w, plot.y+plot.h, soft, "")
	at := func(i int) float64 { // the threshold of a model
		f := r.Models[i].tally.forest
		return b.x + (unusual(f, thresholdSum(f.Quantiles, r.Models[i].tally.threshold))*bars-float64(first))*wide
	}
	for i := range r.Models {
		m := &r.Models[i]
		place := func(sum float64) float64 { return b.x + (unusual(m.tally.forest, sum)*bars-float64(first))*wide }
		c.put(`<path d="%s" fill="none" stroke="%s" stroke-width="2.5"%s/>`, m.live.steps(plot, first, last), looks[i].colour, looks[i].dash)
		if m.Passed != nil {
			c.line(at(i), b.y, at(i), b.y+b.h, looks[i].colour, looks[i].dash+` stroke-width="1.5"`)
			side, anchor := 6.0, "start"
			if other := 1 - i; len(r.Models) > 1 && r.Models[other].Passed != nil && (at(i) < at(other) || at(i) == at(other) && i == 1) {
				side, anchor = -6, "end" // away from the other's
			}
			c.text(at(i)+side, b.y+15, anchor, looks[i].colour, ` font-size="14" stroke="#ffffff" stroke-width="4" paint-order="stroke"`,
				fmt.Sprintf("%s: percentile %v", m.Name, m.tally.threshold))
		}
		if r.judged() {
			foot := plot.y + plot.h + rugHeight*float64(i)
			name := m.Name
			if len(r.Models) == 1 {
				name = "incidents"
			}
			c.text(b.x-8, foot+14, "end", looks[i].colour, ` font-size="13"`, name)
			m.rug(c, foot+3, foot+rugHeight-3, place, looks[i].colour)
		}
	}
}

// span are the bars between which anything lies.
func (r *Report) span() (first, last int) {
	first, last = bars, 0
	see := func(h histogram) {
		for i, share := range h {
			if share > 0 {
				first, last = min(first, i), max(last, i+1)
			}
		}
	}
	for i := range r.Models {
		f := r.Models[i].tally.forest
		see(r.Models[i].live)
		if f.Quantiles.Rows > 0 {
			see(histogramOf(f, func(sum float64) float64 { return trainedBelow(f.Quantiles, sum) }))
		}
	}
	if first >= last {
		return 0, bars
	}
	return max(0, first-1), min(bars, last+1)
}

// steps is the outline of the histogram.
func (h *histogram) steps(b box, first, last int) string {
	wide := b.w / float64(last-first)
	d := "M" + px(b.x) + " " + px(b.y+b.h)
	for i := first; i < last; i++ {
		d += "V" + px(b.y+b.h-b.h*height(h[i])) + "H" + px(b.x+float64(i+1-first)*wide)
	}
	return d + "V" + px(b.y+b.h)
}

// rug marks every incident below the histogram; of many at one pixel, one.
func (m *Measured) rug(c *canvas, from, to float64, place func(float64) float64, colour string) {
	m.judged.sort()
	var d strings.Builder
	before := ""
	for _, sum := range m.judged.Incidents {
		if at := px(math.Round(place(sum))); at != before {
			d.WriteString("M" + at + " " + px(from) + "V" + px(to))
			before = at
		}
	}
	c.put(`<path d="%s" stroke="%s" stroke-width="1.5"/>`, d.String(), colour)
}

// thresholdSum is the greatest depth sum that reaches a percentile.
func thresholdSum(q forest.Quantiles, percentile float64) float64 {
	low, high := 0.0, q.Sums[len(q.Sums)-1]
	for range 60 { // halving: the percentile falls as the sum grows
		if middle := (low + high) / 2; q.Percentile(middle) >= percentile {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
