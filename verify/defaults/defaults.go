// Package defaults runs Kubernetes' own code on objects of its own kinds: the API server's decoding with defaults, its
// validation of what is created, and its encoding. It links k8s.io/kubernetes, which nothing else here has to pay for.
//
// It leaves out what the API server does with a cluster at hand: admission plug-ins and the values that it assigns itself,
// such as clusterIP, ipFamilies, uid, generation, or a Namespace's finalizer.
package defaults

import (
	"encoding/json"
	"fmt"

	"agentc/verify/object"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	autoscalingvalidation "k8s.io/kubernetes/pkg/apis/autoscaling/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
)

// codecs are the API server's, strict: what it would only warn about is an error.
var codecs = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)

// versions are those that an API server serves and stores without conversion. The code still knows others, which are gone or will be.
var versions = map[string]bool{"v1": true, "apps/v1": true, "autoscaling/v2": true, "networking.k8s.io/v1": true, "policy/v1": true}

// Stored is an object as the API server would store it. An error says why it would refuse it, or that the kind is not known here.
func Stored(o *object.Object) (map[string]any, error) {
	unlisted := fmt.Errorf("no validation is listed for %s %s", o.GetAPIVersion(), o.GetKind())
	if !versions[o.GetAPIVersion()] {
		return nil, unlisted
	}
	data, err := json.Marshal(o.Object)
	if err != nil {
		return nil, err
	}
	internal, _, err := codecs.UniversalDecoder().Decode(data, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		return nil, unlisted
	}
	if err != nil {
		return nil, err
	}
	errs, ok := validate(internal)
	if !ok {
		return nil, unlisted
	}
	if len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	versioned, err := legacyscheme.Scheme.ConvertToVersion(internal, o.GroupVersionKind().GroupVersion())
	if err != nil {
		return nil, err
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(versioned)
}

// validate calls what the API server's strategy of a kind calls when an object is created; ok is false where we know none.
func validate(object runtime.Object) (errs field.ErrorList, ok bool) {
	switch o := object.(type) {
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(o, pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)), true
	case *apps.StatefulSet:
		return appsvalidation.ValidateStatefulSet(o, pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)), true
	case *autoscaling.HorizontalPodAutoscaler:
		return autoscalingvalidation.ValidateHorizontalPodAutoscaler(o, autoscalingvalidation.HorizontalPodAutoscalerSpecValidationOptions{MinReplicasLowerBound: 1}), true
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o), true
	case *core.LimitRange:
		return corevalidation.ValidateLimitRange(o), true
	case *core.Namespace:
		return corevalidation.ValidateNamespace(o), true
	case *core.ResourceQuota:
		return corevalidation.ValidateResourceQuota(o), true
	case *core.Service:
		return corevalidation.ValidateServiceCreate(o), true
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(o), true
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{}), true
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(o, policyvalidation.PodDisruptionBudgetValidationOptions{}), true
	}
	return nil, false
}
