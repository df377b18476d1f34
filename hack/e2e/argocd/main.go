// Command argocd is Argo CD's application controller, repo server and askpass, by the name under which it is called. Upstream's own
// program holds all its commands, and compiles a quarter more packages.
package main

import (
	"os"
	"path/filepath"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	askpass "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
)

func main() {
	command := controller.NewCommand()
	switch filepath.Base(os.Args[0]) {
	case "argocd-repo-server":
		command = reposerver.NewCommand()
	case "argocd-git-ask-pass":
		command = askpass.NewCommand()
	}
	if err := command.Execute(); err != nil {
		os.Exit(1)
	}
}
