package forest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// fileFormat is a forest's own form. It is raised when an older reader would misunderstand a newer file.
const fileFormat = 1

// maxFile is how many bytes of a forest are read.
const maxFile = 64 << 20

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
	b := bufio.NewWriter(w)
	head, err := json.Marshal(file{fileFormat, f.Features, f.SampleSize, f.Offset, f.C, f.Quantiles, []Tree{}})
	if err != nil {
		return err
	}
	b.Write(head[:len(head)-len("]}")])
	for i := range f.Trees {
		tree, err := json.Marshal(&f.Trees[i])
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(tree)
	}
	b.WriteString("\n]}\n")
	return b.Flush()
}

// Digest is the sha256 of the canonical form, in hex: the forest's identity.
func (f *Forest) Digest() string {
	h := sha256.New()
	if err := f.Write(h); err != nil {
		panic(err) // a forest holds finite numbers alone, and a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Read reads a forest. Its canonical form is the only one: a forest has one digest.
func Read(r io.Reader) (*Forest, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	var in file
	if err := decode(bytes.NewReader(data), maxFile, &in); err != nil {
		return nil, err
	}
	if in.Format != fileFormat {
		return nil, fmt.Errorf("a forest of format %d; this reads %d", in.Format, fileFormat)
	}
	f, err := New(Forest{Features: in.Features, SampleSize: in.SampleSize, Offset: in.Offset, C: in.C, Quantiles: in.Quantiles, Trees: in.Trees})
	if err != nil {
		return nil, err
	}
	var again bytes.Buffer
	if err := f.Write(&again); err != nil {
		return nil, err
	}
	if !bytes.Equal(data, again.Bytes()) {
		return nil, errors.New("not in the form in which a forest is written: it was edited, or written by something else")
	}
	return f, nil
}
