package lock_test

import (
	"errors"
	"strings"
	"testing"

	"agentc/compiler/lock"
)

// TestRefused: what readers of JSON read differently is no lock, and no text of a lock reaches a terminal as it is.
func TestRefused(t *testing.T) {
	parse := func(data string) error { _, err := lock.Parse("the lock", []byte(data)); return err }
	parseSeals := func(data string) error { _, err := lock.ParseSeals([]byte(data)); return err }
	for name, test := range map[string]struct {
		parse func(string) error
		data  string
		says  string
	}{
		"a newer lock":            {parse, `{"format":2,"compiler":"9\u001b[2J"}`, `"9\x1b[2J"`},
		"lock: a key twice":       {parse, `{"format":1,"fleet":"a","fleet":"b"}`, `duplicate field "fleet"`},
		"lock: a file twice":      {parse, `{"format":1,"inputs":{"a\u001b":"x","a\u001b":"y"}}`, `duplicate field "inputs.a\x1b"`},
		"lock: in another case":   {parse, `{"Format":1}`, "has format 0"},
		"lock: a wrong type":      {parse, `{"format":1,"inputs":[]}`, "is damaged"},
		"lock: more behind it":    {parse, `{"format":1}{}`, "is damaged"},
		"seals: a key twice":      {parseSeals, `{"format":1,"bundles":{},"bundles":{}}`, `duplicate field "bundles"`},
		"seals: one twice":        {parseSeals, `{"format":1,"sequences":{"dev":9,"dev":1}}`, `duplicate field "sequences.dev"`},
		"seals: within one twice": {parseSeals, `{"format":1,"bundles":{"dev":{"sequence":9,"sequence":1}}}`, `duplicate field "bundles.dev.sequence"`},
		"seals: in another case":  {parseSeals, `{"format":1,"Bundles":{}}`, `unknown field "Bundles"`},
		"seals: a field too many": {parseSeals, `{"format":1,"x\u001b":1}`, `unknown field "x\x1b"`},
		"seals: more behind them": {parseSeals, `{"format":1}{}`, "is damaged"},
	} {
		err := test.parse(test.data)
		var bad *lock.Error
		if !errors.As(err, &bad) || !strings.Contains(bad.Reason, test.says) || strings.Contains(bad.Reason, "\x1b") {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}
