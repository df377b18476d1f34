package artifact

import (
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// identity is what a cluster knows an object by. It is zero for a document that is no Kubernetes object.
type identity struct {
	scope                             string // objects of different scopes never meet in a cluster
	apiVersion, kind, namespace, name string
}

func (id identity) String() string {
	if id.kind == "" {
		return "document"
	}
	if id.namespace == "" {
		return fmt.Sprintf("%s %s %s", id.apiVersion, id.kind, id.name)
	}
	return fmt.Sprintf("%s %s %s/%s", id.apiVersion, id.kind, id.namespace, id.name)
}

// identify reads an object's type and name. The methods are on pointers, so an object held by value gets an address first.
func identify(object any) identity {
	if v := reflect.ValueOf(object); v.Kind() == reflect.Struct {
		object = addressable(v).Addr().Interface()
	}
	typed, isTyped := object.(interface{ GetObjectKind() schema.ObjectKind })
	named, isNamed := object.(metav1.Object)
	if !isTyped || !isNamed {
		return identity{}
	}
	apiVersion, kind := typed.GetObjectKind().GroupVersionKind().ToAPIVersionAndKind()
	return identity{apiVersion: apiVersion, kind: kind, namespace: named.GetNamespace(), name: named.GetName()}
}

// scopeOf names what is applied together: the manifests of an environment, or its delivery objects. Another file, such as
// a test's resources, is applied by nobody and may speak of the same object as its neighbour.
func scopeOf(file string) string {
	parts := strings.SplitN(file, "/", 3)
	if len(parts) == 3 && (parts[1] == "manifests" || parts[1] == "delivery") {
		return parts[0] + "/" + parts[1]
	}
	return file
}

// String names the object as a person would look for it: `apps/v1 Deployment soc-detect/detect`.
func (o *Object) String() string { return identify(o.Value).String() }
