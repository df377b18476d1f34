package main

import (
	"testing"

	"agentc/compiler/git"
)

// TestPerson: CI often names one half and leaves the other to Git's configuration, as `git commit` allows.
func TestPerson(t *testing.T) {
	eve := git.Person{Name: "Eve", Email: "eve@soc.example"}
	for _, test := range []struct {
		name, email string
		configured  git.Person
		want        git.Person
		known       bool
	}{
		{"", "", eve, eve, true},
		{"CI", "", eve, git.Person{Name: "CI", Email: "eve@soc.example"}, true},
		{"CI", "ci@soc.example", eve, git.Person{Name: "CI", Email: "ci@soc.example"}, true},
		{"CI", "", git.Person{Name: "Eve"}, git.Person{Name: "CI"}, false},
	} {
		t.Setenv("GIT_AUTHOR_NAME", test.name)
		t.Setenv("GIT_AUTHOR_EMAIL", test.email)
		if got, known := person("GIT_AUTHOR", test.configured); got != test.want || known != test.known {
			t.Errorf("%q %q over %+v: %+v %t", test.name, test.email, test.configured, got, known)
		}
	}
}
