// Package text is imported where Argo CD chooses a user name.
package text

func FirstNonEmpty(...string) string { panic("nobody logs in here") }
