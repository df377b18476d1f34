package forest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Table reads rows from CSV, one at a time: a header that names the columns, and numbers below it. Compressed by gzip it is read too.
type Table struct {
	Columns []string // of the header

	csv    *csv.Reader
	picked []int // the column of each value of a row
	row    []float32
}

// NewTable reads the header. A row will hold the values of the named features, in their order; of columns that are none of them nothing is
// read. Where none are named, a row holds all columns but those that are left out.
func NewTable(r io.Reader, features []string, without ...string) (*Table, error) {
	plain, err := Unpacked(r)
	if err != nil {
		return nil, fmt.Errorf("1: %w", err)
	}
	t := &Table{csv: csv.NewReader(plain)}
	t.csv.ReuseRecord = true
	header, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("1: it is empty: the first line names the columns")
	} else if err != nil {
		return nil, placed(err)
	}
	t.Columns = slices.Clone(header)
	for i, name := range t.Columns {
		if j := slices.Index(t.Columns, name); j != i {
			return nil, fmt.Errorf("1: columns %d and %d are both called %q", j+1, i+1, name)
		}
	}
	for _, name := range without {
		if !slices.Contains(t.Columns, name) {
			return nil, fmt.Errorf("1: there is no column %q; there are %q", name, t.Columns)
		}
	}
	if features == nil {
		features = slices.DeleteFunc(slices.Clone(t.Columns), func(name string) bool { return slices.Contains(without, name) })
	}
	for _, name := range features {
		i := slices.Index(t.Columns, name)
		if i < 0 {
			return nil, fmt.Errorf("1: there is no column %q; there are %q", name, t.Columns)
		}
		t.picked = append(t.picked, i)
	}
	t.row = make([]float32, len(t.picked))
	return t, nil
}

// Unpacked is what a reader holds, unpacked if it is packed by gzip.
func Unpacked(r io.Reader) (*bufio.Reader, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := buffered.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return buffered, nil
	}
	zr, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(zr, 1<<16), nil
}

// placed puts the place of a mistake before it, as everywhere.
func placed(err error) error {
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%d:%d: %w", wrong.Line, wrong.Column, wrong.Err)
	}
	return err
}

// Features are the names of a row's values.
func (t *Table) Features() []string {
	names := make([]string, len(t.picked))
	for i, column := range t.picked {
		names[i] = t.Columns[column]
	}
	return names
}

// Next is the next row, which is good until the one after it; io.EOF when there is none. An error names the line and the column.
func (t *Table) Next() ([]float32, error) {
	record, err := t.csv.Read()
	if err != nil {
		return nil, placed(err)
	}
	for i, column := range t.picked {
		v, err := strconv.ParseFloat(record[column], 64)
		t.row[i] = float32(v)
		if err != nil || !finite(float64(t.row[i])) {
			line, at := t.csv.FieldPos(column)
			return nil, fmt.Errorf("%d:%d: %s is %q; a value is a finite number", line, at, t.Columns[column], record[column])
		}
	}
	return t.row, nil
}

// ReadAll reads the rows that are left.
func (t *Table) ReadAll() (Rows, error) {
	rows := Rows{Features: t.Features()}
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return rows, err
		}
		rows.Values = append(rows.Values, row...)
	}
}
