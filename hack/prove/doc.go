// Package prove asks whether the judge is awake. A judge that says yes to everything looks the same on a good day, so its tests break the
// generated files of the example fleets in every way that they know, one at a time, and want each refused by the layer that should; and
// they make random fleets, whose files must agree with what is claimed.
//
// They need the judge, bin/agentc-verify, which `make judge` builds, and are behind the build tag `judge`.
package prove
