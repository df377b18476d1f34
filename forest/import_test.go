package forest

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

func model(t testing.TB, name string) *Forest {
	t.Helper()
	file, err := os.Open("testdata/" + name + ".model.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f, err := Import(file)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// golden is what scikit-learn says of 200 rows, some of them exactly on a threshold.
type golden struct {
	X        [][]float64 `json:"x"`
	DepthSum []string    `json:"depth_sum"` // hexadecimal floats
	Score    []float64   `json:"score_samples"`
	Decision []float64   `json:"decision_function"`
	Predict  []int       `json:"predict"`
}

func goldens(t testing.TB, name string) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".golden.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func rounded(row []float64) []float32 {
	out := make([]float32, len(row))
	for i, v := range row {
		out[i] = float32(v)
	}
	return out
}

// TestGolden: depth sums of an imported model are scikit-learn's to the last bit, scores within 1e-15, and the same rows are anomalies.
func TestGolden(t *testing.T) {
	for _, name := range []string{"pima_tiny", "mammography_default"} {
		f, want := model(t, name), goldens(t, name)
		s := f.Scorer()
		if len(want.X) != 200 {
			t.Fatalf("%d rows", len(want.X))
		}
		for i, x := range want.X {
			got, err := s.Score(rounded(x))
			if err != nil {
				t.Fatal(err)
			}
			sum, err := strconv.ParseFloat(want.DepthSum[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			if got.DepthSum != sum || math.Abs(got.Score-want.Score[i]) > 1e-15 || got.Anomaly != (want.Predict[i] == -1) {
				t.Errorf("%s, row %d: %+v, want %v, %v, %d", name, i, got, sum, want.Score[i], want.Predict[i])
			}
		}
	}
}

// TestCredit: the credits of a row add up to its depth sum, less what any row is expected to have.
func TestCredit(t *testing.T) {
	for _, name := range []string{"pima_tiny", "mammography_default"} {
		f, rows := model(t, name), goldens(t, name)
		s := f.Scorer()
		credit := make([]float64, len(f.Features))
		for i, x := range rows.X {
			row := rounded(x)
			got, _ := s.Score(row)
			if err := s.Credit(row, credit); err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for _, c := range credit {
				sum += c
			}
			if want := got.DepthSum - f.flat.normal; math.Abs(sum-want) > 1e-9 {
				t.Errorf("%s, row %d: credits add up to %v, not %v", name, i, sum, want)
			}
		}
	}
}

// TestHostileModels: a model that is no forest is refused, with the reason.
func TestHostileModels(t *testing.T) {
	data, err := os.ReadFile("testdata/pima_tiny.model.json")
	if err != nil {
		t.Fatal(err)
	}
	type m = map[string]any
	tree := func(change func(feature, threshold, left, right, n []any)) func(m) {
		return func(e m) {
			t := e["trees"].([]any)[0].(m)
			change(t["feature"].([]any), t["threshold"].([]any), t["left"].([]any), t["right"].([]any), t["n"].([]any))
		}
	}
	for _, c := range []struct {
		name   string
		change func(m)
		want   string
	}{
		{"nothing", func(e m) {}, ""},
		{"another format", func(e m) { e["format"] = "iforest-json/2" }, `the format is "iforest-json/2"`},
		{"more than is known", func(e m) { e["missing_go_to_left"] = true }, `unknown field "missing_go_to_left"`},
		{"a cycle", tree(func(_, _, left, _, _ []any) { left[1] = 0 }), "node 1 has the child 0; a child stands after its parent"},
		{"a node that is its own child", tree(func(_, _, left, _, _ []any) { left[1] = 1 }), "node 1 has the child 1"},
		{"a shared child", tree(func(_, _, left, _, _ []any) { left[0] = 6 }), "node 6 is the child of two"},
		{"a child that is not there", tree(func(_, _, left, _, _ []any) { left[0] = 1 << 30 }), "node 0 has the child 1073741824"},
		{"a negative child", tree(func(_, _, left, _, _ []any) { left[0] = -7 }), "node 0 has the child -7"},
		{"a leaf with children", tree(func(feature, _, _, _, _ []any) { feature[1] = -1 }), "node 1 is a leaf with children"},
		{"a feature that is not there", tree(func(feature, _, _, _, _ []any) { feature[0] = 8 }), "node 0 asks feature 8 of 8"},
		{"a feature before the first", tree(func(feature, _, _, _, _ []any) { feature[0] = -2 }), "node 0 asks feature -2 of 8"},
		{"a threshold that no value can have", tree(func(_, threshold, _, _, _ []any) { threshold[0] = 1e300 }), "the threshold 1e+300 is out of range"},
		{"rows lost on the way down", tree(func(_, _, _, _, n []any) { n[1] = 2 }), "node 0 has 8 rows and its children 7"},
		{"a node without rows", tree(func(_, _, _, _, n []any) { n[1], n[6] = 0, 8 }), "node 1 has 0 rows"},
		{"more rows than were drawn", tree(func(_, _, _, _, n []any) { n[0] = 9 }), "9 rows at the root; the sample is 8"},
		{"lists of two lengths", func(e m) { e["trees"].([]any)[0].(m)["n"] = []any{8} }, "its lists are of different lengths"},
		{"no trees", func(e m) { e["trees"] = []any{} }, "0 trees"},
		{"too many trees", func(e m) {
			for len(e["trees"].([]any)) <= MaxTrees {
				e["trees"] = append(e["trees"].([]any), e["trees"].([]any)[0])
			}
		}, "1001 trees; up to 1000 are possible"},
		{"a huge sample", func(e m) { e["max_samples"] = 1 << 30 }, "a sample of 1073741824 rows"},
		{"an average path of another function", func(e m) { e["c"].([]any)[5] = 2.4 }, "the average path length of 5 rows is 2.4"},
		{"a table that is short", func(e m) { e["c"] = e["c"].([]any)[:5] }, "5 average path lengths"},
		{"an offset that nothing reaches", func(e m) { e["offset"] = 7 }, "offset 7"},
		{"a name twice", func(e m) { e["feature_names"].([]any)[1] = "x0" }, `feature 1 is called "x0"`},
		{"names of other features", func(e m) { e["n_features"] = 9 }, "8 names for 9 features"},
		{"no probes", func(e m) { e["probes"] = m{} }, "0 probes with 0 scores"},
		{"a probe that was another", func(e m) { e["probes"].(m)["score"].([]any)[3] = -0.4 }, "probe 3 has the score"},
		{"a probe of other features", func(e m) { e["probes"].(m)["x"].([]any)[3] = []any{1} }, "probe 3 has 1 values"},
		{"a probe out of range", func(e m) { e["probes"].(m)["x"].([]any)[3].([]any)[2] = 1e300 }, "probe 3: x2 is +Inf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e m
			if err := json.Unmarshal(data, &e); err != nil {
				t.Fatal(err)
			}
			c.change(e)
			changed, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Import(bytes.NewReader(changed))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	for text, want := range map[string]string{
		"":                         "unexpected end of JSON input",
		"\x80\x04\x95pickle":       "invalid character",
		string(data) + "{}":        "after top-level value",
		string(data[:len(data)/2]): "unexpected end of JSON input",
	} {
		if _, err := Import(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}
