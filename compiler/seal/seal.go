// Package seal adds to a compiled fleet what only the publisher can: to each bundle a sequence, an expiry and the signature
// that OPA verifies, and to each Agent Card its signature.
//
// A seal that still holds is kept, byte for byte: seals are read from what the branch has, and only what changed, or runs
// out, is signed again. Everything that sealing decided stands in one file, agentc.seal.json, so that compiled files and
// seals give the published files without asking anybody.
package seal

import (
	"time"

	"agentc/compiler/artifact"
	"agentc/compiler/lock"
	"agentc/compiler/model"
)

// Options say with what, and for how long, bundles are sealed.
type Options struct {
	// Keys of the publisher; each environment is sealed with the one whose public half its bundle.keys list. Without a key
	// nothing new is sealed: seals that hold are kept, and everything else stays as it was compiled.
	Keys []*Key

	// Now bounds the seals: a bundle's seal is renewed once a third of its life is over. Zero: none is renewed, and none is
	// called expired.
	Now time.Time

	// Life of a new seal.
	Life time.Duration
}

// Result of sealing.
type Result struct {
	Tree  *artifact.Tree // the files as published, agentc.seal.json among them where anything is sealed
	Seals *lock.Seals    // what stands in it
	New   []string       // what was signed now: `prod bundle, sequence 7`, `prod card detect/agent-card.json`; sorted
}

// Apply seals the environments of a compiled tree. Old are the seals of what was published before; nil: none. A key that is
// missing or is not listed in the Platform is a *KeyError.
func Apply(envs []*model.Environment, tree *artifact.Tree, old *lock.Seals, o Options) (*Result, error) {
	panic("to be written")
}

// KeyError says that an environment cannot be sealed with the keys at hand, which is the caller's to mend.
type KeyError struct{ Reason string }

func (e *KeyError) Error() string { return e.Reason }
