// Package testing is imported by tests of Argo CD, which `go mod tidy` looks into and nobody runs.
package testing
