package action

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// largest integer up to which float64 has all of them. Beyond it, readers with integers and readers with floating point see different numbers.
const largest = 1 << 53

// number refuses what RFC 8785 would round: it writes all numbers as float64. 0.1 is kept although no float64 is 0.1, since it is written 0.1 again.
func number(s string) error {
	short := s
	if len(short) > 40 {
		short = short[:40] + "…"
	}
	if !jsonNumber.MatchString(s) {
		return refused("%q is no number", short)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Abs(f) > largest {
		return refused("the number %s is beyond 2^53, where not all readers see the same: write it as text", short)
	}
	if decimal(s) != decimal(strconv.FormatFloat(f, 'e', -1, 64)) {
		return refused("the number %s has more digits than a 64-bit floating point number keeps: write it as text", short)
	}
	return nil
}

// decimal writes a number in one way, exactly: its digits without zeros at either end, and the exponent of the last one.
func decimal(s string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	kept := strings.TrimRight(digits, "0")
	if kept == "" {
		return "0" // -0 too, as RFC 8785 has it
	}
	e, err := strconv.ParseInt(exponent, 10, 32)
	if exponent != "" && err != nil {
		return sign + kept + "e" + exponent // far beyond any float64: equal to nothing that one is written as
	}
	return sign + kept + "e" + strconv.FormatInt(e-int64(len(fraction))+int64(len(digits)-len(kept)), 10)
}
