# A team's Rego for the tests: it looks at the skill, as most do.
package reviewers.team

reject contains "No pages." if input.action.name == "page"
