package events

// Unseen adds one at the place of every feature that is a rarity and whose values never occurred together in the training.
func (m *Model) Unseen(e *Event, counts []int) {
	for i, t := range m.Tables {
		if t != nil && t.Counts[keyOf(&m.Spec.Features[i], e)] == 0 {
			counts[i]++
		}
	}
}
