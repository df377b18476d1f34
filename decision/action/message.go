package action

import (
	"encoding/json"
	"regexp"
)

// What a message may have. A member that is not here is refused: the callee might act on it, and nobody was shown it.
var (
	counted = map[string]bool{"method": true, "tenant": true, "contextId": true, "taskId": true, "referenceTaskIds": true,
		"parts": true, "metadata": true, "extensions": true}
	ofParts = map[string]bool{"text": true, "raw": true, "url": true, "data": true, "filename": true, "mediaType": true, "metadata": true}
)

// What does not count, and how it must look: so that it cannot carry anything.
var (
	uncounted         = map[string]*regexp.Regexp{"messageId": regexp.MustCompile(`^[\x21-\x7e]{1,256}$`), "role": regexp.MustCompile(`^(ROLE_USER|user)$`)}
	uncountedMetadata = map[string]*regexp.Regexp{
		"traceparent": regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`),
		"trace_id":    regexp.MustCompile(`^[0-9a-f]{32}$`),
	}
	sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// message of A2A, without what does not count.
func message(value any) (any, error) {
	m, ok := value.(map[string]any)
	if !ok {
		return nil, refused("the message is no object")
	}
	kept := map[string]any{}
	for name, member := range m {
		switch {
		case counted[name]:
			kept[name] = member
		case !matches(uncounted[name], member):
			return nil, refused("the message has a member %s that nobody could be shown", quoted(name))
		}
	}
	if metadata, ok := kept["metadata"].(map[string]any); ok {
		rest := withoutTrace(metadata)
		if kept["metadata"] = rest; len(rest) == 0 && len(metadata) > 0 {
			delete(kept, "metadata") // there was nothing but the trace
		}
	}
	return kept, parts(kept["parts"])
}

func matches(pattern *regexp.Regexp, value any) bool {
	s, ok := value.(string)
	return ok && pattern != nil && pattern.MatchString(s)
}

func withoutTrace(metadata map[string]any) map[string]any {
	kept := map[string]any{}
	for name, value := range metadata {
		if !matches(uncountedMetadata[name], value) {
			kept[name] = value
		}
	}
	return kept
}

// parts that lie elsewhere must say what lies there: it could be another thing after the approval.
func parts(value any) error {
	if value == nil {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		return refused("the message's parts are no list")
	}
	for i, item := range list {
		part, ok := item.(map[string]any)
		if !ok {
			return refused("part %d of the message is no object", i)
		}
		for name := range part {
			if !ofParts[name] {
				return refused("part %d of the message has a member %s that nobody could be shown", i, quoted(name))
			}
		}
		metadata, _ := part["metadata"].(map[string]any)
		if _, elsewhere := part["url"]; elsewhere && !matches(sha256Hex, metadata["sha256"]) {
			return refused("part %d of the message is a url without the content's hash in metadata.sha256: what lies there could change after the approval", i)
		}
	}
	return nil
}

// quoted name of a stranger's.
func quoted(name string) string {
	if len(name) > 40 {
		name = name[:40] + "…"
	}
	text, _ := json.Marshal(name)
	return string(text)
}
