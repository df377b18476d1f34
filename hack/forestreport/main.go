// Command forestreport prints the tables of docs/forest-quality.md that say how good forests are; hack/forest_report.sh puts them there.
//
//	forestreport SCORES.csv      what hack/forest_report.py quality printed: set, seed, AUC, average precision
package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "forestreport: it wants the file of scikit-learn's figures")
		os.Exit(2)
	}
	out := bufio.NewWriter(os.Stdout)
	if err := print(out, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "forestreport:", err)
		os.Exit(1)
	}
	out.Flush()
}

func print(w io.Writer, theirs string) error {
	sets, err := readSets()
	if err != nil {
		return err
	}
	for _, table := range []func(io.Writer, []set) error{
		func(w io.Writer, sets []set) error { return beside(w, sets, theirs) }, heldBack, stream, moreTrees,
	} {
		if err := table(w, sets); err != nil {
			return err
		}
	}
	return nil
}

// moments of figures, one for each seed.
type moments struct{ mean, sd, n float64 }

func momentsOf(values []float64) moments {
	m := moments{n: float64(len(values))}
	for _, v := range values {
		m.mean += v / m.n
	}
	for _, v := range values {
		m.sd += (v - m.mean) * (v - m.mean)
	}
	m.sd = math.Sqrt(m.sd / max(1, m.n-1))
	return m
}

func (m moments) String() string { return fmt.Sprintf("%.4f ± %.4f", m.mean, m.sd) }

// apart is how many standard errors of the difference lie between two means, and whether that may be chance: three, and two thousandths more for
// what is no matter of chance and does not matter either.
func (m moments) apart(from moments) (z float64, chance bool) {
	se := math.Sqrt(m.sd*m.sd/m.n + from.sd*from.sd/from.n)
	d := m.mean - from.mean
	return d / se, math.Abs(d) <= 3*se+0.002
}
