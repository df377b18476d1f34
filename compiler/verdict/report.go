package verdict

import (
	"fmt"
	"strings"

	"agentc/compiler/claims"
	"agentc/compiler/judge"
)

// mostGroups is how many groups of one kind are reported one by one. One broken rule shows in every agent of a fleet.
const mostGroups = 20

// Kinds of faults; each is counted for itself, and each is called what stands here where it is.
const (
	kindFile      = "files"
	kindData      = "parts of the data"
	kindAnswer    = "answers"
	kindSelfTest  = "vectors of the self-test"
	kindThreshold = "thresholds"
)

// fault is one disagreement.
type fault struct {
	kind    string
	group   string   // the first of a group is told and the rest counted; empty: a group of its own
	file    string   // below the bundle; empty: the bundle as a whole
	path    []string // keys within the file that it is about
	message string
	spec    claims.At
	weight  int // of a group the heaviest is told
}

// report collects what disagrees.
type report struct {
	env    string
	at     claims.At         // of the environment
	folder string            // of the unpacked bundle
	holder string            // the file with the packed bundle; empty where there is none
	packed map[string][]byte // what agentd will load
	same   map[string]bool   // the files that the folder holds too, with the same bytes
	faults []fault
}

func (r *report) fault(f fault) { r.faults = append(r.faults, f) }

// findings are the faults in the order in which they were found, what repeats itself counted.
func (r *report) findings() []judge.Finding {
	var order []string
	first, more := map[string]fault{}, map[string]int{}
	for i, f := range r.faults {
		key := f.kind + " " + f.group
		if f.group == "" {
			key = fmt.Sprint(f.kind, " #", i)
		}
		if told, known := first[key]; known {
			if more[key]++; f.weight > told.weight {
				first[key] = f
			}
			continue
		}
		first[key] = f
		order = append(order, key)
	}
	var all []judge.Finding
	told, untold := map[string]int{}, map[string]int{}
	places := &places{files: r.packed}
	for _, key := range order {
		f := first[key]
		if told[f.kind]++; told[f.kind] > mostGroups {
			untold[f.kind] += 1 + more[key]
			continue
		}
		if n := more[key]; n > 0 {
			f.message += fmt.Sprintf("; %s of %s disagree likewise: %d", f.kind, f.group, n)
		}
		all = append(all, r.finding(f, places))
	}
	for _, kind := range []string{kindFile, kindData, kindAnswer, kindSelfTest, kindThreshold} {
		if n := untold[kind]; n > 0 {
			all = append(all, r.finding(fault{message: fmt.Sprintf("%d more %s disagree", n, kind), spec: r.at}, places))
		}
	}
	return all
}

func (r *report) finding(f fault, places *places) judge.Finding {
	file, line, column := r.folder+f.file, 1, 1
	switch {
	case r.same[f.file]:
		line, column = places.of(f.file, f.path)
	case r.holder != "":
		file = r.holder // what agentd loads stands only there
	case f.file == "":
		file = r.folder + manifestFile
	}
	return judge.Finding{
		Layer: "decision", Environment: r.env, File: file, Line: line, Column: column,
		Object: "bundle " + r.env, Message: f.message, Spec: f.spec,
	}
}

// keyPath writes keys as a path: `rules["reviewers/asks"].when`.
func keyPath(keys []string) string {
	var b strings.Builder
	for _, key := range keys {
		switch {
		case strings.ContainsFunc(key, special):
			fmt.Fprintf(&b, "[%q]", key)
		case b.Len() == 0:
			b.WriteString(key)
		default:
			b.WriteString("." + key)
		}
	}
	return b.String()
}

func special(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}
