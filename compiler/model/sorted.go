package model

import (
	"cmp"
	"slices"
	"sort"
)

// sorted is a copy of a list in the order of a key.
func sorted[T any](list []T, key func(T) string) []T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return list
}

// unique sorts a list and keeps the first of those that share a key: check reports the others.
func unique[T any](list []T, key func(T) string) []T {
	return slices.CompactFunc(sorted(list, key), func(a, b T) bool { return key(a) == key(b) })
}

// find looks a key up in a sorted list.
func find[T any](list []*T, want string, key func(*T) string) *T {
	i := sort.Search(len(list), func(i int) bool { return key(list[i]) >= want })
	if i < len(list) && key(list[i]) == want {
		return list[i]
	}
	return nil
}
