package schemas

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Object is one document of a YAML file.
type Object struct {
	unstructured.Unstructured
	File string
	YAML []byte
}

func (o Object) String() string {
	return fmt.Sprintf("%s: %s %s", o.File, o.GetKind(), o.GetName())
}

// ReadFolders reads every YAML file below the folders. A folder without objects is an error.
func ReadFolders(folders ...string) ([]Object, error) {
	var all []Object
	for _, folder := range folders {
		before := len(all)
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			objects, err := readFile(path)
			all = append(all, objects...)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(all) == before {
			return nil, fmt.Errorf("%s: no objects", folder)
		}
	}
	return all, nil
}

func readFile(file string) ([]Object, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	docs, err := split(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []Object
	for i, doc := range docs {
		o, err := Parse(file, doc)
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", file, i+1, err)
		}
		all = append(all, o)
	}
	return all, nil
}

func split(data []byte) ([][]byte, error) {
	var docs [][]byte
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
}

// Parse reads one document. Duplicate keys, an empty document and one that is not an object are errors.
func Parse(file string, doc []byte) (Object, error) {
	o := Object{File: file, YAML: doc}
	data, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(data, &o.Object); err != nil {
		return o, err
	}
	if o.GetAPIVersion() == "" || o.GetKind() == "" {
		return o, errors.New("neither apiVersion nor kind may be missing")
	}
	return o, nil
}
