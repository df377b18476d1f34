package compiler

import (
	"agentc/compiler/emit"
	"agentc/compiler/lock"
)

// Formats of what others read: each is raised when a reader of the older one would misunderstand the newer one.
const (
	LockFormat   = lock.Format
	SealFormat   = lock.SealFormat
	BundleFormat = emit.BundleFormat
)
