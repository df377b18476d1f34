package forest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// dataset are rows of testdata, and which of them are anomalies.
func dataset(t testing.TB, name string) (rows Rows, anomaly []bool) {
	t.Helper()
	file, err := os.Open("testdata/" + name + ".csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zr, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(zr).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := len(lines[0]) - 1
	rows.Features = lines[0][:last]
	for _, line := range lines[1:] {
		for _, text := range line[:last] {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			rows.Values = append(rows.Values, float32(v))
		}
		anomaly = append(anomaly, line[last] == "1")
	}
	return rows, anomaly
}

func written(t testing.TB, f *Forest) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// digest of a forest's file.
func digest(f *Forest) string {
	h := sha256.New()
	if err := f.Write(h); err != nil {
		panic(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestFitIsDeterministic: the same rows and seed make the same bytes, in whatever order the rows come.
func TestFitIsDeterministic(t *testing.T) {
	rows, _ := dataset(t, "pima")
	options := []Options{{Seed: 7}, {Seed: 8}, {Seed: 7, Bootstrap: true}, {Seed: 7, FeatureShare: 0.5}, {Seed: 7, Sample: 8, Trees: 3}, {Seed: 7, Anomalies: 0.1}}
	digests := map[string]bool{}
	for _, o := range options {
		first, err := Fit(rows, o)
		if err != nil {
			t.Fatal(err)
		}
		digests[digest(first)] = true
		for seed := range uint64(3) {
			shuffled := Rows{Features: rows.Features}
			for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(rows.Len()) {
				shuffled.Values = append(shuffled.Values, rows.Row(i)...)
			}
			again, err := Fit(shuffled, o)
			if err != nil {
				t.Fatal(err)
			}
			if written(t, again) != written(t, first) {
				t.Errorf("%+v: the order of the rows changed the forest", o)
			}
		}
	}
	if len(digests) != len(options) {
		t.Errorf("%d forests of %d options", len(digests), len(options))
	}
}

// TestHash: a row's hash is the same among four as alone.
func TestHash(t *testing.T) {
	for n := range 10 {
		for d := 1; d < 6; d++ { // two values are hashed at a time
			rows := Rows{Features: []string{"a", "b", "c", "d", "e"}[:d], Values: mixed(n).Values[:n*d]}
			hashes := make([]uint64, n)
			rows.hash(hashes)
			for i, got := range hashes {
				if want := hashRow(rows.Row(i)); got != want {
					t.Errorf("row %d of %d with %d values: %x, alone %x", i, n, d, got, want)
				}
			}
		}
	}
	if hashRow([]float32{1, 2, 3}) == hashRow([]float32{2, 1, 3}) || hashRow([]float32{0, 1}) != hashRow([]float32{float32(math.Copysign(0, -1)), 1}) {
		t.Error("the order of values counts, and the sign of 0 does not")
	}
}

// TestFile: what is written is read back as it was, and nothing else is read.
func TestFile(t *testing.T) {
	rows, _ := dataset(t, "breastw")
	fitted, err := Fit(rows, Options{Seed: 1, Trees: 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*Forest{fitted, model(t, "pima_tiny")} {
		text := written(t, f)
		again, err := Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if written(t, again) != text {
			t.Error("it is written in another way the second time")
		}
		for _, edited := range []string{text + "\n", " " + text, strings.Replace(text, `"format":1`, `"format":1.0`, 1), strings.Replace(text, `"format":1`, `"format":2`, 1), text[:len(text)-9]} {
			if _, err := Read(strings.NewReader(edited)); err == nil {
				t.Errorf("%.40q is read", edited)
			}
		}
	}
}

// TestPercentile: of the training rows, about as many are beyond a percentile as it says.
func TestPercentile(t *testing.T) {
	rows, _ := dataset(t, "mammography")
	f, err := Fit(rows, Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Scorer()
	percentiles := make([]float64, rows.Len())
	for i := range percentiles {
		r, err := s.Score(rows.Row(i))
		if err != nil {
			t.Fatal(err)
		}
		percentiles[i] = r.Percentile
	}
	for _, p := range []float64{50, 90, 95, 99, 99.9} {
		beyond := 0
		for _, v := range percentiles {
			if v >= p {
				beyond++
			}
		}
		if share := 100 * float64(beyond) / float64(rows.Len()); math.Abs(share-(100-p)) > 0.15 {
			t.Errorf("beyond %v lie %v %%", p, share)
		}
	}
	if r, _ := s.Score(make([]float32, len(rows.Features))); r.Percentile < 0 || r.Percentile > 100 {
		t.Errorf("%+v", r)
	}
}

// TestOffset: as many of the training rows are anomalies as were asked for.
func TestOffset(t *testing.T) {
	rows, _ := dataset(t, "annthyroid")
	f, err := Fit(rows, Options{Seed: 3, Anomalies: 0.05})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Scorer()
	anomalies := 0
	for i := range rows.Len() {
		if r, _ := s.Score(rows.Row(i)); r.Anomaly {
			anomalies++
		}
	}
	if share := float64(anomalies) / float64(rows.Len()); math.Abs(share-0.05) > 0.001 {
		t.Errorf("%v are anomalies", share)
	}
}

func TestFitRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	two := []string{"a", "b"}
	for _, c := range []struct {
		rows Rows
		o    Options
		want string
	}{
		{Rows{}, Options{}, "are no rows"},
		{Rows{two, []float32{1, 2, 3}}, Options{}, "3 values are no rows of 2 features"},
		{Rows{two, []float32{1, 2, 3, nan}}, Options{}, "row 2: b is NaN"},
		{Rows{two, []float32{inf, 2, 3, 4}}, Options{}, "row 1: a is -Inf"},
		{Rows{[]string{"a", "a"}, []float32{1, 2}}, Options{}, `feature 1 is called "a"`},
		{Rows{two, []float32{1, 2}}, Options{Trees: MaxTrees + 1}, "trees is 1001; 1 to 1000 are possible"},
		{Rows{two, []float32{1, 2}}, Options{Trees: -1}, "trees is -1; 1 to 1000 are possible"},
		{Rows{two, []float32{1, 2}}, Options{Sample: -1}, "sample is -1; 1 to 1048576 rows are possible"},
		{Rows{two, []float32{1, 2}}, Options{Sample: maxSample + 1}, "sample is 1048577; 1 to 1048576 rows are possible"},
		{Rows{two, []float32{1, 2}}, Options{FeatureShare: -0.5}, "the feature share is -0.5; more than 0 and up to 1"},
		{Rows{two, []float32{1, 2}}, Options{Anomalies: -0.1}, "anomalies is -0.1; a share of 0 to 0.5 is possible"},
		{Rows{two, []float32{1, 2}}, Options{FeatureShare: 1.5}, "the feature share is 1.5; more than 0 and up to 1"},
		{Rows{two, []float32{1, 2}}, Options{FeatureShare: math.NaN()}, "the feature share is NaN"},
		{Rows{two, []float32{1, 2}}, Options{Anomalies: 0.6}, "anomalies is 0.6; a share of 0 to 0.5 is possible"},
	} {
		if _, err := Fit(c.rows, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %+v: %v, want %q", c.rows, c.o, err, c.want)
		}
	}
}

// TestOdd: rows of which there is little to say are scored all the same.
func TestOdd(t *testing.T) {
	for _, rows := range []Rows{
		{[]string{"a"}, []float32{1}},
		{[]string{"a"}, []float32{1, 1, 1}},
		{[]string{"a"}, []float32{math.MaxFloat32, -math.MaxFloat32, 0}},
		{[]string{"a", "b", "c"}, []float32{1, 2, 3, float32(math.Copysign(0, -1)), 0, 0}},
	} {
		f, err := Fit(rows, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Scorer().Score(rows.Row(0))
		if err != nil || !finite(r.Score) || r.Score < -1 || r.Score > 0 || r.Percentile < 0 || r.Percentile > 100 {
			t.Errorf("%v: %+v, %v", rows, r, err)
		}
	}
	f := model(t, "pima_tiny")
	if _, err := f.Scorer().Score(make([]float32, 3)); err == nil {
		t.Error("a row of 3 values is scored")
	}
	row := make([]float32, 8)
	row[2] = float32(math.NaN())
	_, err := f.Scorer().Score(row)
	var notFinite *NotFiniteError
	if !errors.As(err, &notFinite) || notFinite.Feature != "x2" {
		t.Errorf("%v", err)
	}
}

// auc is the share of pairs of an anomaly and another row in which the anomaly is the more unusual; equal ones count half.
func auc(sums []float64, anomaly []bool) float64 {
	order := make([]int, len(sums))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmpFloat(sums[b], sums[a]) })
	won, anomalies := 0.0, 0.0
	for i := 0; i < len(order); {
		j, here := i, 0.0
		for ; j < len(order) && sums[order[j]] == sums[order[i]]; j++ {
			if anomaly[order[j]] {
				here++
			}
		}
		others := float64(j-i) - here
		won += here*(float64(i)-anomalies) + here*others/2
		anomalies += here
		i = j
	}
	return won / (anomalies * (float64(len(order)) - anomalies))
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestQuality: on every data set the mean AUC of 30 seeds is scikit-learn's, within three standard errors of the difference.
func TestQuality(t *testing.T) {
	file, err := os.Open("testdata/reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const seeds = 30
	for _, line := range lines[1:] {
		_, name, _ := strings.Cut(strings.ToLower(line[0]), "_")
		t.Run(name, func(t *testing.T) {
			rows, anomaly := dataset(t, name)
			var aucs []float64
			for seed := range uint64(seeds) {
				f, err := Fit(rows, Options{Seed: seed})
				if err != nil {
					t.Fatal(err)
				}
				s := f.Scorer()
				sums := make([]float64, rows.Len())
				for i := range sums {
					r, err := s.Score(rows.Row(i))
					if err != nil {
						t.Fatal(err)
					}
					sums[i] = r.DepthSum
				}
				aucs = append(aucs, auc(sums, anomaly))
			}
			mean, sd := moments(aucs)
			theirs, theirSD := number(t, line[5]), number(t, line[6])
			bound := 3*math.Sqrt(sd*sd/seeds+theirSD*theirSD/10) + 0.002
			t.Logf("AUC %.4f ± %.4f, scikit-learn %.4f ± %.4f, paper %s", mean, sd, theirs, theirSD, line[11])
			if math.Abs(mean-theirs) > bound {
				t.Errorf("AUC %.4f, scikit-learn's %.4f: more than %.4f apart", mean, theirs, bound)
			}
		})
	}
}

func moments(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean) / float64(len(values)-1)
	}
	return mean, math.Sqrt(sd)
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestNoAllocations: scoring and explaining a row allocate nothing.
func TestNoAllocations(t *testing.T) {
	f, rows := model(t, "mammography_default"), goldens(t, "mammography_default")
	s := f.Scorer()
	row, credit := rounded(rows.X[0]), make([]float64, len(f.Features))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.Score(row); err != nil {
			t.Fatal(err)
		}
		if err := s.Credit(row, credit); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// mixed are rows of 20 features of many kinds, as events have them.
func mixed(n int) Rows {
	random := rand.New(rand.NewPCG(1, 2))
	rows := Rows{}
	for i := range 20 {
		rows.Features = append(rows.Features, fmt.Sprint("f", i))
	}
	for range n {
		for j := range 20 {
			switch {
			case j < 6:
				rows.Values = append(rows.Values, float32(random.NormFloat64()))
			case j < 12:
				rows.Values = append(rows.Values, float32(random.IntN(8)))
			default:
				rows.Values = append(rows.Values, float32(math.Exp(random.NormFloat64())))
			}
		}
	}
	return rows
}

func BenchmarkScore(b *testing.B) {
	rows := mixed(100_000)
	f, err := Fit(rows, Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	s := f.Scorer()
	credit := make([]float64, 20)
	b.Run("score", func(b *testing.B) {
		for i := range b.N {
			s.Score(rows.Row(i % rows.Len()))
		}
	})
	b.Run("credit", func(b *testing.B) {
		for i := range b.N {
			s.Credit(rows.Row(i%rows.Len()), credit)
		}
	})
	b.Run("fit", func(b *testing.B) {
		for range b.N {
			g := rows
			if _, err := Fit(g, Options{Seed: 1}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
