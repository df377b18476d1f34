package emit

import (
	"github.com/argoproj/argo-cd/v2/pkg/apis/application"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Argo CD's own Go types pull in the Kubernetes of 2024 and cannot be linked beside today's, so these are the parts of them
// that we write, with the same JSON names. Argo CD's CRDs judge them in the tests. Group and kinds are Argo CD's constants.

// Application says what Argo CD syncs from where to where.
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ApplicationSpec `json:"spec"`
}

// ApplicationSpec is the body of an Application.
type ApplicationSpec struct {
	Project              string          `json:"project"`
	Source               ArgoSource      `json:"source"`
	Destination          ArgoDestination `json:"destination"`
	SyncPolicy           ArgoSyncPolicy  `json:"syncPolicy"`
	RevisionHistoryLimit int64           `json:"revisionHistoryLimit"`
}

// ArgoSource is a directory in Git.
type ArgoSource struct {
	RepoURL        string        `json:"repoURL"`
	Path           string        `json:"path"`
	TargetRevision string        `json:"targetRevision"`
	Directory      ArgoDirectory `json:"directory"`
}

// ArgoDirectory says which files of the directory are read.
type ArgoDirectory struct {
	Recurse bool   `json:"recurse"`
	Include string `json:"include"`
}

// ArgoDestination is a cluster and a namespace in it, or in an AppProject a glob of namespaces.
type ArgoDestination struct {
	Server    string `json:"server"`
	Namespace string `json:"namespace"`
}

// ArgoSyncPolicy says when and how Argo CD syncs.
type ArgoSyncPolicy struct {
	Automated   ArgoAutomated `json:"automated"`
	SyncOptions []string      `json:"syncOptions"`
	Retry       ArgoRetry     `json:"retry"`
}

// ArgoAutomated turns on syncing without a human.
type ArgoAutomated struct {
	Prune    bool `json:"prune"`
	SelfHeal bool `json:"selfHeal"`
}

// ArgoRetry says how often a failed sync is tried again.
type ArgoRetry struct {
	Limit   int64       `json:"limit"`
	Backoff ArgoBackoff `json:"backoff"`
}

// ArgoBackoff is the wait between two tries.
type ArgoBackoff struct {
	Duration    string `json:"duration"`
	Factor      int64  `json:"factor"`
	MaxDuration string `json:"maxDuration"`
}

// AppProject bounds what the Applications in it may do.
type AppProject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec AppProjectSpec `json:"spec"`
}

// AppProjectSpec is the body of an AppProject.
type AppProjectSpec struct {
	Description                string             `json:"description"`
	SourceRepos                []string           `json:"sourceRepos"`
	Destinations               []ArgoDestination  `json:"destinations"`
	ClusterResourceWhitelist   []metav1.GroupKind `json:"clusterResourceWhitelist"`
	NamespaceResourceWhitelist []metav1.GroupKind `json:"namespaceResourceWhitelist"`
	SignatureKeys              []ArgoSignatureKey `json:"signatureKeys,omitempty"`
}

// ArgoSignatureKey is a GnuPG key that may sign what is synced.
type ArgoSignatureKey struct {
	KeyID string `json:"keyID"`
}

func argoType(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: application.Group + "/v1alpha1", Kind: kind}
}
