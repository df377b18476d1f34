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
	"digits":  digits,
	"meta":    func(s string) float32 { return float32(countOf(s, &metas)) },
	"depth":   func(s string) float32 { return float32(strings.Count(s, "/")) },
}

// Bytes of a kind.
var (
	metas    = bytesOf("|&;<>()$`\\\"'*?[]#~=%{}!")
	decimals = bytesOf("0123456789")
)

func bytesOf(s string) (t [256]bool) {
	for i := range len(s) {
		t[s[i]] = true
	}
	return t
}

func countOf(s string, kind *[256]bool) int {
	n := 0
	for i := range len(s) {
		if kind[s[i]] {
			n++
		}
	}
	return n
}

// digits is their share.
func digits(s string) float32 {
	if s == "" {
		return 0
	}
	return float32(float64(countOf(s, &decimals)) / float64(len(s)))
}

// entropy of the bytes, in bits. Most bytes of a command occur once or a few times: their term is computed once.
func entropy(s string) float32 {
	var counts [256]uint32
	for i := range len(s) {
		counts[s[i]]++
	}
	var few [16]float64
	bits := 0.0
	for _, n := range counts {
		switch {
		case n == 0:
		case n >= uint32(len(few)):
			bits -= term(n, len(s))
		default:
			if few[n] == 0 {
				few[n] = term(n, len(s))
			}
			bits -= few[n]
		}
	}
	return float32(bits)
}

func term(n uint32, of int) float64 {
	p := float64(n) / float64(of)
	return float64(p * math.Log2(p)) // rounded, on processors too that multiply and add in one step
}
