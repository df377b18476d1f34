package authzen

import (
	"net/http"

	"agentc/decision/engine"
)

// questionOf reads subject, action, resource and context. What is unknown is ignored, as the specification wants it.
func questionOf(object map[string]any) (q engine.Question, err error) {
	if q.Subject, err = entityOf(object, "subject"); err != nil {
		return q, err
	}
	if q.Resource, err = entityOf(object, "resource"); err != nil {
		return q, err
	}
	action, err := objectOf(object, "action")
	if err != nil {
		return q, err
	}
	if q.Action, err = textOf(action, "action", "name"); err != nil {
		return q, err
	}
	q.Context = map[string]any{}
	if said, there := object["context"]; there {
		context, is := said.(map[string]any)
		if !is {
			return q, bad("context is no object")
		}
		for name, value := range context { // of a batch several questions may share it
			q.Context[name] = value
		}
	}
	return q, nil
}

func entityOf(object map[string]any, name string) (e engine.Entity, err error) {
	entity, err := objectOf(object, name)
	if err != nil {
		return e, err
	}
	if e.Type, err = textOf(entity, name, "type"); err != nil {
		return e, err
	}
	e.ID, err = textOf(entity, name, "id")
	return e, err
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

func textOf(object map[string]any, of, name string) (string, error) {
	value, there := object[name]
	text, is := value.(string)
	switch {
	case !there:
		return "", bad("%s.%s is missing", of, name)
	case !is || text == "":
		return "", bad("%s.%s is no text, or an empty one", of, name)
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
	merged := map[string]any{}
	for _, name := range []string{"subject", "action", "resource", "context"} {
		for _, from := range []map[string]any{defaults, own} {
			if value, there := from[name]; there {
				merged[name] = value
			}
		}
	}
	q, err := questionOf(merged)
	var r *reply
	if err == nil {
		r, err = a.decide(q)
	}
	if f, is := err.(*fault); is && f.Status == http.StatusBadRequest {
		return &reply{false, map[string]any{"error": f}}, nil
	}
	return r, err
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
