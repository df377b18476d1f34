package fleet

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadsWhatIsCompiled: the types know every field of the shipped fleet's data, and lose none.
func TestReadsWhatIsCompiled(t *testing.T) {
	for _, environment := range []string{"dev", "prod"} {
		data, err := os.ReadFile("../../generated/" + environment + "/bundle/agentc/data.json")
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(generic(t, data), generic(t, again)); diff != "" {
			t.Errorf("%s: the compiler writes -, the types hold +\n%s", environment, diff)
		}
	}
}

func TestReadRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, data := range []string{``, `[]`, `{"wards": {}}`, `{"runtime": {"intakes": {"falco": {"topics": ["a"]}}}}`} {
		if f, err := Read([]byte(data)); err == nil {
			t.Errorf("%s is read as %+v", data, f)
		}
	}
}

// TestReadRefusesWhatNobodyThoughtOf: a null where something must be is no crash later, and an agent without an id is nobody.
func TestReadRefusesWhatNobodyThoughtOf(t *testing.T) {
	agent := func(more string) string { return `{"fleet": {"agents": {"a": {"id": "spiffe://x/a"` + more + `}}}}` }
	for _, data := range []string{
		`{"fleet": {"agents": {"a": null}}}`, `{"fleet": {"agents": {"": {"id": "spiffe://x/a"}}}}`, `{"fleet": {"agents": {"a": {}}}}`,
		`{"fleet": {"agents": {"a": {"id": "spiffe://x/a"}, "b": {"id": "spiffe://x/a"}}}}`,
		agent(`, "skills": {"s": null}`), agent(`, "skills": {"s": {"callers": {"c": null}}}`), agent(`, "callers": {"c": null}`), agent(`, "endpoints": {"e": null}`),
		agent(`, "requestMs": -1`), agent(`, "shutdownMs": 9223372036854775807`), agent(`, "requestMs": 1e99`),
		`{"rules": {"r": null}}`, `{"escalation": {"routes": {"r": null}}}`, `{"escalation": {"routes": {"r": {"quorum": -1}}}}`, `{"escalation": {"people": {"p": null}}}`,
		`{"escalation": {"lifetimeMs": -1}}`, `{"escalation": {"lifetimeMs": 9223372036854775807}}`, `{"runtime": {"intakes": {"i": null}}}`,
		`{"runtime": {"endpoints": {"e": null}}}`, `{"runtime": {"endpoints": {"e": {"timeoutMs": -1}}}}`, `{"runtime": {"endpoints": {"e": {"port": -1}}}}`,
		`{"runtime": {"endpoints": {"../tls/tls.key": {}}}}`,
	} {
		if f, err := Read([]byte(data)); err == nil {
			t.Errorf("%s is read as %+v", data, f)
		}
	}
}

func generic(t *testing.T, data []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
