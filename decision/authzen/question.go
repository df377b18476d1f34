package authzen

import (
	"maps"
	"net/http"
	"strings"

	"agentc/decision/engine"
	"agentc/decision/point"
)

// Question reads subject, action, resource and context, and of the context the trace and the approval. What is unknown is ignored, as the specification wants it.
func Question(object map[string]any) (q point.Asked, err error) {
	if q.Subject, q.Properties.Subject, err = entityOf(object, "subject"); err != nil {
		return q, err
	}
	if q.Resource, q.Properties.Resource, err = entityOf(object, "resource"); err != nil {
		return q, err
	}
	action, err := objectOf(object, "action")
	if err != nil {
		return q, err
	}
	if q.Action, err = textOf(action, "action", "name"); err != nil {
		return q, err
	}
	if q.Properties.Action, err = propertiesOf(action, "action"); err != nil {
		return q, err
	}
	q.Context = map[string]any{}
	said, there := object["context"]
	if !there {
		return q, nil
	}
	context, is := said.(map[string]any)
	if !is {
		return q, bad("context is no object")
	}
	maps.Copy(q.Context, context) // of a batch several questions may share it
	return q, inContext(&q)
}

func inContext(q *point.Asked) (err error) {
	if said, there := q.Context["trace_id"]; there {
		id, is := said.(string)
		if !is || len(id) != len(noTrace) || strings.Trim(id, "0123456789abcdef") != "" || id == noTrace {
			return bad("context.trace_id is no W3C trace id: 32 hexadecimal digits in lower case, not all of them 0")
		}
		q.TraceID = id
	}
	if _, there := q.Context["approval"]; there {
		approval, err := objectOf(q.Context, "approval")
		if err != nil {
			return err
		}
		q.Approval, err = textOf(approval, "approval", "id")
		delete(q.Context, "approval")
		return err
	}
	return nil
}

func entityOf(object map[string]any, name string) (e engine.Entity, properties map[string]any, err error) {
	entity, err := objectOf(object, name)
	if err != nil {
		return e, nil, err
	}
	if e.Type, err = textOf(entity, name, "type"); err != nil {
		return e, nil, err
	}
	if e.ID, err = textOf(entity, name, "id"); err != nil {
		return e, nil, err
	}
	properties, err = propertiesOf(entity, name)
	return e, properties, err
}

func propertiesOf(entity map[string]any, name string) (map[string]any, error) {
	said, there := entity["properties"]
	properties, is := said.(map[string]any)
	if there && !is {
		return nil, bad("%s.properties is no object", name)
	}
	return properties, nil
}

func objectOf(object map[string]any, name string) (map[string]any, error) {
	value, there := object[name]
	if !there {
		return nil, bad("%s is missing", name)
	}
	inner, is := value.(map[string]any)
	if !is {
		return nil, bad("%s is no object", name)
	}
	return inner, nil
}

// maxName is how long a name may be: a SPIFFE id has at most 2,048 bytes. All of it is in the decision log, of each of a hundred questions that share it.
const maxName = 2048

func textOf(object map[string]any, of, name string) (string, error) {
	value, there := object[name]
	text, is := value.(string)
	switch {
	case !there:
		return "", bad("%s.%s is missing", of, name)
	case !is || text == "":
		return "", bad("%s.%s is no text, or an empty one", of, name)
	case len(text) > maxName:
		return "", bad("%s.%s is longer than %d bytes", of, name, maxName)
	}
	return text, nil
}

// maxQuestions of one request.
const maxQuestions = 100

// evaluations answers several questions, for which subject, action, resource and context of the request stand where they have none of their own. One that
// cannot be understood is denied, and says why; the others are answered.
func (a *asking) evaluations(object map[string]any) (any, error) {
	stop, err := semanticOf(object)
	if err != nil {
		return nil, err
	}
	said, there := object["evaluations"]
	list, is := said.([]any)
	switch {
	case there && !is:
		return nil, bad("evaluations is no list")
	case len(list) == 0:
		return a.evaluation(object)
	case len(list) > maxQuestions:
		return nil, bad("evaluations are %d; at most %d are answered at once", len(list), maxQuestions)
	}
	var replies []*reply
	for _, item := range list {
		r, err := a.item(object, item)
		if err != nil {
			return nil, err
		}
		if replies = append(replies, r); stop != nil && r.Decision == *stop {
			break
		}
	}
	return map[string]any{"evaluations": replies}, nil
}

func (a *asking) item(defaults map[string]any, item any) (*reply, error) {
	own, is := item.(map[string]any)
	if !is {
		return &reply{false, map[string]any{"error": bad("an evaluation is no object")}}, nil
	}
	q, err := a.asked(merged(defaults, own))
	var r *reply
	if err == nil {
		r, err = a.decide(q)
	}
	if f, is := err.(*fault); is && f.Status < http.StatusInternalServerError {
		return &reply{false, map[string]any{"error": f}}, nil
	}
	return r, err
}

// merged takes each part of a question from the evaluation, whole, or else from the request. What names a part may still come from the request: a resource
// without a type has the request's.
func merged(defaults, own map[string]any) map[string]any {
	all := map[string]any{}
	for _, name := range []string{"subject", "action", "resource", "context"} {
		value, there := own[name]
		if !there {
			value, there = defaults[name]
		}
		if there {
			all[name] = value
		}
		part, is := value.(map[string]any)
		more, both := defaults[name].(map[string]any)
		if name == "context" || !is || !both {
			continue
		}
		part = maps.Clone(part)
		for _, key := range []string{"type", "id", "name"} {
			if _, said := part[key]; !said && more[key] != nil {
				part[key] = more[key]
			}
		}
		all[name] = part
	}
	return all
}

// semanticOf says at which decision the answers end; nil: never.
func semanticOf(object map[string]any) (*bool, error) {
	said, there := object["options"]
	if !there {
		return nil, nil
	}
	options, is := said.(map[string]any)
	if !is {
		return nil, bad("options is no object")
	}
	deny, permit := false, true
	switch semantic, there := options["evaluations_semantic"]; {
	case !there || semantic == "execute_all":
		return nil, nil
	case semantic == "deny_on_first_deny":
		return &deny, nil
	case semantic == "permit_on_first_permit":
		return &permit, nil
	}
	return nil, bad("options.evaluations_semantic is unknown; it is execute_all, deny_on_first_deny or permit_on_first_permit")
}
