package report

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
)

// The picture has its own background, as it is shown on light pages and on dark ones, no script, and nothing that would be loaded. The same
// report makes the same bytes.
const (
	svgWidth  = 1000
	svgHeight = 905
)

// colours of the models, and their strokes: who sees no colours sees dashes.
var looks = []struct{ colour, dash string }{
	{"#1f5fa8", ""},
	{"#c2570c", ` stroke-dasharray="8 5"`},
}

const (
	ink  = "#1b2430"
	soft = "#55606e"
	grid = "#dfe4ea"
	pale = "#ccd4dd"
)

// canvas collects elements.
type canvas struct{ bytes.Buffer }

func (c *canvas) put(format string, args ...any) { fmt.Fprintf(&c.Buffer, format+"\n", args...) }

func (c *canvas) text(x, y float64, anchor, colour, more, text string) {
	c.put(`<text x="%s" y="%s" text-anchor="%s" fill="%s"%s>%s</text>`, px(x), px(y), anchor, colour, more, escaped(text))
}

func (c *canvas) line(x1, y1, x2, y2 float64, colour, more string) {
	c.put(`<line x1="%s" y1="%s" x2="%s" y2="%s" stroke="%s"%s/>`, px(x1), px(y1), px(x2), px(y2), colour, more)
}

// px is a coordinate, to a tenth.
func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10+0, 'f', -1, 64) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escaped(s string) string { return escaper.Replace(s) }

// SVG writes the picture: what the threshold does, how the events score beside the training, the ROC curve and precision against recall.
func (r *Report) SVG(w io.Writer) error {
	var c canvas
	c.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif" font-size="15" role="img">`,
		svgWidth, svgHeight, svgWidth, svgHeight)
	c.put(`<title>%s</title>`, escaped(r.title()))
	c.put(`<rect x="0.5" y="0.5" width="%d" height="%d" rx="8" fill="#ffffff" stroke="#c9d1da"/>`, svgWidth-1, svgHeight-1)
	c.text(30, 42, "start", ink, ` font-size="22" font-weight="bold"`, r.title())
	for i := range r.Models {
		y := 72 + 24*float64(i)
		c.line(30, y-5, 68, y-5, looks[i].colour, looks[i].dash+` stroke-width="3"`)
		c.text(78, y, "start", ink, "", r.Models[i].sentence())
	}
	r.histogram(&c, box{100, 180, 870, 235})
	r.curves(&c, roc, box{100, 545, 370, 290})
	r.curves(&c, precisionRecall, box{600, 545, 370, 290})
	c.put(`</svg>`)
	_, err := w.Write(c.Bytes())
	return err
}

func (r *Report) title() string {
	m := &r.Models[0]
	title := fmt.Sprintf("%s events", thousands(m.Events))
	if m.Quality != nil {
		title = fmt.Sprintf("%s events, %s incidents", thousands(m.Events), thousands(m.Incidents))
	}
	if len(r.Models) > 1 {
		return "New and old forest on " + title
	}
	return "A forest on " + title
}

// sentence is what a model comes to.
func (m *Measured) sentence() string {
	var said []string
	if p := m.Passed; p != nil {
		text := fmt.Sprintf("%.1f %% of the events are passed on", p.Share)
		if p.Days > 0 {
			text += fmt.Sprintf(", %s a day", thousands(int(math.Round(p.PerDay))))
		}
		if m.Incidents > 0 {
			text += fmt.Sprintf(", with %s of %s incidents", thousands(p.Incidents), thousands(m.Incidents))
		}
		said = append(said, text)
	}
	if m.Drift != nil {
		said = append(said, fmt.Sprintf("drift %.2f: %s", m.Drift.PSI, m.Drift.Word))
	}
	return m.Name + ": " + strings.Join(said, "; ")
}

// thousands parts a number by thin spaces.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// box is a panel's plot, without its labels.
type box struct{ x, y, w, h float64 }

// frame draws the title, a line below it, the grid and the axes of a panel. The ticks are shares of the box.
func (b box) frame(c *canvas, title, more, below, beside string, x, y []tick) {
	c.text(b.x-70, b.y-36, "start", ink, ` font-size="17" font-weight="bold"`, title)
	c.text(b.x-70, b.y-14, "start", soft, "", more)
	for _, t := range x {
		at := b.x + t.at*b.w
		c.line(at, b.y, at, b.y+b.h, grid, "")
		c.text(at, b.y+b.h+20, "middle", soft, "", t.label)
	}
	for _, t := range y {
		at := b.y + b.h - t.at*b.h
		c.line(b.x, at, b.x+b.w, at, grid, "")
		c.text(b.x-8, at+5, "end", soft, "", t.label)
	}
	c.line(b.x, b.y+b.h, b.x+b.w, b.y+b.h, soft, "")
	c.line(b.x, b.y, b.x, b.y+b.h, soft, "")
	c.text(b.x+b.w/2, b.y+b.h+44, "middle", ink, "", below)
	c.text(0, 0, "middle", ink, fmt.Sprintf(` transform="translate(%s %s) rotate(-90)"`, px(b.x-64), px(b.y+b.h/2)), beside)
}

type tick struct {
	at    float64
	label string
}

// curve is a panel that tells incidents from the rest.
type curve struct {
	title, below, beside, of string

	points  func(*Judged) iter.Seq2[float64, float64]
	figure  func(*Quality) float64
	guess   func(*Judged) [2]float64 // where a forest that guesses begins and ends
	fromTop bool                     // the upright axis ends where the curves do
}

var roc = curve{
	title: "Incidents caught against false alarms (ROC)", below: "benign events passed on", beside: "incidents passed on", of: "AUC",
	points: (*Judged).ROC,
	figure: func(q *Quality) float64 { return q.AUC },
	guess:  func(*Judged) [2]float64 { return [2]float64{0, 1} },
}

var precisionRecall = curve{
	title: "Incidents in what is passed on (precision)", below: "incidents passed on (recall)", beside: "precision", of: "average precision",
	points: (*Judged).PrecisionRecall,
	figure: func(q *Quality) float64 { return q.AveragePrecision },
	guess: func(j *Judged) [2]float64 {
		rate := float64(len(j.Incidents)) / float64(j.len())
		return [2]float64{rate, rate}
	},
	fromTop: true,
}

// curves draws the curve of every model that has one, and a dotted one for a forest that guesses.
func (r *Report) curves(c *canvas, of curve, b box) {
	if !r.judged() {
		b.frame(c, of.title, "nothing to compare: no labelled incidents", of.below, of.beside, percents(1), percents(1))
		return
	}
	var figures []string
	top := 0.0
	for i := range r.Models {
		m := &r.Models[i]
		if m.Quality == nil {
			continue
		}
		figures = append(figures, fmt.Sprintf("%s %.4f", m.Name, of.figure(m.Quality)))
		for _, y := range of.points(m.judged) {
			top = max(top, y)
		}
	}
	most := 1.0
	for _, end := range []float64{0.5, 0.2, 0.1, 0.05} {
		if of.fromTop && top <= end {
			most = end
		}
	}
	b.frame(c, of.title, of.of+": "+strings.Join(figures, ", ")+" (dotted: chance)", of.below, of.beside, percents(1), percents(most))
	g := of.guess(r.Models[0].judged)
	c.line(b.x, b.y+b.h-g[0]/most*b.h, b.x+b.w, b.y+b.h-g[1]/most*b.h, soft, ` stroke-dasharray="2 4" stroke-width="1.5"`)
	for i := range r.Models {
		if m := &r.Models[i]; m.Quality != nil {
			c.put(`<path d="%s" fill="none" stroke="%s" stroke-width="2.5" stroke-linejoin="round"%s/>`, b.path(of.points(m.judged), most), looks[i].colour, looks[i].dash)
		}
	}
}

// percents are the ticks of an axis from nothing to a share.
func percents(most float64) []tick {
	var ticks []tick
	for i := range 6 {
		ticks = append(ticks, tick{float64(i) / 5, strconv.FormatFloat(math.Round(100*most*float64(i)/5), 'f', -1, 64) + " %"})
	}
	return ticks
}

// path of a curve. Points that fall on the same tenth of a pixel are one, and of a straight run only its ends are kept, or a picture of a million
// events would have a million points.
func (b box) path(points iter.Seq2[float64, float64], most float64) string {
	type point struct{ x, y float64 }
	var kept []point
	for x, y := range points {
		p := point{math.Round(10 * (b.x + x*b.w)), math.Round(10 * (b.y + b.h - y/most*b.h))}
		n := len(kept)
		if n > 0 && kept[n-1] == p {
			continue
		}
		if n > 1 && (kept[n-2].x == kept[n-1].x && kept[n-1].x == p.x || kept[n-2].y == kept[n-1].y && kept[n-1].y == p.y) {
			if straight := (kept[n-1].x-kept[n-2].x)*(p.x-kept[n-1].x)+(kept[n-1].y-kept[n-2].y)*(p.y-kept[n-1].y) > 0; straight {
				kept[n-1] = p
				continue
			}
		}
		kept = append(kept, p)
	}
	var d strings.Builder
	for i, p := range kept {
		command := "L"
		if i == 0 {
			command = "M"
		}
		d.WriteString(command + px(p.x/10) + " " + px(p.y/10))
	}
	return d.String()
}
