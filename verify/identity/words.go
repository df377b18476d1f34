package identity

import (
	"encoding/json"
	"fmt"
	"strings"
)

func be(got, want any) string {
	for _, v := range []any{got, want} {
		if _, list := v.([]string); list {
			return "are"
		}
	}
	return "is"
}

// show writes a value for people: `[a b]`, `{"kind":"Issuer"}`, `nothing`.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	case []string:
		return "[" + strings.Join(v, " ") + "]"
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
