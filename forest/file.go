package forest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// fileFormat is a forest's own form. It is raised when an older reader would misunderstand a newer file.
const fileFormat = 1

// maxFile is how many bytes of a forest are read. TestLargest has one that takes nearly all of them.
const maxFile = 48 << 20

// file is a forest as it is written: one line for each tree, so that Git shows which of them changed.
type file struct {
	Format     int       `json:"format"`
	Features   []string  `json:"features"`
	SampleSize int       `json:"sampleSize"`
	Offset     float64   `json:"offset"`
	C          []float64 `json:"c"`
	Quantiles  Quantiles `json:"quantiles"`
	Trees      []Tree    `json:"trees"`
}

// Write writes the canonical form: the same forest, the same bytes. Numbers are as short as can be and still be read back as they were.
func (f *Forest) Write(w io.Writer) error {
	return writeLines(w, file{fileFormat, f.Features, f.SampleSize, f.Offset, f.C, f.Quantiles, []Tree{}}, f.Trees)
}

// writeLines writes an object whose last member is an empty list, and into that list the items, a line each.
func writeLines[T any](w io.Writer, object any, items []T) error {
	b := bufio.NewWriter(w)
	head, err := json.Marshal(object)
	if err != nil {
		return err
	}
	b.Write(head[:len(head)-len("]}")])
	for i := range items {
		item, err := json.Marshal(&items[i])
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(item)
	}
	b.WriteString("\n]}\n")
	return b.Flush()
}

// Read reads a forest. Its canonical form is the only one: a forest has one digest.
func Read(r io.Reader) (*Forest, error) {
	data, err := ReadAll(r, maxFile, "model")
	if err != nil {
		return nil, err
	}
	var in file
	err = parse(data, members{
		"format":     scalar(&in.Format),
		"features":   texts(&in.Features, MaxFeatures, "feature", "features"),
		"sampleSize": scalar(&in.SampleSize),
		"offset":     scalar(&in.Offset),
		"c":          float64s(&in.C),
		"quantiles": func(text []byte) error {
			q := &in.Quantiles
			return object(text, members{"rows": scalar(&q.Rows), "ranks": ints(&q.Ranks), "sums": float64s(&q.Sums)})
		},
		"trees": list(&in.Trees, MaxTrees, "tree", "trees", func(text []byte, t *Tree) error {
			return object(text, members{
				"feature": int32s(&t.Feature), "threshold": float32s(&t.Threshold), "left": int32s(&t.Left), "right": int32s(&t.Right), "n": int32s(&t.N),
			})
		}),
	})
	if err != nil {
		return nil, err
	}
	if in.Format != fileFormat {
		return nil, fmt.Errorf("a forest of format %d; this reads %d", in.Format, fileFormat)
	}
	f, err := New(Forest{Features: in.Features, SampleSize: in.SampleSize, Offset: in.Offset, C: in.C, Quantiles: in.Quantiles, Trees: in.Trees})
	if err != nil {
		return nil, err
	}
	if err := canonical(data, f.Write); err != nil {
		return nil, fmt.Errorf("not in the form in which a forest is written: %w", err)
	}
	return f, nil
}
