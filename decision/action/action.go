// Package action gives every action one canonical form, and the form a digest. People approve a digest, and what is executed must have it: whatever would
// make two actions look like one, or could change after the approval, is refused here. The form is JSON after RFC 8785:
//
//	{"callee":"pay","caller":"spiffe://bank/agent/triage","parameters":{"amount":100},"skill":"refund","v":1}
//
// The id of a message and its trace do not count, so that the same action may come again after it was approved.
package action

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
)

// Limits of an action.
const (
	maxBytes = 1 << 20 // of the canonical form: numbers may grow there
	maxDepth = 100     // decision/strict lets through 64
)

// Action is what a caller asks of a callee. Parameters and Message are JSON as decision/strict reads it: numbers are json.Number. Nil: there are none.
type Action struct {
	Caller     string // SPIFFE id
	Callee     string // name of the agent
	Skill      string // empty where the call names none
	Parameters any
	Message    any // of A2A, with its method and tenant
}

// Error says why an action has no canonical form. Nobody can be asked about it.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }

func refused(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Canonical form of an action.
func (a Action) Canonical() ([]byte, error) {
	if a.Caller == "" || a.Callee == "" {
		return nil, refused("an action needs a caller and a callee")
	}
	form := map[string]any{"v": json.Number("1"), "caller": a.Caller, "callee": a.Callee, "skill": a.Skill}
	if a.Parameters != nil {
		form["parameters"] = a.Parameters
	}
	if a.Message != nil {
		m, err := message(a.Message)
		if err != nil {
			return nil, err
		}
		form["message"] = m
	}
	if err := exact(form, 0); err != nil {
		return nil, err
	}
	return canonical(form)
}

// Digest of a canonical form.
func Digest(form []byte) string {
	sum := sha256.Sum256(form)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func canonical(value any) ([]byte, error) {
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, refused("the action is no JSON: %v", err)
	}
	form, err := jcs.Transform(plain.Bytes())
	if err != nil {
		return nil, refused("the action has no canonical form: %v", err)
	}
	if len(form) > maxBytes {
		return nil, refused("the action is larger than %d KiB", maxBytes>>10)
	}
	return form, nil
}

// exact refuses what the canonical form would not keep as it is.
func exact(value any, depth int) error {
	if depth > maxDepth {
		return refused("the action is nested deeper than %d", maxDepth)
	}
	switch v := value.(type) {
	case nil, bool:
		return nil
	case string:
		return text(v)
	case json.Number:
		return number(string(v))
	case []any:
		for _, item := range v {
			if err := exact(item, depth+1); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		for name, member := range v {
			if err := text(name); err != nil {
				return err
			}
			if err := exact(member, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return refused("a %T is no JSON that decision/strict reads", value)
}

// text refuses what an encoder would replace: two texts would become one.
func text(s string) error {
	if !utf8.ValidString(s) {
		return refused("a text of the action is no UTF-8")
	}
	return nil
}
