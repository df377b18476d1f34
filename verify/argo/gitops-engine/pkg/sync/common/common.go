// Package common has the types of a sync's results, as Argo CD stores them.
package common

type (
	OperationPhase string
	ResultCode     string
	HookType       string
	SyncPhase      string
)

func (OperationPhase) Completed() bool  { panic("no sync ever runs here") }
func (OperationPhase) Successful() bool { panic("no sync ever runs here") }

const (
	AnnotationDeletionApproved = "argocd.argoproj.io/deletion-approved"

	ResultCodePruneSkipped ResultCode = "PruneSkipped"
)
