// Package publish brings a compiled fleet to its branches: fetch, seal, commit only if something changed, push; on a
// rejected push it starts over from the fetch and never merges.
package publish
