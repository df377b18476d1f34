// Package health has the type of a resource's health.
package health

// HealthStatusCode is as Argo CD stores it.
type HealthStatusCode string
