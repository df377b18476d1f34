package model

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Limits on names that an author chooses. Kubernetes appends to the names of Deployments (a pod's is 17 longer) and the
// compiler appends to agents' names (`-tls`, `-cards`), so an agent gets less than the 63 characters of a DNS label.
const (
	MaxLabel     = 63
	MaxAgentName = 40
	MaxFleetName = 40
)

// Join makes one DNS label of several: `soc`, `detect` → `soc-detect`. What would be longer than 63 characters is cut and
// gets a hash of the whole, so that it stays the same from run to run and differs where the whole differs.
func Join(parts ...string) string {
	whole := strings.Join(parts, "-")
	if len(whole) <= MaxLabel {
		return whole
	}
	sum := sha256.Sum256([]byte(whole))
	tail := "-" + hex.EncodeToString(sum[:])[:8]
	return strings.TrimRight(whole[:MaxLabel-len(tail)], "-") + tail
}
