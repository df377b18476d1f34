package lock

import (
	"encoding/json"
	"fmt"

	"agentc/compiler/artifact"

	strict "sigs.k8s.io/json"
)

// SealFormat is raised when a reader of older seals would misunderstand newer ones.
const SealFormat = 1

// Seals is agentc.seal.json: everything that publishing added to what the compiler wrote. With the compiled files it gives
// the published ones, byte for byte, so that what did not change keeps its sequence, its expiry and its signature.
type Seals struct {
	Format  int                   `json:"format"`
	Fleet   string                `json:"fleet"`
	Bundles map[string]BundleSeal `json:"bundles"` // by environment
	Cards   map[string]CardSeal   `json:"cards"`   // by <environment>/<agent>/<file of the card>
	Files   map[string]string     `json:"files"`   // file that a seal changed or added, below the output folder → sha256:<hex>

	// Sequences of bundles that were sealed once and are not now, by environment: the next seal counts on from here.
	Sequences map[string]int64 `json:"sequences,omitempty"`
}

// BundleSeal is the seal of one environment's bundle.
type BundleSeal struct {
	Revision  string `json:"revision"`  // of the bundle that is sealed
	Sequence  int64  `json:"sequence"`  // 1 and up; higher for every other revision, and for every renewal
	NotAfter  string `json:"not_after"` // RFC 3339, UTC, whole seconds
	Key       string `json:"key"`       // id of the public key in the Platform
	Signature string `json:"signature"` // OPA's: a JWS in compact form over the digests of the bundle's files
}

// CardSeal is the signature of one Agent Card (A2A 1.0, section 8.4).
type CardSeal struct {
	Digest    string `json:"digest"`    // sha256:<hex> of the canonical card without signatures
	Key       string `json:"key"`       // id of the public key in the Platform
	Protected string `json:"protected"` // header of the JWS, base64url
	Signature string `json:"signature"` // base64url
}

// NewSeals has no seal in it.
func NewSeals(fleet string) *Seals {
	return &Seals{
		Format: SealFormat, Fleet: fleet,
		Bundles: map[string]BundleSeal{}, Cards: map[string]CardSeal{}, Files: map[string]string{},
		Sequences: map[string]int64{},
	}
}

// Empty says that there is no seal, and never was.
func (s *Seals) Empty() bool { return len(s.Bundles)+len(s.Cards)+len(s.Sequences) == 0 }

// Bytes of the seals as they are written.
func (s *Seals) Bytes() ([]byte, error) { return artifact.JSON(s) }

// ParseSeals reads seals, strictly: a field that we do not know could be a promise that we would drop. What is wrong is an
// *Error.
func ParseSeals(data []byte) (*Seals, error) {
	s := NewSeals("")
	if len(data) > maxSize {
		return nil, &Error{fmt.Sprintf("%s has %d bytes, more than any of ours (%d)", SealName, len(data), maxSize)}
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, &Error{fmt.Sprintf("%s is damaged (%v): restore it from Git's history", SealName, err)}
	}
	if head.Format != SealFormat {
		return nil, &Error{fmt.Sprintf("%s has format %d, this agentc knows %d: use the one that wrote it, or a newer one", SealName, head.Format, SealFormat)}
	}
	if err := read(data, s, strict.DisallowDuplicateFields, strict.DisallowUnknownFields); err != nil {
		return nil, &Error{fmt.Sprintf("%s is damaged (%v): restore it from Git's history", SealName, err)}
	}
	return s, nil
}
