package events

import "math"

// Table is how often each combination of values occurred in the training.
type Table struct {
	Total  int            `json:"total"`
	Counts map[string]int `json:"counts"`
}

const (
	// maxValues of one feature. What has more is no category, but a number or a text.
	maxValues = 1 << 18

	// rarest is what a value that never occurred has at most: one unseen value must not outweigh everything else.
	rarest = 12
)

// rarity is the negative logarithm of the share of a value, smoothed by half an occurrence of each that is known and of one that is not.
func (t *Table) rarity(key []byte) float32 {
	share := (float64(t.Counts[string(key)]) + 0.5) / (float64(t.Total) + 0.5*float64(len(t.Counts)+1))
	return float32(min(-math.Log(share), rarest))
}
