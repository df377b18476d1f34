package seal

// Provenance is what the statement says of a publication, beside the digests of what it is about.
type Provenance struct {
	Repository string // of the spec, without credentials
	Commit     string // of the spec, 40 hexadecimal digits
	Compiler   string // version of agentc
	Verified   string // what judged the lock; empty: nothing
}
