package seal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"agentc/compiler/artifact"
	"agentc/compiler/emit"
	"agentc/compiler/lock"
	"agentc/compiler/model"

	opa "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"
)

// A sealed bundle has two files that the compiled one has not: a `.manifest` with sequence and expiry in its metadata, and
// `.signatures.json`, one JWT over the digest of every other file, in the format that OPA verifies. The JWT holds no time of its
// own: when a seal ends stands in the manifest, where agentd reads it.
const (
	manifestFile   = ".manifest"
	signaturesFile = ".signatures.json"
)

// timeFormat of an expiry: RFC 3339, UTC, whole seconds.
const timeFormat = "2006-01-02T15:04:05Z"

// skew is how far the clocks of two publishers may be apart without one taking the other's seal for too long.
const skew = time.Hour

// unsealed is a bundle as it was compiled.
type unsealed struct {
	env      *model.Environment
	manifest []byte
	revision string
	files    []artifact.File // but the manifest; by name
	digests  []opa.FileInfo  // of files; nil until somebody asks
}

func readBundle(tree *artifact.Tree, paths []string, env *model.Environment) (*unsealed, error) {
	folder := emit.BundleFolder(env)
	b := &unsealed{env: env}
	start, _ := slices.BinarySearch(paths, folder)
	for _, path := range paths[start:] {
		name, inside := strings.CutPrefix(path, folder)
		if !inside {
			break
		}
		data, _ := tree.File(path)
		if name == manifestFile {
			b.manifest = data
			continue
		}
		b.files = append(b.files, artifact.File{Path: name, Data: data})
	}
	var m opa.Manifest
	if err := json.Unmarshal(b.manifest, &m); err != nil {
		return nil, fmt.Errorf("%s%s: %w", folder, manifestFile, err)
	}
	b.revision = m.Revision
	return b, nil
}

// sealBundle keeps the seal of an environment's bundle, or makes a new one.
func (a *application) sealBundle(env *model.Environment, ring *keyring) error {
	b, err := readBundle(a.compiled, a.paths, env)
	if err != nil {
		return err
	}
	s, kept := a.old.Bundles[env.Name]
	if kept {
		if kept, err = a.holds(b, s, ring); err != nil {
			return err
		}
	}
	switch {
	case kept:
	case ring.own == nil:
		return nil
	default:
		if s, err = a.newSeal(b, ring); err != nil {
			return err
		}
		a.fresh = append(a.fresh, fmt.Sprintf("%s bundle, sequence %d", env.Name, s.Sequence))
	}
	a.seals.Bundles[env.Name] = s
	delete(a.seals.Sequences, env.Name)
	return a.writeBundle(b, s)
}

func (a *application) newSeal(b *unsealed, ring *keyring) (lock.BundleSeal, error) {
	last := a.seals.Sequences[b.env.Name]
	if last == MaxSequence {
		return lock.BundleSeal{}, &lock.Error{Reason: fmt.Sprintf("%s says that the bundle of %s has the sequence %d, which is the last one: restore it from Git's history", lock.SealName, b.env.Name, last)}
	}
	s := lock.BundleSeal{
		Revision: b.revision,
		Sequence: max(last+1, a.MinSequence),
		NotAfter: a.Now.Add(a.Life).UTC().Truncate(time.Second).Format(timeFormat),
		Key:      ring.public.id,
	}
	input, err := b.input(s, ring.public)
	if err != nil {
		return s, err
	}
	signature, err := ring.sign(input)
	s.Signature = string(input) + "." + signature
	return s, err
}

// holds says whether an old seal can stay: it is about this content, in time, and signed by a key that is still listed.
func (a *application) holds(b *unsealed, s lock.BundleSeal, ring *keyring) (bool, error) {
	key, listed := ring.listed[s.Key]
	least := max(a.seals.Sequences[b.env.Name], a.MinSequence)
	if s.Revision != b.revision || !listed || !ring.keeps(s.Key) || s.Sequence < least || !a.inTime(s.NotAfter, ring.own != nil) {
		return false, nil
	}
	input, err := b.input(s, key)
	if err != nil {
		return false, err
	}
	signature, same := strings.CutPrefix(s.Signature, string(input)+".")
	return same && key.verify(input, signature), nil
}

// inTime says whether a seal has not expired, and, where it can be renewed, is not due to be.
func (a *application) inTime(notAfter string, renewable bool) bool {
	end, err := time.Parse(timeFormat, notAfter)
	switch {
	case err != nil:
		return false
	case a.Now.IsZero():
		return true
	case renewable: // also where it would outlast what a new seal may: somebody shortened its life
		left := end.Sub(a.Now)
		return left >= a.Life-a.Life/3 && left <= a.Life+skew
	}
	return a.Now.Before(end)
}

// input is what the seal's signature covers: every file of the sealed bundle but the signature's own.
func (b *unsealed) input(s lock.BundleSeal, key publicKey) ([]byte, error) {
	manifest, err := emit.SealManifest(b.manifest, s.Sequence, s.NotAfter)
	if err != nil {
		return nil, err
	}
	if b.digests == nil {
		for _, f := range b.files {
			d, err := digest(f.Path, f.Data)
			if err != nil {
				return nil, err
			}
			b.digests = append(b.digests, d)
		}
	}
	d, err := digest(manifestFile, manifest)
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(struct {
		Files []opa.FileInfo `json:"files"`
		KeyID string         `json:"keyid"` // for verifiers that read no header
	}{append([]opa.FileInfo{d}, b.digests...), key.id})
	if err != nil {
		return nil, err
	}
	return signingInput(key, "JWT", payload)
}

// digest of a file as OPA takes it: of data by its meaning, of everything else by its bytes.
func digest(name string, data []byte) (opa.FileInfo, error) {
	hasher, err := opa.NewSignatureHasher(opa.SHA256)
	if err != nil {
		return opa.FileInfo{}, err
	}
	var value any = data
	if opa.IsStructuredDoc(name) {
		value = nil
		if err := util.Unmarshal(data, &value); err != nil {
			return opa.FileInfo{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	sum, err := hasher.HashFile(value)
	return opa.NewFile(name, hex.EncodeToString(sum), opa.SHA256.String()), err
}

// writeBundle puts the sealed bundle in the place of the compiled one, unpacked and packed.
func (a *application) writeBundle(b *unsealed, s lock.BundleSeal) error {
	manifest, err := emit.SealManifest(b.manifest, s.Sequence, s.NotAfter)
	if err != nil {
		return err
	}
	signatures, err := artifact.JSON(opa.SignaturesConfig{Signatures: []string{s.Signature}})
	if err != nil {
		return err
	}
	from := []artifact.Origin{{Ref: b.env.From}}
	added := []artifact.File{{Path: manifestFile, Data: manifest}, {Path: signaturesFile, Data: signatures}}
	for _, f := range added {
		if err := a.tree.SetFile(artifact.File{Path: emit.BundleFolder(b.env) + f.Path, Data: f.Data, From: from}); err != nil {
			return err
		}
	}
	archive, err := emit.PackBundle(append(added, b.files...)) // sorted: names that begin with a dot are first
	if err != nil {
		return err
	}
	return emit.SetBundle(a.tree, b.env, archive)
}
