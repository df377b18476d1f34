package page

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"agentc/decision/escalation"
	"agentc/decision/fleet"
)

// Limits of what is shown at once. The whole action can be opened below.
const (
	maxValues = 200 // of an action
	maxShown  = 400 // characters of a value
	maxBrief  = 80  // characters of a value in a list
	briefs    = 6   // values in a list
	features  = 5
)

// value of an action: where it stands, and what it is.
type value struct {
	Name  string // namespace, or labels.app, or hosts[2]
	Head  string
	Rest  string // where it is long
	More  int    // characters of the rest
	Mixed string // alphabets
	Quote bool   // it is text
}

// content of an action, as people read it.
type content struct {
	Parameters, Message []value
	Left                int // values that are not shown
	Whole               string
}

// actionOf reads the canonical form.
func actionOf(form json.RawMessage) content {
	var parts struct {
		Parameters json.RawMessage `json:"parameters"`
		Message    json.RawMessage `json:"message"`
	}
	a := content{Whole: string(form)}
	if json.Unmarshal(form, &parts) != nil {
		return a
	}
	parameters, message := flat(parts.Parameters), flat(parts.Message)
	a.Parameters = parameters[:min(len(parameters), maxValues)]
	a.Message = message[:min(len(message), maxValues)]
	a.Left = len(parameters) - len(a.Parameters) + len(message) - len(a.Message)
	return a
}

// flat lists the values of a JSON value in their order.
func flat(text json.RawMessage) []value {
	if len(text) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var list []value
	if flatten(d, "", &list) != nil {
		return []value{{Head: string(text)}}
	}
	return list
}

func flatten(d *json.Decoder, name string, list *[]value) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	delim, is := t.(json.Delim)
	if !is {
		*list = append(*list, valueOf(name, t))
		return nil
	}
	if !d.More() {
		*list = append(*list, value{Name: name, Head: map[json.Delim]string{'{': "{}", '[': "[]"}[delim]})
	}
	for n := 0; d.More(); n++ {
		inner := name + "[" + strconv.Itoa(n) + "]"
		if delim == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			inner = strings.TrimPrefix(name+"."+fmt.Sprint(key), ".")
		}
		if err := flatten(d, inner, list); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func valueOf(name string, t json.Token) value {
	text, quote := t.(string)
	if !quote {
		text = "null"
		if t != nil {
			text = fmt.Sprint(t)
		}
	}
	head, rest := cut(text, maxShown)
	return value{name, head, rest, utf8.RuneCountInString(rest), mixed(name + " " + text), quote}
}

// brief is the beginning of an action, for a list.
func brief(form json.RawMessage) []value {
	a := actionOf(form)
	list := a.Parameters
	if len(list) == 0 {
		list = a.Message
	}
	// The canonical form is in the order of the alphabet. What lies deeper says less at a glance.
	list = slices.Clone(list)
	deep := func(v value) int { return strings.Count(v.Name, ".") + strings.Count(v.Name, "[") }
	slices.SortStableFunc(list, func(a, b value) int { return deep(a) - deep(b) })
	list = list[:min(len(list), briefs)]
	for i, v := range list {
		if head, rest := cut(v.Head, maxBrief); rest != "" {
			list[i].Head, list[i].Rest = head, "…"
		}
	}
	return list
}

// known is what the verdict knew beside the action.
type known struct {
	Confidence string // of the agent, in percent
	Anomaly    string // percentile; empty: unknown
	Score      string
	Features   []feature
	Others     []value
}

type feature struct {
	Name, Value string
	weight      float64
	Share       int // of the largest weight, in percent
}

// knownOf reads it. What is strange in it is shown as it is.
func knownOf(text json.RawMessage) known {
	var k known
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		k.Others = flat(text)
		return k
	}
	var confidence *float64
	if json.Unmarshal(members["confidence"], &confidence) == nil && confidence != nil {
		k.Confidence = strconv.FormatFloat(*confidence*100, 'f', -1, 64) + " %"
		delete(members, "confidence")
	}
	var anomaly struct {
		Percentile, Score *float64
		Features          []struct {
			Feature string
			Value   json.RawMessage
			Credit  float64
		}
	}
	if json.Unmarshal(members["anomaly"], &anomaly) == nil && anomaly.Percentile != nil {
		k.Anomaly = strconv.FormatFloat(*anomaly.Percentile, 'f', -1, 64)
		if anomaly.Score != nil {
			k.Score = strconv.FormatFloat(*anomaly.Score, 'f', 3, 64)
		}
		for _, f := range anomaly.Features {
			k.Features = append(k.Features, feature{f.Feature, strings.Trim(string(f.Value), `"`), math.Abs(f.Credit), 0})
		}
		k.Features = shares(k.Features)
		delete(members, "anomaly")
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range flat(members[name]) {
			if v.Name = strings.TrimSuffix(name+"."+v.Name, "."); strings.HasPrefix(v.Name, name+".[") {
				v.Name = name + strings.TrimPrefix(v.Name, name+".")
			}
			k.Others = append(k.Others, v)
		}
	}
	return k
}

// shares keeps the features that count most, each in percent of the first.
func shares(list []feature) []feature {
	slices.SortStableFunc(list, func(a, b feature) int { return cmp.Compare(b.weight, a.weight) })
	list = list[:min(len(list), features)]
	for i := range list {
		if list[0].weight > 0 {
			list[i].Share = int(list[i].weight / list[0].weight * 100)
		}
	}
	return list
}

// nameOf a caller: its name in the fleet, or else the end of its SPIFFE id.
func nameOf(f *fleet.Fleet, id string) string {
	if f != nil {
		for name, a := range f.Fleet.Agents {
			if a.ID == id {
				return name
			}
		}
	}
	return id[strings.LastIndexByte(id, '/')+1:]
}

// tally counts what became of like cases.
type tally struct {
	Approved, Rejected, Expired, Cancelled, All int
}

func tallyOf(like []escalation.Escalation) tally {
	t := tally{All: len(like)}
	for _, e := range like {
		switch {
		case e.State == escalation.Rejected:
			t.Rejected++
		case e.State == escalation.Cancelled:
			t.Cancelled++
		case e.State == escalation.Expired && e.ApprovedUntil.IsZero():
			t.Expired++
		default:
			t.Approved++ // used, or not in time
		}
	}
	return t
}

func approvalsOf(e escalation.Escalation) int {
	n := 0
	for _, v := range e.Votes {
		if v.Approve {
			n++
		}
	}
	return n
}
