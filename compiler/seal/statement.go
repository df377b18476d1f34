package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/lock"
	"agentc/compiler/model"
	"agentc/schema"
)

// The statement says from which commit, by which compiler, a publication was made: an in-toto Statement v1 with SLSA's
// provenance v1, in a DSSE envelope. It is about the lock, which has the digest of every compiled file, and about the seals,
// which have those of the sealed ones. It holds no time, no machine and no number of a run: of the same publication the same
// is said.

// Names in the statement.
const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://slsa.dev/provenance/v1"
	buildType     = "urn:agents.d:publish:v1" // compile a commit's spec and seal it; parameters: externalParameters
	builderID     = "urn:agents.d:agentc"
)

// Provenance is what the statement says of a publication, beside the digests of what it is about.
type Provenance struct {
	Repository string // of the spec, without credentials
	Commit     string // of the spec, 40 hexadecimal digits
	Compiler   string // version of agentc
	Verified   string // what judged the lock; empty: nothing
}

type statement struct {
	Type          string     `json:"_type"`
	Subject       []resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     struct {
		BuildDefinition struct {
			BuildType            string     `json:"buildType"`
			ExternalParameters   parameters `json:"externalParameters"`
			ResolvedDependencies []resource `json:"resolvedDependencies"`
		} `json:"buildDefinition"`
		RunDetails struct {
			Builder struct {
				ID      string   `json:"id"`
				Version versions `json:"version"`
			} `json:"builder"`
			Verified string `json:"agentc_verified,omitempty"` // a field that SLSA does not know is named after who added it
		} `json:"runDetails"`
	} `json:"predicate"`
}

// resource is in-toto's ResourceDescriptor.
type resource struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest"`
}

// parameters are what whoever publishes chose.
type parameters struct {
	Repository   string   `json:"repository,omitempty"`
	Environments []string `json:"environments"`
}

type versions struct {
	Agentc string `json:"agentc"`
}

// Vouching are the keys, by environment, of which one must have signed a statement: those of every environment that is sealed.
func Vouching(envs []*model.Environment, seals *lock.Seals) [][]schema.PublicKey {
	var keys [][]schema.PublicKey
	for _, env := range envs {
		if _, sealed := seals.Bundles[env.Name]; sealed {
			keys = append(keys, env.Keys)
		}
	}
	return keys
}

// NewStatement says it of a lock and its seals (nil: there are none), signed with every key of ours that one of the environments
// lists. Where none lists any of them the statement is unsigned, and worth as much as the branch that it stands on.
func NewStatement(lockData, sealData []byte, environments []string, p Provenance, own []*Key, listed [][]schema.PublicKey) ([]byte, error) {
	body, err := statementBody(lockData, sealData, environments, p)
	if err != nil {
		return nil, err
	}
	return signedEnvelope(body, own, listed)
}

// VerifyStatement checks a statement about a lock and its seals, and reads what it says. Of each environment that lists keys one
// must have signed it; where none lists any it must be unsigned. Every byte counts: a statement is what NewStatement writes, or
// none.
func VerifyStatement(data, lockData, sealData []byte, listed [][]schema.PublicKey) (Provenance, error) {
	body, err := verifiedBody(data, listed)
	if err != nil {
		return Provenance{}, err
	}
	s, err := parseStatement(body)
	if err != nil {
		return Provenance{}, err
	}
	p := s.provenance()
	want, err := statementBody(lockData, sealData, s.Predicate.BuildDefinition.ExternalParameters.Environments, p)
	if err != nil {
		return Provenance{}, err
	}
	if !bytes.Equal(body, want) {
		return Provenance{}, fmt.Errorf("it is not about this %s and %s", lock.Name, lock.SealName)
	}
	return p, nil
}

// ReadStatement reads what a statement says and verifies nothing. Fields that we do not know are passed over, as in-toto
// wants it: a newer agentc may say more.
func ReadStatement(data []byte) (Provenance, error) {
	e, err := parseEnvelope(data)
	if err != nil {
		return Provenance{}, err
	}
	s, err := parseStatement(e.body)
	if err != nil {
		return Provenance{}, err
	}
	p := s.provenance()
	return p, checkCommit(p.Commit)
}

// parseStatement reads a payload that is a statement of our kind.
func parseStatement(body []byte) (*statement, error) {
	s := &statement{}
	if err := json.Unmarshal(body, s); err != nil {
		return nil, fmt.Errorf("its payload is no statement: %w", err)
	}
	if s.Type != statementType || s.PredicateType != predicateType || s.Predicate.BuildDefinition.BuildType != buildType {
		return nil, fmt.Errorf("its payload is no statement about a publication (%s)", buildType)
	}
	return s, nil
}

// statementBody is the payload: what is signed.
func statementBody(lockData, sealData []byte, environments []string, p Provenance) ([]byte, error) {
	if err := checkCommit(p.Commit); err != nil {
		return nil, err
	}
	if len(environments) == 0 {
		return nil, errors.New("a publication of no environment")
	}
	s := &statement{Type: statementType, PredicateType: predicateType, Subject: []resource{subject(lock.Name, lockData)}}
	if sealData != nil {
		s.Subject = append(s.Subject, subject(lock.SealName, sealData))
	}
	environments = slices.Sorted(slices.Values(environments))
	build := &s.Predicate.BuildDefinition
	build.BuildType = buildType
	build.ExternalParameters = parameters{Repository: p.Repository, Environments: slices.Compact(environments)}
	build.ResolvedDependencies = []resource{{URI: gitURI(p.Repository), Digest: map[string]string{"gitCommit": p.Commit}}}
	run := &s.Predicate.RunDetails
	run.Builder.ID, run.Builder.Version = builderID, versions{p.Compiler}
	run.Verified = p.Verified
	return artifact.JSON(s)
}

func checkCommit(commit string) error {
	if id, err := hex.DecodeString(commit); err != nil || len(id) != 20 || commit != strings.ToLower(commit) {
		return fmt.Errorf("the spec's commit %q is not written as 40 hexadecimal digits", commit)
	}
	return nil
}

func subject(name string, data []byte) resource {
	sum := sha256.Sum256(data)
	return resource{Name: name, Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])}}
}

// gitURI writes a repository as SPDX and SLSA do: git+https://…, git+ssh://…, git+file://….
func gitURI(repository string) string {
	switch host, path, scp := strings.Cut(repository, ":"); {
	case repository == "" || strings.HasPrefix(repository, "git+"):
		return repository
	case strings.Contains(repository, "://"):
		return "git+" + repository
	case scp && !strings.Contains(host, "/"): // git@host:path
		return "git+ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	default:
		return "git+" + (&url.URL{Scheme: "file", Path: repository}).String()
	}
}

func (s *statement) provenance() Provenance {
	p := Provenance{
		Repository: s.Predicate.BuildDefinition.ExternalParameters.Repository,
		Compiler:   s.Predicate.RunDetails.Builder.Version.Agentc,
		Verified:   s.Predicate.RunDetails.Verified,
	}
	if from := s.Predicate.BuildDefinition.ResolvedDependencies; len(from) > 0 {
		p.Commit = from[0].Digest["gitCommit"]
	}
	return p
}
