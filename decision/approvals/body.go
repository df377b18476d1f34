package approvals

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"agentc/decision/strict"
)

// object of a request.
type object map[string]any

// body of a request that changes something. An empty one is an object without members.
func (a *asking) body() (object, error) {
	kind, parameters, err := mime.ParseMediaType(a.request.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, &problem{Type: typeMalformed, Status: http.StatusUnsupportedMediaType, Title: "The content type is application/json"}
	}
	if profile := parameters["profile"]; profile != "" && profile != Draft {
		return nil, &problem{Type: typeMalformed, Status: http.StatusUnsupportedMediaType, Title: "The profile is " + Draft}
	}
	if a.request.Header.Get("Content-Encoding") != "" {
		return nil, &problem{Type: typeMalformed, Status: http.StatusUnsupportedMediaType, Title: "The content is sent as it is, without an encoding"}
	}
	if a.request.ContentLength == 0 {
		return object{}, nil
	}
	value, err := strict.Read(a.request.Body)
	var refused *strict.Error
	switch {
	case errors.As(err, &refused):
		return nil, malformed("The body is refused: %v.", refused)
	case err != nil:
		return nil, malformed("The body could not be read.")
	}
	o, is := value.(map[string]any)
	if !is {
		return nil, malformed("The body is no JSON object.")
	}
	return o, nil
}

// only refuses members that are not known. Ours alone are so strict: of the profile's objects others may have members.
func (o object) only(names ...string) error {
	for name := range o {
		found := false
		for _, n := range names {
			found = found || n == name
		}
		if !found {
			return malformed("There is no member %.40q; there are %s.", name, strings.Join(names, ", "))
		}
	}
	return nil
}

const maxText = 2000 // bytes of what somebody says

// text of a member; empty where there is none.
func (o object) text(name string) (string, error) {
	value, there := o[name]
	if !there {
		return "", nil
	}
	text, is := value.(string)
	if !is {
		return "", malformed("%s is no text.", name)
	}
	if len(text) > maxText {
		return "", malformed("%s is longer than %d bytes.", name, maxText)
	}
	return text, nil
}

// must is a text that is not empty.
func (o object) must(name string) (string, error) {
	text, err := o.text(name)
	if err == nil && strings.TrimSpace(text) == "" {
		err = malformed("%s is missing.", name)
	}
	return text, err
}

// time of a member; zero where there is none.
func (o object) time(name string) (time.Time, error) {
	text, err := o.text(name)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, malformed("%s is no time as in 2026-04-30T20:15:00Z.", name)
	}
	return t, nil
}

// object of a member.
func (o object) object(name string) (object, error) {
	member, is := o[name].(map[string]any)
	if !is {
		return nil, malformed("%s is missing, or no object.", name)
	}
	return member, nil
}
