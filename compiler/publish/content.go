package publish

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"agentc/compiler"
	"agentc/compiler/artifact"
	"agentc/compiler/lock"
	"agentc/compiler/seal"
	"agentc/schema"
)

// content is what the branch shall hold.
type content struct {
	files  *artifact.Tree
	lock   string // digest of agentc.lock.json
	seals  *lock.Seals
	sealed []string

	unsealed []string // environments that have no keys
}

// content seals the environments of the target and adds the lock and the statement.
func (p *publication) content(h *held) (*content, error) {
	compiled := p.Out.Tree.Only(p.belongs)
	data, err := p.Out.Lock.Only(p.belongs).Bytes()
	if err != nil {
		return nil, err
	}
	result, err := seal.Apply(p.target.Environments, compiled, h.old, p.Seal)
	if err != nil {
		return nil, err
	}
	if err := p.allSealed(result); err != nil {
		return nil, err
	}
	c := &content{files: result.Tree, lock: lock.Digest(data), seals: result.Seals, sealed: result.New}
	for _, env := range p.target.Environments {
		if len(p.Seal.Keys) > 0 && len(env.Keys) == 0 {
			c.unsealed = append(c.unsealed, env.Name)
		}
	}
	if err := c.files.SetFile(artifact.File{Path: lock.Name, Data: data}); err != nil {
		return nil, err
	}
	statement, err := p.statement(h, data, c.files, seal.Vouching(p.target.Environments, c.seals))
	if err != nil {
		return nil, err
	}
	return c, c.files.SetFile(artifact.File{Path: lock.StatementName, Data: statement})
}

// belongs to the target: everything but what is another environment's.
func (p *publication) belongs(file string) bool {
	env, _, below := strings.Cut(file, "/")
	return !below || slices.Contains(p.target.names(), env)
}

// allSealed refuses to publish a bundle that nobody would load. A dry run shows what can be shown without a key.
func (p *publication) allSealed(r *seal.Result) error {
	if p.DryRun && len(p.Seal.Keys) == 0 {
		return nil
	}
	for _, env := range p.target.Environments {
		if _, sealed := r.Seals.Bundles[env.Name]; env.Trust == "key" && !sealed {
			return &seal.KeyError{Reason: fmt.Sprintf("%s loads sealed bundles only, and there is no key to seal with; say --seal-key, or set AGENTC_SEAL_KEY", env.Name)}
		}
	}
	return nil
}

// statement keeps the one that the branch has as long as it is about the same files: a commit of the spec that changes
// nothing here is no reason for a commit there.
func (p *publication) statement(h *held, lockData []byte, files *artifact.Tree, keys [][]schema.PublicKey) ([]byte, error) {
	sealData, _ := files.File(lock.SealName)
	if bytes.Equal(h.lock, lockData) && bytes.Equal(h.seals, sealData) {
		if _, err := seal.VerifyStatement(h.statement, lockData, sealData, keys); err == nil {
			return h.statement, nil
		}
	}
	return seal.NewStatement(lockData, sealData, p.target.names(), seal.Provenance{
		Repository: p.Spec.Repository,
		Commit:     p.Spec.Hash.String(),
		Compiler:   compiler.Version,
		Verified:   p.Verified,
	}, p.Seal.Keys, keys)
}
