package forest

import "slices"

// With is the forest with feedback. It shares the trees: what changes is what a walk finds at its end, so that scoring costs what it did. The
// feedback is no part of its file, nor of its digest, and takes the place of any that it had.
//
// No leaf adds less than 0: a depth sum is never negative, and a score stays between -1 and 0. Percentiles stay those of the training
// without feedback: what verdicts made more unusual lies higher among them, so that more or fewer events pass a threshold than before.
func (f *Forest) With(fb *Feedback) (*Forest, error) {
	if err := fb.checkOf(f); err != nil {
		return nil, err
	}
	taught := *f
	l := &taught.flat
	if l.plain == nil {
		l.plain = l.leaf
	}
	l.leaf = slices.Clone(l.plain)
	for i, root := range l.roots[:len(f.Trees)] {
		d := &fb.Trees[i]
		for j, p := range f.Trees[i].places() {
			if at, moved := slices.BinarySearch(d.Leaf, p.from); moved {
				leaf := &l.leaf[int(root)+j]
				*leaf = max(0, *leaf+d.Delta[at])
			}
		}
	}
	return &taught, nil
}

// FeedbackCredit is the feedback's own share of a row's depth sum: less than zero where verdicts made the row more unusual, 0 without feedback.
// Together with the credits of the features it adds up to the depth sum, less what is to be expected of any row.
func (s *Scorer) FeedbackCredit(row []float32) (float64, error) {
	if err := s.read(row); err != nil || s.flat.plain == nil {
		return 0, err
	}
	without := s.flat
	without.leaf = without.plain
	return s.flat.depthSum(&s.keys) - without.depthSum(&s.keys), nil
}
