package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/tester"
)

// opa does what the pages ask of stock OPA, with OPA's own packages and nothing beside them: to link the command itself
// would bring a dozen modules into this one. What it prints was compared with the command's. An option that it does not know
// is an error.
func opa(dir string, args []string) ([]byte, error) {
	if args[0] == "build" {
		return nil, opaBuild(dir, args[1:])
	}
	f := flag.NewFlagSet("opa", flag.ContinueOnError)
	ignore := f.String("ignore", "", "")
	from := f.String("bundle", "", "")
	input := f.String("input", "", "")
	format := f.String("format", "", "")
	strict := f.Bool("strict-builtin-errors", false, "")
	if err := f.Parse(args[1 : len(args)-1]); err != nil {
		return nil, err
	}
	verb, operand := args[0], args[len(args)-1]
	switch {
	case verb == "test" && f.NFlag() == 1 && *ignore != "":
		return opaTest(filepath.Join(dir, operand), strings.Trim(*ignore, "'"))
	case verb == "eval" && f.NFlag() == 4 && *strict && *format == "raw":
		return opaEval(filepath.Join(dir, *from), filepath.Join(dir, *input), operand)
	}
	return nil, fmt.Errorf("opa %v is not known to this test", args)
}

// opaBuild verifies a sealed bundle; what it would build from it is of no interest.
func opaBuild(dir string, args []string) error {
	f := flag.NewFlagSet("opa build", flag.ContinueOnError)
	f.Bool("bundle", false, "")
	f.String("o", "", "")
	key := f.String("verification-key", "", "")
	id := f.String("verification-key-id", "", "")
	algorithm := f.String("signing-alg", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	public, err := os.ReadFile(filepath.Join(dir, *key))
	if err != nil {
		return err
	}
	config := bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{*id: {Key: string(public), Algorithm: *algorithm}}, *id, "", nil)
	_, err = loader.NewFileLoader().WithBundleVerificationConfig(config).AsBundle(filepath.Join(dir, f.Arg(0)))
	return err
}

func opaTest(dir, ignore string) ([]byte, error) {
	modules, store, err := tester.Load([]string{dir}, loader.GlobExcludeName(ignore, 1))
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Abort(ctx, txn)
	results, err := tester.NewRunner().SetStore(store).SetModules(modules).RunTests(ctx, txn)
	if err != nil {
		return nil, err
	}
	pass, all := 0, 0
	for r := range results {
		all++
		if r.Pass() {
			pass++
			continue
		}
		err = errors.Join(err, fmt.Errorf("%s", r))
	}
	return fmt.Appendf(nil, "PASS: %d/%d\n", pass, all), err
}

func opaEval(bundle, input, query string) ([]byte, error) {
	text, err := os.ReadFile(input)
	if err != nil {
		return nil, err
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	set, err := rego.New(rego.LoadBundle(bundle), rego.StrictBuiltinErrors(true), rego.Input(value), rego.Query(query)).
		Eval(context.Background())
	if err != nil || len(set) == 0 {
		return nil, err
	}
	switch answer := set[0].Expressions[0].Value.(type) {
	case string: // the raw format has no quotes
		return []byte(answer + "\n"), nil
	default:
		text, err := json.Marshal(answer)
		return append(text, '\n'), err
	}
}

// TestNotOfMissing holds OPA to what docs/reviewers.md warns of.
func TestNotOfMissing(t *testing.T) {
	for _, test := range []struct {
		body, input string
		holds       bool
	}{
		{"not is_string(input.x)", `{"x": 1}`, true},
		{"not is_string(input.x)", `{}`, false}, // the trap
		{"not named", `{}`, true},
	} {
		module := "package page\nholds if " + test.body + "\nnamed if is_string(input.x)"
		var input any
		if err := json.Unmarshal([]byte(test.input), &input); err != nil {
			t.Fatal(err)
		}
		page := rego.New(rego.Query("data.page.holds"), rego.Module("page.rego", module), rego.Input(input))
		set, err := page.Eval(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if set.Allowed() != test.holds {
			t.Errorf("%s with %s: %v, want %v", test.body, test.input, set.Allowed(), test.holds)
		}
	}
}
