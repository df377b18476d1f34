package forest

import (
	"bytes"
	"os"
	"testing"
)

// FuzzImport: a model is refused, or it is a forest that scores, and that is written and read back as it was.
func FuzzImport(f *testing.F) {
	data, err := os.ReadFile("testdata/pima_tiny.model.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format": "iforest-json/1", "feature_names": ["a"], "n_features": 1, "max_samples": 2, "offset": -0.5, "c": [0, 0, 1], ` +
		`"trees": [{"feature": [0, -1, -1], "threshold": [1.5, 0, 0], "left": [1, -1, -1], "right": [2, -1, -1], "n": [2, 1, 1]}], ` +
		`"probes": {"x": [[1]], "score": [-0.5]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if forest, err := Import(bytes.NewReader(data)); err == nil {
			tried(t, forest)
		}
	})
}

// FuzzRead: the same of a forest's own file.
func FuzzRead(f *testing.F) {
	fitted, err := Fit(Rows{[]string{"a", "b"}, []float32{1, 2, 3, 4, 5, 6, 1, 9}}, Options{Trees: 2})
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := fitted.Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if forest, err := Read(bytes.NewReader(data)); err == nil {
			if written(t, forest) != string(data) {
				t.Error("another file is read as this one")
			}
			tried(t, forest)
		}
	})
}

// tried scores a row on and beside every threshold of a forest.
func tried(t *testing.T, f *Forest) {
	s := f.Scorer()
	row, credit := make([]float32, len(f.Features)), make([]float64, len(f.Features))
	for i := range f.Trees {
		for j, feature := range f.Trees[i].Feature {
			if feature < 0 {
				continue
			}
			row[feature] = f.Trees[i].Threshold[j]
			r, err := s.Score(row)
			if err == nil {
				err = s.Credit(row, credit)
			}
			if err != nil || !finite(r.Score) || r.Score < -1 || r.Score > 0 {
				t.Fatalf("%+v, %v", r, err)
			}
		}
	}
	again, err := Read(bytes.NewReader([]byte(written(t, f))))
	if err != nil || digest(again) != digest(f) {
		t.Fatalf("read back: %v", err)
	}
}
