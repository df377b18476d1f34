package model

import (
	"regexp"
	"strings"
	"testing"
)

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"soc", "detect"}, "soc-detect"},
		{[]string{"soc"}, "soc"},
		{[]string{strings.Repeat("a", 31), strings.Repeat("b", 31)}, strings.Repeat("a", 31) + "-" + strings.Repeat("b", 31)}, // 63
		{[]string{strings.Repeat("a", 40), strings.Repeat("b", 40)}, strings.Repeat("a", 40) + "-" + strings.Repeat("b", 13) + "-f5e4207a"},
		// The cut falls behind a hyphen: no two stand together.
		{[]string{strings.Repeat("a", 53), strings.Repeat("b", 40)}, strings.Repeat("a", 53) + "-58af53e2"},
	} {
		if got := Join(c.parts...); got != c.want {
			t.Errorf("Join(%q) = %q, want %q", c.parts, got, c.want)
		}
	}
}

// TestJoinTellsApart: names that begin alike, end alike or are of one length stay different when they are shortened.
func TestJoinTellsApart(t *testing.T) {
	a40 := strings.Repeat("a", 40)
	seen := map[string][]string{}
	for _, parts := range [][]string{
		{a40, a40}, {a40, a40[1:]}, {a40[1:], a40}, {a40, a40 + "b"}, {a40, "b" + a40}, {a40, a40[:39] + "b"},
		{a40, strings.Repeat("a", 22)}, {a40, strings.Repeat("a", 23)}, // 63 and 64 characters
		{a40, strings.Repeat("a-", 20) + "a"}, {a40, strings.Repeat("a-", 20) + "b"},
		{a40, "x", a40}, {a40, "y", a40},
		{Join(a40, a40)}, // what was shortened is short enough
	} {
		name := Join(parts...)
		if other := seen[name]; other != nil && strings.Join(parts, "-") != Join(other...) {
			t.Errorf("%q and %q are both %s", other, parts, name)
		}
		seen[name] = parts
	}
}

func FuzzJoin(f *testing.F) {
	f.Add("soc", "detect", "analyse")
	f.Add(strings.Repeat("a", 63), strings.Repeat("b", 63), "c")
	f.Add(strings.Repeat("a-", 27)+"a", strings.Repeat("-", 9), "é")
	f.Fuzz(func(t *testing.T, a, b, other string) {
		name := Join(a, b)
		if len(name) > MaxLabel {
			t.Errorf("Join(%q, %q) has %d characters", a, b, len(name))
		}
		if label.MatchString(a) && label.MatchString(b) && !label.MatchString(name) {
			t.Errorf("Join(%q, %q) = %q, which is no DNS label", a, b, name)
		}
		if Join(a, b) != name {
			t.Errorf("Join(%q, %q) is not always %q", a, b, name)
		}
		if b != other && len(b) == len(other) && Join(a, other) == name {
			t.Errorf("Join(%q, %q) and Join(%q, %q) are both %q", a, b, a, other, name)
		}
	})
}
