package verdict

import (
	"context"
	"maps"
	"testing"
)

// FuzzJudge: whatever the files of a bundle hold, the judge says something of it, and what it says has a place.
func FuzzJudge(f *testing.F) {
	c, compiled := compiled(f, dirs(f, "../testdata/payments"))
	env := &c.Environments[0]
	env.Decisions.ConfigMap = ""
	names := []string{dataFile, selfTestFile, manifestFile}
	for i, name := range names {
		f.Add(i, compiled[env.Name+"/bundle/"+name])
	}
	f.Add(0, []byte(`{"fleet": {"agents": {"refunds": {"callers": [], "skills": {"x": null, "y": {"callers": {"z": {"rules": [1, "a"]}}}}}, "": 7}}, "rules": []}`))
	f.Add(1, []byte(`{"format": 1, "cases": {"": null}, "vectors": [{"skills": {"": ""}}]}{}`))
	f.Add(2, []byte(`{"roots": [""], "metadata": {}}`))
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		files := maps.Clone(compiled)
		path := env.Name + "/bundle/" + names[uint(i)%uint(len(names))]
		same := string(files[path]) == string(data)
		files[path] = data
		findings, _, err := Judge(context.Background(), env, fetched(t, env, files))
		if err != nil || same && len(findings) > 0 {
			t.Fatal(findings, err)
		}
		for _, finding := range findings {
			if finding.Line < 1 || finding.Column < 1 || finding.File == "" || finding.Message == "" {
				t.Errorf("%+v", finding)
			}
		}
	})
}

// FuzzUnpack: an archive is read or refused.
func FuzzUnpack(f *testing.F) {
	archive, err := pack(map[string][]byte{"a": []byte("x"), "b/c": nil})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(archive)
	f.Fuzz(func(t *testing.T, data []byte) {
		if files, err := unpack(data); err == nil {
			again, err := pack(files)
			if err != nil {
				t.Skip(err) // a name that tar cannot write
			}
			if _, err := unpack(again); err != nil {
				t.Fatal(err)
			}
		}
	})
}
