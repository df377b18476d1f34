package events

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A call between agents, as the guard beside an agent records it:
//
//	{"time": "2026-11-02T09:00:00Z", "caller": "coordinator", "callee": "detect", "skill": "triage", "hops": 1, "request": {…}}
//
// The guard vouches for its own keys: one of the wrong type makes the line damaged. The request is whatever the caller sent, as it came. Nothing in
// it damages the line, or a message could hide behind its own mistakes, and none of its keys becomes a field: fields are those that are named here.

// parseCall makes these fields of a call: time, caller, callee, skill and hops; and of the request those of Event.request.
func parseCall(line string) (*Event, error) {
	e := &Event{fields: make([]field, 0, usual)}
	var time, caller, callee, skill, hops, request string
	err := pick(line, wanted{"time", &time}, wanted{"caller", &caller}, wanted{"callee", &callee}, wanted{"skill", &skill}, wanted{"hops", &hops}, wanted{"request", &request})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoObject, err)
	}
	if !e.text("time", time) || !e.text("caller", caller) || !e.text("callee", callee) || !e.text("skill", skill) {
		return nil, errors.New("time, caller, callee or skill is no text")
	}
	if hops != "" {
		if strings.IndexByte("-0123456789", hops[0]) < 0 {
			return nil, errors.New("hops is no number")
		}
		e.add("hops", hops)
	}
	if request != "" {
		e.request(request)
	}
	e.own = len(e.fields)
	return e, nil
}

// request adds what is said by a request of A2A: size in bytes and method; of the message message.id, message.role, message.context and
// message.task; metadata, the number of its keys in the request and the message; extensions, the number of them; and those of parts.
func (e *Event) request(request string) {
	var method, params, message, about, id, role, context, task, parts, metadata, extensions string
	e.count("size", len(request))
	pick(request, wanted{"method", &method}, wanted{"params", &params})
	pick(params, wanted{"message", &message}, wanted{"metadata", &about})
	pick(message, wanted{"messageId", &id}, wanted{"role", &role}, wanted{"contextId", &context}, wanted{"taskId", &task}, wanted{"parts", &parts},
		wanted{"metadata", &metadata}, wanted{"extensions", &extensions})
	e.text("method", method)
	e.text("message.id", id)
	e.text("message.role", role)
	e.text("message.context", context)
	e.text("message.task", task)
	keys, some := 0, false
	for _, object := range []string{about, metadata} {
		some = members(object, func(string, string) { keys++ }) == nil || some
	}
	if some {
		e.count("metadata", keys)
	}
	n := 0
	if elements(extensions, func(string) { n++ }) == nil {
		e.count("extensions", n)
	}
	e.parts(parts)
}

// parts adds what is said by the parts of a message: parts, the number of them; parts.text, parts.data and parts.file, those of each kind; text, the
// texts, each on its own line; and tool, as toolOf has it, each name on its own line. A part that is of two kinds counts as each.
//
// A2A 1.0 tells the kind by the member that a part has, text, data, raw or url. In 0.3 a member `kind` said it too, and a file was in `file`.
func (e *Event) parts(list string) {
	var all, data, files int
	var texts, tools []string
	err := elements(list, func(part string) {
		var text, value, raw, url, file, metadata string
		all++
		pick(part, wanted{"text", &text}, wanted{"data", &value}, wanted{"raw", &raw}, wanted{"url", &url}, wanted{"file", &file}, wanted{"metadata", &metadata})
		if text, is := textOf(text); is {
			texts = append(texts, text)
		}
		if raw != "" || url != "" || file != "" {
			files++
		}
		if value != "" {
			data++
			if tool, is := toolOf(value, metadata); is {
				tools = append(tools, tool)
			}
		}
	})
	if err != nil {
		return
	}
	e.count("parts", all)
	e.count("parts.text", len(texts))
	e.count("parts.data", data)
	e.count("parts.file", files)
	if len(texts) > 0 {
		e.fields = append(e.fields, field{name: "text", value: strings.Join(texts, "\n")})
	}
	if len(tools) > 0 {
		e.fields = append(e.fields, field{name: "tool", value: strings.Join(tools, "\n")})
	}
}

// toolOf is the tool that a data part calls, or answers for. A2A has no word for it. Google's ADK, and kagent after it, say in the part's metadata
// that the data is a function_call or a function_response, and the data names the function.
func toolOf(data, metadata string) (name string, is bool) {
	var adk, kagent, plain string
	pick(metadata, wanted{"adk_type", &adk}, wanted{"kagent_type", &kagent}, wanted{"type", &plain})
	for _, kind := range []string{adk, kagent, plain} {
		if kind == `"function_call"` || kind == `"function_response"` {
			pick(data, wanted{"name", &name})
			return textOf(name)
		}
	}
	return "", false
}

// wanted is a member of an object, and where to put its value.
type wanted struct {
	name string
	into *string
}

// pick finds members of the object that a text is, as JSON; the last of a name counts, and null is left out. Of what is no object nothing is found.
func pick(object string, all ...wanted) error {
	return members(object, func(name, value string) {
		for _, w := range all {
			if w.name == name {
				if *w.into = value; value == "null" {
					*w.into = ""
				}
			}
		}
	})
}

// text adds a field that is a text, if there is one. It says whether it was no other thing.
func (e *Event) text(name, value string) bool {
	text, is := textOf(value)
	if is {
		e.fields = append(e.fields, field{name: name, value: text})
	}
	return is || value == ""
}

func (e *Event) count(name string, n int) {
	e.fields = append(e.fields, field{name: name, value: strconv.Itoa(n)})
}
