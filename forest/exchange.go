package forest

import (
	"fmt"
	"io"
	"math"
)

// exchangeFormat is scikit-learn's forest in plain JSON, as hack/export_sklearn.py writes it. A pickle is a program, and is never read.
const exchangeFormat = "iforest-json/1"

// maxExchange is how many bytes of a model are read: of a node there are up to 60, with the 17 digits of a threshold and the space that Python puts
// behind each comma.
const maxExchange = 80 << 20

// maxProbes is how many probes a model may have.
const maxProbes = 1 << 12

type exchange struct {
	format   string
	features int
	forest   Forest
	probes   probes
}

// probes are rows with the scores that the host of the training gave them.
type probes struct {
	x     [][]float64
	score []float64
}

func (e *exchange) read(text []byte) error {
	return parse(text, members{
		"format":        scalar(&e.format),
		"source":        pass,
		"params":        pass,
		"feature_names": texts(&e.forest.Features, MaxFeatures, "feature", "features"),
		"n_features":    scalar(&e.features),
		"max_samples":   scalar(&e.forest.SampleSize),
		"offset":        scalar(&e.forest.Offset),
		"c":             float64s(&e.forest.C),
		"trees":         list(&e.forest.Trees, MaxTrees, "tree", "trees", exchangeTree),
		"trained_on":    pass,
		"probes": func(text []byte) error {
			return object(text, members{
				"x":     list(&e.probes.x, maxProbes, "probe", "probes", func(text []byte, row *[]float64) error { return float64s(row)(text) }),
				"score": float64s(&e.probes.score),
			})
		},
	})
}

func exchangeTree(text []byte, t *Tree) error {
	var thresholds []float64
	err := object(text, members{
		"feature": int32s(&t.Feature), "threshold": float64s(&thresholds), "left": int32s(&t.Left), "right": int32s(&t.Right), "n": int32s(&t.N),
	})
	if err != nil {
		return err
	}
	t.Threshold = make([]float32, len(thresholds))
	for i, v := range thresholds {
		if t.Threshold[i], err = thresholdOf(v); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	return nil
}

// Import reads a model of scikit-learn's. It is refused unless its own probes come out as they did there.
func Import(r io.Reader) (*Forest, error) {
	data, err := ReadAll(r, maxExchange, "model")
	if err != nil {
		return nil, err
	}
	var e exchange
	if err := e.read(data); err != nil {
		return nil, err
	}
	if e.format != exchangeFormat {
		return nil, fmt.Errorf("the format is %.40q, not %q", e.format, exchangeFormat)
	}
	if len(e.forest.Features) != e.features {
		return nil, fmt.Errorf("%d names for %d features", len(e.forest.Features), e.features)
	}
	imported, err := New(e.forest)
	if err != nil {
		return nil, err
	}
	return imported, imported.reproduce(e.probes)
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
	if len(p.x) == 0 || len(p.x) != len(p.score) {
		return fmt.Errorf("%d probes with %d scores; a model comes with rows by which it can be tried", len(p.x), len(p.score))
	}
	s := f.Scorer()
	row := make([]float32, len(f.Features))
	for i, x := range p.x {
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
		if !(math.Abs(got.Score-p.score[i]) <= tolerance) {
			return fmt.Errorf("probe %d has the score %v here, and had %v where the model was trained", i, got.Score, p.score[i])
		}
	}
	return nil
}
