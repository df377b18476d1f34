package emit

import (
	"strings"
	"testing"

	labels "k8s.io/apimachinery/pkg/util/validation"
)

// A card's version may hold what a label may not.
func TestLabelValue(t *testing.T) {
	for version, want := range map[string]string{
		"1.4.0":                                   "1.4.0",
		"1.4.0-rc.1+build.7":                      "1.4.0-rc.1_build.7",
		"1.4.0+" + strings.Repeat("a", 80):        "1.4.0_" + strings.Repeat("a", 57),
		"1.4.0-" + strings.Repeat("a", 56) + ".b": "1.4.0-" + strings.Repeat("a", 56),
	} {
		got := labelValue(version)
		if got != want || len(labels.IsValidLabelValue(got)) > 0 {
			t.Errorf("labelValue(%q) = %q, want %q; %v", version, got, want, labels.IsValidLabelValue(got))
		}
	}
}
