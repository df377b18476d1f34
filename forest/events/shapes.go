package events

import (
	"math"
	"strings"
	"unicode/utf8"
)

// shapes of a text.
var shapes = map[string]func(string) float32{
	"length":  func(s string) float32 { return float32(math.Log1p(float64(utf8.RuneCountInString(s)))) },
	"entropy": entropy,
	"digits": func(s string) float32 {
		return share(s, func(b byte) bool { return b >= '0' && b <= '9' })
	},
	"meta": func(s string) float32 {
		return float32(countOf(s, func(b byte) bool { return strings.IndexByte("|&;<>()$`\\\"'*?[]#~=%{}!", b) >= 0 }))
	},
	"depth": func(s string) float32 { return float32(strings.Count(s, "/")) },
}

func countOf(s string, is func(byte) bool) int {
	n := 0
	for i := range len(s) {
		if is(s[i]) {
			n++
		}
	}
	return n
}

func share(s string, is func(byte) bool) float32 {
	if s == "" {
		return 0
	}
	return float32(float64(countOf(s, is)) / float64(len(s)))
}

// entropy of the bytes, in bits.
func entropy(s string) float32 {
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= float64(p * math.Log2(p))
		}
	}
	return float32(bits)
}
