//go:build tools

// Package e2e pins the components that upstream builds as they are; argocd/ and certmanager/ are programs over their libraries.
package e2e

import (
	_ "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
