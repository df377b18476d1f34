package main

import (
	"errors"

	"agentc/compiler/git"
	"agentc/compiler/lock"
	"agentc/compiler/publish"
	"agentc/compiler/seal"
)

// Exit codes. A user's mistake, a wrong call and our own failure are told apart, so that CI can act on them.
const (
	exitFine  = 0
	exitSpec  = 1 // the spec is at fault, or generated or published files are not as they ought to be
	exitUsage = 2
	exitOurs  = 3 // our failure, or the machine's, or the network's
)

// errSpec ends a command whose findings have been printed already.
var errSpec = errors.New("the spec is at fault")

// usageError is a wrong call of the command.
type usageError struct{ error }

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errSpec), is[*lock.Error](err), is[*publish.Refusal](err), is[*git.PlaceError](err), is[*git.SourceError](err), is[inputError](err):
		return exitSpec
	case is[usageError](err), is[*seal.KeyError](err), is[*git.SignerError](err), is[*git.PersonError](err), wrongRemote(err):
		return exitUsage
	default:
		return exitOurs
	}
}

// is says whether an error, or what it wraps, is of a type.
func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// wrongRemote is a remote that was named wrongly.
func wrongRemote(err error) bool {
	var failure *git.Failure
	return errors.As(err, &failure) && (failure.Cause == git.BadURL || failure.Cause == git.BadBranch || failure.Cause == git.BadKey)
}
