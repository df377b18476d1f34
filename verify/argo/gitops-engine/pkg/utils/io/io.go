// Package io has the folder of temporary files.
package io

// TempDir is read where Argo CD writes credentials, which nothing here has.
const TempDir = ""
