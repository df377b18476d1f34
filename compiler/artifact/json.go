package artifact

import (
	"bytes"
	"encoding/json"
)

// JSON writes a value as the one form of JSON that generated files have: two spaces, fields in the order of the struct,
// keys of maps sorted, `<`, `>` and `&` as they are, a newline at the end.
func JSON(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
