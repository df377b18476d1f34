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
