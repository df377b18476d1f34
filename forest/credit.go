package forest

// Credit says which features made a row unusual: how many cuts each of them spared it (less than zero) or cost it, over all trees. Going from
// a node to its child takes one cut, and from there on as many are to be expected as rows are left: c(child) + 1 - c(node). Those steps add up to
// the depth sum, less what is to be expected of any row, trees × c(sample): the explanation is exact, and not a guess at the model.
// credit has a place for each feature and is overwritten.
func (s *Scorer) Credit(row []float32, credit []float64) error {
	if err := s.read(row); err != nil {
		return err
	}
	clear(credit)
	for i := range s.Trees {
		t := &s.Trees[i]
		for at := int32(0); t.Feature[at] >= 0; {
			f := t.Feature[at]
			child := t.Left[at]
			if s.keys[f] > key(t.Threshold[at]) {
				child = t.Right[at]
			}
			credit[f] += 1 + s.C[t.N[child]] - s.C[t.N[at]]
			at = child
		}
	}
	return nil
}
