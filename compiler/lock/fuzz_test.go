package lock_test

import (
	"errors"
	"testing"

	"agentc/compiler/lock"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse: whatever lies where a lock should is refused with words that name it, or read the same again once it is written.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"format":1,"compiler":"0.1.0","fleet":"soc","inputs":{"agents.d/a.yaml":"sha256:00"},"artifacts":{"dev/x":"sha256:11"}}`))
	f.Add([]byte(`{"format":1,"inputs":null}`))
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte("<<<<<<< HEAD\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := lock.Parse("the lock", data)
		if refused(t, err) {
			return
		}
		written, err := l.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := lock.Parse("the lock", written)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(l, again); d != "" {
			t.Error(d)
		}
	})
}

// FuzzParseSeals: the same of the seals.
func FuzzParseSeals(f *testing.F) {
	f.Add([]byte(`{"format":1,"fleet":"soc","bundles":{"prod":{"revision":"a","sequence":7,"not_after":"2027-03-31T00:00:00Z","key":"p","signature":"a.b.c"}},` +
		`"cards":{"prod/detect/agent-card.json":{"digest":"sha256:00","key":"p","protected":"e30","signature":"AA"}},"files":{"prod/bundle/.manifest":"sha256:00"},"sequences":{"dev":3}}`))
	f.Add([]byte(`{"format":1,"bundles":null,"sequences":{}}`))
	f.Add([]byte(`{"format":1,"more":true}`))
	f.Add([]byte(`{"format":1}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := lock.ParseSeals(data)
		if refused(t, err) {
			return
		}
		written, err := s.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := lock.ParseSeals(written)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, again); d != "" {
			t.Error(d)
		}
	})
}

// refused says whether there was an error, which must be the user's to mend.
func refused(t *testing.T, err error) bool {
	t.Helper()
	var bad *lock.Error
	if err != nil && (!errors.As(err, &bad) || bad.Reason == "") {
		t.Errorf("%v is no *lock.Error", err)
	}
	return err != nil
}
