package forest

import "slices"

// Sampler keeps a bounded number of the rows that it is given: those whose hash is least. Which ones these are depends on the rows alone, and
// not on their order, and is as good as drawn at random.
type Sampler struct {
	Features []string
	Most     int // rows that are kept

	rows []hashed // a heap: the greatest hash first
}

type hashed struct {
	hash uint64
	row  []float32
}

func (a hashed) less(b hashed) bool {
	if a.hash != b.hash {
		return a.hash < b.hash
	}
	return slices.Compare(a.row, b.row) < 0
}

// Add takes a row, which may be changed afterwards.
func (s *Sampler) Add(row []float32) {
	h := hashed{hashRow(row), row}
	if len(s.rows) < s.Most {
		h.row = slices.Clone(row)
		s.rows = append(s.rows, h)
		for i := len(s.rows) - 1; i > 0 && s.rows[(i-1)/2].less(s.rows[i]); i = (i - 1) / 2 {
			s.rows[i], s.rows[(i-1)/2] = s.rows[(i-1)/2], s.rows[i]
		}
		return
	}
	if s.Most == 0 || !h.less(s.rows[0]) {
		return
	}
	h.row = append(s.rows[0].row[:0], row...)
	s.rows[0] = h
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(s.rows) {
			return
		}
		if child+1 < len(s.rows) && s.rows[child].less(s.rows[child+1]) {
			child++
		}
		if !s.rows[i].less(s.rows[child]) {
			return
		}
		s.rows[i], s.rows[child] = s.rows[child], s.rows[i]
		i = child
	}
}

// Rows are those that were kept.
func (s *Sampler) Rows() Rows {
	rows := Rows{Features: s.Features}
	for _, h := range s.rows {
		rows.Values = append(rows.Values, h.row...)
	}
	return rows
}
