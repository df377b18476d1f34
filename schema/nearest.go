package schema

import "strings"

// Nearest is the known word that an author most likely meant by word, or nothing if none is near. Among equally near
// words it is the first in alphabetical order.
func Nearest(word string, known []string) string {
	const long = 64 // nobody mistypes that; and the distance costs the product of both lengths
	if len(word) > long {
		return ""
	}
	best, least := "", 1+tolerance(word)
	for _, k := range known {
		if len(k) > long {
			continue
		}
		d := distance(strings.ToLower(word), strings.ToLower(k))
		if d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	return best
}

// didYouMean is the end of a message about a word that is not known.
func didYouMean(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return "; did you mean " + quote(near) + "?"
	}
	return ""
}

// tolerance is how many slips of the finger a word of this length may hold.
func tolerance(word string) int { return min(3, (len(word)+3)/4) }

// distance counts insertions, deletions, substitutions and swaps of neighbours (Damerau-Levenshtein, each place edited
// at most once).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := range s {
		row[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
