//go:build tools

// Package kyverno pins Kyverno's admission controller, with the versions that ../../../verify builds its engine with.
package kyverno

import _ "github.com/kyverno/kyverno/cmd/kyverno"
