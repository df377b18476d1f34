package forest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// exchangeFormat is scikit-learn's forest in plain JSON, as hack/export_sklearn.py writes it. A pickle is a program, and is never read.
const exchangeFormat = "iforest-json/1"

// maxExchange is how many bytes of a model are read.
const maxExchange = 256 << 20

type exchange struct {
	Format     string         `json:"format"`
	Source     string         `json:"source"`
	Params     map[string]any `json:"params"`
	Names      []string       `json:"feature_names"`
	Features   int            `json:"n_features"`
	MaxSamples int            `json:"max_samples"`
	Offset     float64        `json:"offset"`
	C          []float64      `json:"c"`
	Trees      []exchangeTree `json:"trees"`
	TrainedOn  map[string]any `json:"trained_on"`
	Probes     probes         `json:"probes"`
}

type exchangeTree struct {
	Feature   []int32   `json:"feature"`
	Threshold []float64 `json:"threshold"`
	Left      []int32   `json:"left"`
	Right     []int32   `json:"right"`
	N         []int32   `json:"n"`
}

// probes are rows with the scores that the host of the training gave them.
type probes struct {
	X     [][]float64 `json:"x"`
	Score []float64   `json:"score"`
}

// Import reads a model of scikit-learn's. It is refused unless its own probes come out as they did there.
func Import(r io.Reader) (*Forest, error) {
	var e exchange
	if err := decode(r, maxExchange, &e); err != nil {
		return nil, err
	}
	if e.Format != exchangeFormat {
		return nil, fmt.Errorf("the format is %q, not %q", e.Format, exchangeFormat)
	}
	if len(e.Names) != e.Features {
		return nil, fmt.Errorf("%d names for %d features", len(e.Names), e.Features)
	}
	f := Forest{Features: e.Names, SampleSize: e.MaxSamples, Offset: e.Offset, C: e.C}
	for i, t := range e.Trees {
		tree := Tree{Feature: t.Feature, Left: t.Left, Right: t.Right, N: t.N}
		for j, v := range t.Threshold {
			x, err := thresholdOf(v)
			if err != nil {
				return nil, fmt.Errorf("tree %d: node %d: %w", i, j, err)
			}
			tree.Threshold = append(tree.Threshold, x)
		}
		f.Trees = append(f.Trees, tree)
	}
	imported, err := New(f)
	if err != nil {
		return nil, err
	}
	return imported, imported.reproduce(e.Probes)
}

// thresholdOf is the largest float32 that is not greater: a float32 is less than or equal to the one exactly if it is to the other.
func thresholdOf(v float64) (float32, error) {
	if !finite(v) || math.Abs(v) > math.MaxFloat32 {
		return 0, fmt.Errorf("the threshold %v is out of range", v)
	}
	x := float32(v)
	if float64(x) > v {
		x = math.Nextafter32(x, float32(math.Inf(-1)))
	}
	return x, nil
}

// tolerance of a score: the exponential of another machine may differ in the last bits.
const tolerance = 1e-12

func (f *Forest) reproduce(p probes) error {
	if len(p.X) == 0 || len(p.X) != len(p.Score) {
		return fmt.Errorf("%d probes with %d scores; a model comes with rows by which it can be tried", len(p.X), len(p.Score))
	}
	s := f.Scorer()
	row := make([]float32, len(f.Features))
	for i, x := range p.X {
		if len(x) != len(row) {
			return fmt.Errorf("probe %d has %d values", i, len(x))
		}
		for j, v := range x {
			row[j] = float32(v)
		}
		got, err := s.Score(row)
		if err != nil {
			return fmt.Errorf("probe %d: %w", i, err)
		}
		if !(math.Abs(got.Score-p.Score[i]) <= tolerance) {
			return fmt.Errorf("probe %d has the score %v here, and had %v where the model was trained", i, got.Score, p.Score[i])
		}
	}
	return nil
}

// decode reads one JSON value of known fields and nothing behind it.
func decode(r io.Reader, limit int64, into any) error {
	limited := &io.LimitedReader{R: r, N: limit + 1}
	d := json.NewDecoder(limited)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something stands behind the end")
		}
	}
	if limited.N == 0 {
		return fmt.Errorf("the model is larger than %d MiB", limit>>20)
	}
	return err
}
