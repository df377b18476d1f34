// Module gitops-engine stands in for the real one, which Argo CD's types take names from: names alone are here, and whatever
// would do something panics. The real one brings kubectl and the API server's internal types, 350 packages that cost CI four
// minutes, for nothing that the questions of these tests ever reach.
module github.com/argoproj/gitops-engine

go 1.26.6
