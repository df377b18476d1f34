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
	"strings"
)

// Table reads rows from CSV, one at a time: a header that names the columns, and numbers below it. Compressed by gzip it is read too.
type Table struct {
	Columns []string // of the header

	csv    *csv.Reader
	text   *metered
	line   int   // where the record before ends, or 0
	picked []int // the column of each value of a row
	row    []float32
}

// Limits of a table, which gzip can make of a file a thousandth its size.
const (
	maxRecord  = 1 << 20         // bytes of text
	maxColumns = MaxFeatures + 8 // and some that are left out: a label, a name
	maxValues  = 1 << 27         // of all rows that are read at once
)

// NewTable reads the header. A row will hold the values of the named features, in their order; of columns that are none of them nothing is
// read. Where none are named, a row holds all columns but those that are left out.
func NewTable(r io.Reader, features []string, without ...string) (*Table, error) {
	plain, err := Unpacked(r)
	if err != nil {
		return nil, fmt.Errorf("1: %w", err)
	}
	t := &Table{text: &metered{Reader: plain}}
	t.csv = csv.NewReader(t.text)
	t.csv.ReuseRecord = true
	header, err := t.record()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("1: it is empty: the first line names the columns")
	} else if err != nil {
		return nil, err
	}
	if len(header) > maxColumns {
		return nil, fmt.Errorf("1: %d columns; up to %d are possible", len(header), maxColumns)
	}
	t.Columns = slices.Clone(header)
	if err := t.pick(features, without); err != nil {
		return nil, err
	}
	return t, nil
}

// pick the columns of a row.
func (t *Table) pick(features, without []string) error {
	places := make(map[string]int, len(t.Columns))
	for i, name := range t.Columns {
		if j, twice := places[name]; twice {
			return fmt.Errorf("1: columns %d and %d are both called %q", j+1, i+1, name)
		}
		places[name] = i
	}
	left := make(map[string]bool, len(without))
	for _, name := range without {
		if _, there := places[name]; !there {
			return fmt.Errorf("1: there is no column %q; there are %q", name, t.Columns)
		}
		left[name] = true
	}
	if features == nil {
		features = slices.DeleteFunc(slices.Clone(t.Columns), func(name string) bool { return left[name] })
	}
	for _, name := range features {
		i, there := places[name]
		if !there {
			return fmt.Errorf("1: there is no column %q; there are %q", name, t.Columns)
		}
		t.picked = append(t.picked, i)
	}
	t.row = make([]float32, len(t.picked))
	return nil
}

// metered is a reader that ends with an error where a record is too long.
type metered struct {
	io.Reader
	read int // since the record began, and at most a buffer of csv's before
}

var errRecord = fmt.Errorf("it is longer than %d MiB, which no record may be", maxRecord>>20)

func (m *metered) Read(p []byte) (int, error) {
	if m.read > maxRecord {
		return 0, errRecord
	}
	n, err := m.Reader.Read(p)
	m.read += n
	return n, err
}

// record is the next one. An error names the line, and where it can the column.
func (t *Table) record() ([]string, error) {
	t.text.read = 0
	from := t.csv.InputOffset()
	record, err := t.csv.Read()
	if errors.Is(err, errRecord) || err == nil && t.csv.InputOffset()-from > maxRecord {
		return nil, fmt.Errorf("%d: %w", t.line+1, errRecord)
	}
	if err != nil {
		return nil, placed(err)
	}
	last := len(record) - 1
	t.line, _ = t.csv.FieldPos(last)
	t.line += strings.Count(record[last], "\n")
	return record, nil
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
	record, err := t.record()
	if err != nil {
		return nil, err
	}
	for i, column := range t.picked {
		v, err := strconv.ParseFloat(record[column], 64)
		t.row[i] = float32(v)
		if err != nil || !finite(float64(t.row[i])) {
			line, at := t.csv.FieldPos(column)
			return nil, fmt.Errorf("%d:%d: %s is %.80q; a value is a finite number", line, at, t.Columns[column], record[column])
		}
	}
	return t.row, nil
}

// ReadAll reads the rows that are left, and keeps them.
func (t *Table) ReadAll() (Rows, error) { return t.readAll(maxValues) }

func (t *Table) readAll(most int) (Rows, error) {
	rows := Rows{Features: t.Features()}
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return rows, err
		}
		if len(rows.Values)+len(row) > most {
			return rows, fmt.Errorf("%d: %d rows of %d values were read, and this is one more; up to %d values are possible", t.line, rows.Len(), len(row), most)
		}
		rows.Values = append(rows.Values, row...)
	}
}
