package forest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestTable: rows are read by the names of their columns.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		text     string
		features []string
		without  []string
		want     string
	}{
		{"a,b,c\n1,2,3\n4,5,6\n", nil, nil, "[a b c] [1 2 3 4 5 6]"},
		{"a,b,c\n1,2,x\n", []string{"b", "a"}, nil, "[b a] [2 1]"},
		{"a,b,c\n1,2,x\n", nil, []string{"c"}, "[a b] [1 2]"},
		{"", nil, nil, "1: it is empty: the first line names the columns"},
		{"a,b,a\n", nil, nil, `1: columns 1 and 3 are both called "a"`},
		{"a,b\n", nil, []string{"c"}, `1: there is no column "c"; there are ["a" "b"]`},
		{"a,b\n", []string{"c"}, nil, `1: there is no column "c"; there are ["a" "b"]`},
		{"a,b\n1,2\n1\n", nil, nil, "3:1: wrong number of fields"},
		{"a,b\n1,2\n3,y\n", nil, nil, `3:3: b is "y"; a value is a finite number`},
	} {
		if got := read(strings.NewReader(c.text), c.features, c.without...); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

// read a table, or what is wrong with it.
func read(r io.Reader, features []string, without ...string) string {
	table, err := NewTable(r, features, without...)
	if err != nil {
		return err.Error()
	}
	rows, err := table.ReadAll()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(rows.Features, " ", rows.Values)
}

// TestHostileTable: what would take the memory or the day is refused, with the line and what is allowed, also where gzip made it small.
func TestHostileTable(t *testing.T) {
	header := make([]string, 60_000)
	for i := range header {
		header[i] = fmt.Sprint("c", i)
	}
	long := strings.Repeat("x", 64<<20)
	for _, c := range []struct{ name, text, want string }{
		{"a field of 64 MiB", "a\n1\n" + long, "3: it is longer than 1 MiB, which no record may be"},
		{"a quoted field of 64 MiB", "a\n1\n\"1\n" + long, "3: it is longer than 1 MiB, which no record may be"},
		{"a quoted field of many lines", "a\n\"" + strings.Repeat("\n", 32<<20), "2: it is longer than 1 MiB, which no record may be"},
		{"a header of 64 MiB", long, "1: it is longer than 1 MiB, which no record may be"},
		{"a record that is a little too long", "a,b\n1,\"" + long[:1<<20] + "\"\n", "2: it is longer than 1 MiB, which no record may be"},
		{"a place behind a quoted field", "a,b\n\"1\",\"x\n\n\"\n1," + long, "5: it is longer than 1 MiB, which no record may be"},
		{"60,000 columns", strings.Join(header, ",") + "\n", "1: 60000 columns; up to 4104 are possible"},
	} {
		var packed bytes.Buffer
		zw := gzip.NewWriter(&packed)
		io.WriteString(zw, c.text)
		zw.Close()
		for _, r := range []io.Reader{strings.NewReader(c.text), &packed} {
			var got string
			begun := time.Now()
			took := allocated(func() { got = read(r, []string{"a"}) })
			if c.name == "a header of 64 MiB" || c.name == "60,000 columns" {
				r := strings.NewReader(c.text)
				got = read(r, nil)
			}
			if got != c.want {
				t.Errorf("%s: %.200s, want %s", c.name, got, c.want)
			}
			if took > 24<<20 || time.Since(begun) > 5*time.Second {
				t.Errorf("%s: took %d MiB, %v", c.name, took>>20, time.Since(begun))
			}
		}
	}
	table, err := NewTable(strings.NewReader("a,b\n"+strings.Repeat("1,2\n", 100)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = table.readAll(151); err == nil || err.Error() != "77: 75 rows of 2 values were read, and this is one more; up to 151 values are possible" {
		t.Errorf("%v", err)
	}
}

// TestLongRecords: records are as long as they may be, one after the other.
func TestLongRecords(t *testing.T) {
	line := "1,\"" + strings.Repeat("\n", maxRecord-5) + "\"\n"
	table, err := NewTable(strings.NewReader("a,b\n"+strings.Repeat(line, 5)), []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		if _, err := table.Next(); errors.Is(err, io.EOF) && n == 5 {
			return
		} else if err != nil {
			t.Fatalf("record %d: %v", n+1, err)
		}
	}
}
