package emit

import (
	"fmt"

	"agentc/compiler/artifact"

	corev1 "k8s.io/api/core/v1"
)

// findConfigMap finds a ConfigMap of ours in a file, and which object of the file it is; nil where it is not there.
func findConfigMap(tree *artifact.Tree, file, name string) (*corev1.ConfigMap, int) {
	for i, o := range tree.Objects(file) {
		if c, ok := o.Value.(*corev1.ConfigMap); ok && c.Name == name {
			return c, i
		}
	}
	return nil, 0
}

// setConfigMap changes a copy of a ConfigMap and puts it in the place of the old one, which other trees may hold.
func setConfigMap(tree *artifact.Tree, file, name string, change func(*corev1.ConfigMap)) error {
	old, i := findConfigMap(tree, file, name)
	if old == nil {
		return fmt.Errorf("%s holds no ConfigMap %s", file, name)
	}
	c := *old
	change(&c)
	return tree.SetObject(file, i, &c)
}
