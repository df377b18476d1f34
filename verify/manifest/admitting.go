package manifest

import (
	"fmt"
	"slices"
	"strings"
)

// cel is a list of strings in CEL.
func cel(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "'"
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Policy is the metadata of one of the fleet's policies.
func (s *scope) Policy(name, title string) (string, error) {
	m := metadata{s.Env.Fleet + "-" + name, "", s.SharedLabels(), wave(-1)}
	m.Annotations["policies.kyverno.io/category"] = "Agents"
	m.Annotations["policies.kyverno.io/severity"] = "high"
	m.Annotations["policies.kyverno.io/title"] = title
	return quoted(m)
}

// namespacesEach is how many names are in one variable of a policy: CEL bounds what a list may cost.
const namespacesEach = 500

// FleetNamespaces are the names of all namespaces, in lists as long as a policy may have.
func (s *scope) FleetNamespaces() [][]string {
	return slices.Collect(slices.Chunk(s.NamespaceNames(), namespacesEach))
}

// Among is whether an expression is one of the fleet's namespaces, in CEL.
func (s *scope) Among(expression string) string {
	var in []string
	for i := range s.FleetNamespaces() {
		in = append(in, fmt.Sprintf("%s in variables.namespaces%d", expression, i))
	}
	return "(" + strings.Join(in, " || ") + ")"
}

// ActuatorUsers are all users that change the cluster on behalf of agents.
func (s *scope) ActuatorUsers() []string {
	var users []string
	for _, a := range s.Env.Actuators {
		users = append(users, a.User)
	}
	return users
}

// Actuators are those that are refused without an approval, or those that are not.
func (s *scope) Actuators(enforced bool) []string {
	var users []string
	for _, a := range s.Env.Actuators {
		if a.Enforce == enforced {
			users = append(users, a.User)
		}
	}
	return users
}

// Declared is what actuators may do: `<user> <group>/<resource> <OPERATION>`.
func (s *scope) Declared() []string {
	var lines []string
	for _, a := range s.Env.Actuators {
		for _, may := range a.May {
			what, verb, _ := strings.Cut(may, " ")
			lines = append(lines, a.User+" "+what+" "+strings.ToUpper(verb))
		}
	}
	return lines
}
