package forest

import (
	"fmt"
	"regexp"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (b Basis) check() error {
	switch {
	case !digestForm.MatchString(b.Forest):
		return fmt.Errorf("the forest is %.80q; it is named by its digest, sha256 and 64 digits", b.Forest)
	case !digestForm.MatchString(b.Labels):
		return fmt.Errorf("the labels are %.80q; they are named by their digest, sha256 and 64 digits", b.Labels)
	case !(b.Suppress > 0 && b.Suppress <= MaxSuppress):
		return fmt.Errorf("suppress is %v; more than 0 and up to %v are possible", b.Suppress, MaxSuppress)
	case !(b.Promote > b.Suppress && b.Promote <= MaxPromote):
		return fmt.Errorf("promote is %v; more than suppress, %v, and up to %v are possible", b.Promote, b.Suppress, MaxPromote)
	case !(b.Rate > 0 && b.Rate <= b.Suppress):
		return fmt.Errorf("rate is %v; more than 0 and up to suppress, %v, are possible", b.Rate, b.Suppress)
	}
	return nil
}

// check is all that can be said without the forest.
func (fb *Feedback) check() error {
	if err := fb.Basis.check(); err != nil {
		return err
	}
	if fb.Incidents < 0 || fb.Benign < 0 {
		return fmt.Errorf("%d incidents and %d benign verdicts; nothing is counted below 0", fb.Incidents, fb.Benign)
	}
	if len(fb.Trees) == 0 || len(fb.Trees) > MaxTrees {
		return fmt.Errorf("leaves of %d trees; 1 to %d are possible", len(fb.Trees), MaxTrees)
	}
	for i := range fb.Trees {
		if err := fb.Trees[i].check(fb.Basis); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return nil
}

func (d *Deltas) check(b Basis) error {
	if len(d.Leaf) != len(d.Delta) {
		return fmt.Errorf("%d leaves and %d deltas", len(d.Leaf), len(d.Delta))
	}
	for i, leaf := range d.Leaf {
		switch delta := d.Delta[i]; {
		case leaf < 0:
			return fmt.Errorf("there is no leaf %d", leaf)
		case i > 0 && d.Leaf[i-1] >= leaf:
			return fmt.Errorf("leaf %d stands after leaf %d; they are in ascending order, each once", leaf, d.Leaf[i-1])
		case delta == 0:
			return fmt.Errorf("leaf %d is moved by 0; what is not moved is not listed", leaf)
		case !(delta >= -b.Promote && delta <= b.Suppress):
			return fmt.Errorf("leaf %d is moved by %v; -%v to %v are possible", leaf, delta, b.Promote, b.Suppress)
		}
	}
	return nil
}

// checkOf wants the leaves to be the forest's. Whether it is the forest that the feedback names, whoever read their files can tell.
func (fb *Feedback) checkOf(f *Forest) error {
	if err := fb.check(); err != nil {
		return err
	}
	if len(fb.Trees) != len(f.Trees) {
		return fmt.Errorf("leaves of %d trees; the forest has %d", len(fb.Trees), len(f.Trees))
	}
	for i, d := range fb.Trees {
		t := &f.Trees[i]
		for _, leaf := range d.Leaf {
			if int(leaf) >= len(t.Feature) {
				return fmt.Errorf("tree %d: there is no leaf %d; the tree has %d nodes", i, leaf, len(t.Feature))
			}
			if t.Feature[leaf] >= 0 {
				return fmt.Errorf("tree %d: node %d is no leaf", i, leaf)
			}
		}
	}
	return nil
}
