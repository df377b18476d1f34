package forest

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// basis of the feedback of a forest that stands in a file of its own.
func basis(f *Forest) Basis {
	return Basis{Forest: "sha256:" + digest(f), Labels: "sha256:" + strings.Repeat("1", 64)}
}

func fold(t testing.TB, f *Forest, verdicts []Verdict) *Feedback {
	t.Helper()
	fb, err := Fold(f, verdicts, basis(f))
	if err != nil {
		t.Fatal(err)
	}
	return fb
}

func with(t testing.TB, f *Forest, fb *Feedback) *Forest {
	t.Helper()
	taught, err := f.With(fb)
	if err != nil {
		t.Fatal(err)
	}
	return taught
}

func feedbackWritten(t testing.TB, fb *Feedback) string {
	t.Helper()
	var b bytes.Buffer
	if err := fb.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// depthSums of some rows.
func depthSums(t testing.TB, f *Forest, rows Rows, which []int) []float64 {
	t.Helper()
	s := f.Scorer()
	sums := make([]float64, len(which))
	for i, row := range which {
		if err := s.read(rows.Row(row)); err != nil {
			t.Fatal(err)
		}
		sums[i] = f.flat.depthSum(&s.keys)
	}
	return sums
}

// twoTrees is a forest of one feature: the first tree cuts at 1 and the right of it at 2, and the second is but a leaf.
func twoTrees(t testing.TB) *Forest {
	t.Helper()
	f, err := New(Forest{Features: []string{"a"}, SampleSize: 3, Offset: -0.5, C: averagePaths(3), Trees: []Tree{
		{Feature: []int32{0, -1, 0, -1, -1}, Threshold: []float32{1, 0, 2, 0, 0}, Left: []int32{1, -1, 3, -1, -1}, Right: []int32{2, -1, 4, -1, -1}, N: []int32{3, 1, 2, 1, 1}},
		{Feature: []int32{-1}, Threshold: []float32{0}, Left: []int32{-1}, Right: []int32{-1}, N: []int32{2}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFold: what a list of verdicts, + an incident and - a benign one, by the value of the only feature, makes of the leaves.
func TestFold(t *testing.T) {
	f := twoTrees(t)
	for _, c := range []struct{ verdicts, first, second string }{
		{"", "[] []", "[] []"},
		{"+1", "[1] [-0.5]", "[0] [-0.5]"},
		{"-2", "[3] [0.5]", "[0] [0.5]"},
		{"+1 -1", "[] []", "[] []"},
		{"+1 -9", "[1 4] [-0.5 0.5]", "[] []"},
		{"-9 -9 -9 -9 -9", "[4] [1]", "[0] [1]"},
		{"-9 -9 -9 -9 -9 +9", "[4] [0.5]", "[0] [0.5]"},
		{"+9 -9 -9 -9 -9 -9", "[4] [1]", "[0] [1]"},
		{strings.Repeat("+2 ", 20), "[3] [-8]", "[0] [-8]"},
		{strings.Repeat("+2 ", 20) + "-2", "[3] [-7.5]", "[0] [-7.5]"},
	} {
		var verdicts []Verdict
		for _, v := range strings.Fields(c.verdicts) {
			verdicts = append(verdicts, Verdict{[]float32{float32(v[1] - '0')}, v[0] == '+'})
		}
		fb := fold(t, f, verdicts)
		first, second := fmt.Sprint(fb.Trees[0].Leaf, fb.Trees[0].Delta), fmt.Sprint(fb.Trees[1].Leaf, fb.Trees[1].Delta)
		if first != c.first || second != c.second || fb.Incidents != strings.Count(c.verdicts, "+") || fb.Benign != strings.Count(c.verdicts, "-") {
			t.Errorf("%s: %s and %s, want %s and %s", c.verdicts, first, second, c.first, c.second)
		}
	}
}

// TestFoldRefuses what is no row, and numbers that are out of range.
func TestFoldRefuses(t *testing.T) {
	f := twoTrees(t)
	for _, c := range []struct {
		row  []float32
		b    Basis
		want string
	}{
		{[]float32{1, 2}, basis(f), "verdict 1: a row of 2 values"},
		{[]float32{float32(math.NaN())}, basis(f), "verdict 1: a is NaN"},
		{[]float32{1}, Basis{}, `the forest is ""`},
		{[]float32{1}, Basis{Forest: basis(f).Forest, Labels: "sha256:1"}, `the labels are "sha256:1"`},
	} {
		if _, err := Fold(f, []Verdict{{Row: c.row}}, c.b); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v %+v: %v, want %s", c.row, c.b, err, c.want)
		}
	}
	for _, numbers := range [][3]float64{{-1, 0, 0}, {2, 8, 1}, {0, 1, 1}, {0, 1, 2}, {0, 17, 0}, {0, 8, 3}, {math.NaN(), 0, 0}, {0, math.NaN(), 0}, {0, 0, math.NaN()}, {0, math.Inf(1), 0}} {
		b := basis(f)
		b.Rate, b.Promote, b.Suppress = numbers[0], numbers[1], numbers[2]
		if _, err := Fold(f, nil, b); err == nil || !strings.Contains(err.Error(), "possible") {
			t.Errorf("%v: %v", numbers, err)
		}
	}
}

// judged is a forest with verdicts on its own rows, and the rows.
func judged(t testing.TB, name string, n int) (*Forest, []Verdict, Rows) {
	t.Helper()
	rows, anomaly := dataset(t, name)
	f, err := Fit(rows, Options{Seed: 1, Trees: 30})
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []Verdict
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(rows.Len())[:n] {
		verdicts = append(verdicts, Verdict{rows.Row(i), anomaly[i]})
	}
	return f, verdicts, rows
}

// TestWith: with feedback a row's depth sum is that of its leaves, each moved and none below 0; the forest's file is what it was.
func TestWith(t *testing.T) {
	f, verdicts, rows := judged(t, "pima", 300)
	plain := depthSums(t, f, rows, []int{1, 2, 3})
	fb := fold(t, f, verdicts)
	taught := with(t, f, fb)
	s := taught.Scorer()
	lowest := 0
	for i := range rows.Len() {
		got, err := s.Score(rows.Row(i))
		if err != nil {
			t.Fatal(err)
		}
		want := 0.0
		for n := range f.Trees {
			tree := &f.Trees[n]
			leaf := s.leaf(tree)
			length := f.C[tree.N[leaf]]
			for at := int32(0); at != leaf; length++ {
				if feature := tree.Feature[at]; rows.Row(i)[feature] <= tree.Threshold[at] {
					at = tree.Left[at]
				} else {
					at = tree.Right[at]
				}
			}
			if j := slices.Index(fb.Trees[n].Leaf, leaf); j >= 0 {
				length += fb.Trees[n].Delta[j]
			}
			if length < 0 {
				lowest++
			}
			want += max(0, length)
		}
		if math.Abs(got.DepthSum-want) > 1e-9 || got.Score < -1 || got.Score > 0 {
			t.Fatalf("row %d: %+v, want the depth sum %v", i, got, want)
		}
	}
	if lowest == 0 {
		t.Error("no leaf was moved below 0, so that nothing is known of one that is")
	}
	if written(t, taught) != written(t, f) {
		t.Error("the feedback is in the forest's file")
	}
	if again := depthSums(t, f, rows, []int{1, 2, 3}); !slices.Equal(again, plain) {
		t.Error("the forest without feedback was changed")
	}
	if nothing := with(t, taught, fold(t, f, nil)); !slices.Equal(depthSums(t, nothing, rows, []int{1, 2, 3}), plain) {
		t.Error("feedback of no verdicts, in the place of another, is not nothing")
	}
}

// TestFeedbackCredit: with the feedback's own share the credits still add up to the depth sum, less what is expected; without any it is 0.
func TestFeedbackCredit(t *testing.T) {
	for _, name := range []string{"pima", "annthyroid", "ionosphere"} {
		f, verdicts, rows := judged(t, name, 300)
		taught := with(t, f, fold(t, f, verdicts)).Scorer()
		credit := make([]float64, len(f.Features))
		shorter, longer := 0, 0
		for i := range rows.Len() {
			row := rows.Row(i)
			got, _ := taught.Score(row)
			share, err := taught.FeedbackCredit(row)
			if err == nil {
				err = taught.Credit(row, credit)
			}
			if err != nil {
				t.Fatal(err)
			}
			sum := share
			for _, c := range credit {
				sum += c
			}
			if want := got.DepthSum - f.flat.normal; math.Abs(sum-want) > 1e-9 {
				t.Fatalf("%s, row %d: credits add up to %v, not %v", name, i, sum, want)
			}
			if share < 0 {
				shorter++
			} else if share > 0 {
				longer++
			}
			if none, err := f.Scorer().FeedbackCredit(row); none != 0 || err != nil {
				t.Fatalf("without feedback its share is %v, %v", none, err)
			}
		}
		if shorter == 0 || longer == 0 {
			t.Errorf("%s: %d rows are more unusual and %d less", name, shorter, longer)
		}
	}
}

// TestFeedbackCosts: scoring with feedback, and explaining, allocate nothing.
func TestFeedbackCosts(t *testing.T) {
	f, verdicts, rows := judged(t, "pima", 60)
	s := with(t, f, fold(t, f, verdicts)).Scorer()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.Score(rows.Row(0)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.FeedbackCredit(rows.Row(0)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestFeedbackFile: the same list makes the same bytes, which are read back as they were.
func TestFeedbackFile(t *testing.T) {
	f, verdicts, _ := judged(t, "breastw", 100)
	fb := fold(t, f, verdicts)
	text := feedbackWritten(t, fb)
	if feedbackWritten(t, fold(t, f, verdicts)) != text {
		t.Error("it is another the second time")
	}
	read, err := ReadFeedback(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if feedbackWritten(t, read) != text {
		t.Error("it is written in another way the second time")
	}
	if lines := strings.Count(text, "\n"); lines != len(f.Trees)+2 {
		t.Errorf("%d lines for %d trees", lines, len(f.Trees))
	}
	if feedbackWritten(t, fold(t, f, verdicts[:99])) == text {
		t.Error("the last verdict makes no difference")
	}
}
