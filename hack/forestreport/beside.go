package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"

	"agentc/forest"
)

const (
	seeds    = 30 // of what is compared with scikit-learn
	fewSeeds = 10
)

// measure fits a forest for each seed and scores the rows that it was fitted to.
func (s *set) measure(seeds, trees int) (auc, ap moments, err error) {
	var aucs, aps []float64
	for seed := range seeds {
		f, err := forest.Fit(s.rows, forest.Options{Seed: uint64(seed), Trees: trees})
		if err != nil {
			return auc, ap, err
		}
		j, err := s.judge(f, nil)
		if err != nil {
			return auc, ap, err
		}
		aucs, aps = append(aucs, j.AUC()), append(aps, j.AveragePrecision())
	}
	return momentsOf(aucs), momentsOf(aps), nil
}

// beside prints our figures beside scikit-learn's.
func beside(w io.Writer, sets []set, theirs string) error {
	aucs, aps, err := readTheirs(theirs)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, `### As good as scikit-learn

Fitted to all rows without their labels, and the same rows scored; 100 trees of 256 rows, mean ± standard deviation of %d seeds. z is the difference in
standard errors. Both are the same algorithm with other dice: passed is a difference of at most three standard errors and 0.002.

| set | rows × features | anomalies | AUC, paper of 2008 | LinkedIn's | scikit-learn | agentc | z | |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
`, seeds)
	var precision []string
	for i := range sets {
		s := &sets[i]
		auc, ap, err := s.measure(seeds, 100)
		if err != nil {
			return err
		}
		z, passed := auc.apart(momentsOf(aucs[s.name]))
		fmt.Fprintf(w, "| %s | %d × %d | %.1f %% | %s | %s | %s | %s | %+.1f | %s |\n", s.name, s.rows.Len(), len(s.rows.Features),
			100*float64(s.anomalies())/float64(s.rows.Len()), s.paper, s.linkedIn, momentsOf(aucs[s.name]), auc, z, mark(passed))
		z, passed = ap.apart(momentsOf(aps[s.name]))
		precision = append(precision, fmt.Sprintf("| %s | %s | %s | %+.1f | %s |\n", s.name, momentsOf(aps[s.name]), ap, z, mark(passed)))
	}
	fmt.Fprint(w, "\n| set | average precision, scikit-learn | agentc | z | |\n| --- | ---: | ---: | ---: | --- |\n")
	for _, line := range precision {
		io.WriteString(w, line)
	}
	fmt.Fprintln(w)
	return nil
}

func mark(passed bool) string {
	if passed {
		return "passed"
	}
	return "**failed**"
}

func readTheirs(name string) (aucs, aps map[string][]float64, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, nil, err
	}
	aucs, aps = map[string][]float64{}, map[string][]float64{}
	for _, line := range lines {
		auc, err := strconv.ParseFloat(line[2], 64)
		if err != nil {
			return nil, nil, err
		}
		ap, err := strconv.ParseFloat(line[3], 64)
		if err != nil {
			return nil, nil, err
		}
		aucs[line[0]], aps[line[0]] = append(aucs[line[0]], auc), append(aps[line[0]], ap)
	}
	return aucs, aps, nil
}

// moreTrees prints what more of them are good for.
func moreTrees(w io.Writer, sets []set) error {
	fmt.Fprintf(w, "### More trees\n\nAUC and average precision as in the first table, %d seeds. What a single forest is off by falls with their number; the mean hardly moves.\n\n", fewSeeds)
	numbers := []int{100, 200, 300}
	fmt.Fprint(w, "| set |")
	for _, n := range numbers {
		fmt.Fprintf(w, " AUC, %d trees |", n)
	}
	for _, n := range numbers {
		fmt.Fprintf(w, " average precision, %d trees |", n)
	}
	fmt.Fprint(w, "\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	sums := make([]float64, 2*len(numbers))
	for i := range sets {
		cells := make([]string, 2*len(numbers))
		for j, n := range numbers {
			auc, ap, err := sets[i].measure(fewSeeds, n)
			if err != nil {
				return err
			}
			cells[j], cells[len(numbers)+j] = auc.String(), ap.String()
			sums[j] += auc.mean / float64(len(sets))
			sums[len(numbers)+j] += ap.mean / float64(len(sets))
		}
		fmt.Fprintf(w, "| %s |", sets[i].name)
		for _, cell := range cells {
			fmt.Fprintf(w, " %s |", cell)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "| mean |")
	for _, sum := range sums {
		fmt.Fprintf(w, " %.4f |", sum)
	}
	fmt.Fprintln(w)
	return nil
}
