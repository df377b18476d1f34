//go:build unix

package forest

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var speedPython = flag.String("speed", "", "a Python that has scikit-learn: print the table of speeds of docs/forest-quality.md")

// TestSpeed compares the processor time with scikit-learn's, on one thread. Rounds of both take turns, so that whatever else the machine does slows
// down both; the ratio of a round is what counts, and not its seconds. In a round ours is repeated until it takes about as long as theirs, or it would
// meet one good moment or one bad.
func TestSpeed(t *testing.T) {
	if *speedPython == "" {
		t.Skip("hack/forest_report.sh runs it")
	}
	runtime.GOMAXPROCS(1)
	const count, rounds, repeated = 100_000, 11, 10
	rows := mixed(count)
	theirs := startPython(t, rows)
	f, err := Fit(rows, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Scorer()
	score := func() {
		for i := range count {
			if _, err := s.Score(rows.Row(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	grow := func() {
		if _, err := grown(&rows, Options{Seed: 1}); err != nil {
			t.Fatal(err)
		}
	}
	fit := func() {
		if _, err := Fit(rows, Options{Seed: 1}); err != nil {
			t.Fatal(err)
		}
	}
	compared := []struct {
		says, command string
		ours          func()
		per           float64 // of what is done, in a second
		unit          string
		goal          float64

		here, there, ratio []float64
	}{
		{says: "score an event (scikit-learn: `score_samples` of all rows at once)", command: "score", ours: score, per: 1e6 / count, unit: "µs", goal: 10},
		{says: "grow the forest (`fit`)", command: "fit", ours: grow, per: 1e3, unit: "ms", goal: 20},
		{says: "grow it and score all its rows, for the quantiles (`fit` and `score_samples`)", command: "fit and score", ours: fit, per: 1e3, unit: "ms"},
	}
	for range rounds {
		for i := range compared {
			c := &compared[i]
			here := cpu(t, func() {
				for range repeated {
					c.ours()
				}
			}) / repeated
			there := theirs(c.command)
			c.here, c.there, c.ratio = append(c.here, here*c.per), append(c.there, there*c.per), append(c.ratio, there/here)
		}
	}
	allocs := testing.AllocsPerRun(1000, func() { s.Score(rows.Row(0)) })

	fmt.Printf("| | agentc | scikit-learn | times faster | at least | |\n| --- | ---: | ---: | ---: | ---: | --- |\n")
	for i := range compared {
		c := &compared[i]
		goal, verdict := "", ""
		if c.goal > 0 {
			goal, verdict = fmt.Sprintf("%.0f", c.goal), "reached"
			if slices.Sort(c.ratio); c.ratio[rounds/2] < c.goal {
				verdict = "**not reached**"
			}
		}
		fmt.Printf("| %s | %s %s | %s %s | %s | %s | %s |\n", c.says, spread(c.here), c.unit, spread(c.there), c.unit, spread(c.ratio), goal, verdict)
	}
	fmt.Printf("\nScoring an event allocates %v times.\n", allocs)
}

// spread is the median, and the least and the greatest.
func spread(values []float64) string {
	slices.Sort(values)
	figures := make([]string, 3)
	for i, v := range []float64{values[len(values)/2], values[0], values[len(values)-1]} {
		digits := 2
		if v >= 10 {
			digits = 0
		}
		figures[i] = strconv.FormatFloat(v, 'f', digits, 64)
	}
	return fmt.Sprintf("%s (%s–%s)", figures[0], figures[1], figures[2])
}

// cpu is how much processor time a function takes, in seconds.
func cpu(t *testing.T, do func()) float64 {
	t.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	runtime.GC() // what others left behind is not its own
	start := used()
	do()
	return (used() - start).Seconds()
}

// startPython starts scikit-learn with the rows, and returns what asks it to do something and says how long it took.
func startPython(t *testing.T, rows Rows) func(command string) float64 {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := binary.Write(out, binary.LittleEndian, rows.Values); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(*speedPython, "../hack/forest_report.py", "speed", fmt.Sprint(rows.Len()), fmt.Sprint(len(rows.Features)), file)
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	lines := bufio.NewReader(answers)
	return func(command string) float64 {
		io.WriteString(in, command+"\n")
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		seconds, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
		if err != nil {
			t.Fatal(err)
		}
		return seconds
	}
}
