// Package defaults runs Kubernetes' own code on objects of its own kinds: the API server's decoding with defaults, its
// validation of what is created, and its encoding. It links k8s.io/kubernetes, which nothing else here has to pay for.
//
// It leaves out what the API server does with a cluster at hand: admission plug-ins and the values that it assigns itself,
// such as clusterIP, ipFamilies, uid, generation, or a Namespace's finalizer.
package defaults

import (
	"fmt"

	"agentc/verify/schemas"

	"k8s.io/apimachinery/pkg/runtime"
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

// Stored is an object as the API server would store it. An error says why it would refuse it, or that the kind is not known here.
func Stored(o schemas.Object) (map[string]any, error) {
	internal, _, err := legacyscheme.Codecs.UniversalDecoder().Decode(o.YAML, nil, nil)
	if err != nil {
		return nil, err
	}
	errs, err := validate(internal)
	if err != nil {
		return nil, err
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

// validate calls what the API server's strategy of a kind calls when an object is created.
func validate(object runtime.Object) (field.ErrorList, error) {
	switch o := object.(type) {
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(o, pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)), nil
	case *apps.StatefulSet:
		return appsvalidation.ValidateStatefulSet(o, pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)), nil
	case *autoscaling.HorizontalPodAutoscaler:
		return autoscalingvalidation.ValidateHorizontalPodAutoscaler(o, autoscalingvalidation.HorizontalPodAutoscalerSpecValidationOptions{MinReplicasLowerBound: 1}), nil
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o), nil
	case *core.LimitRange:
		return corevalidation.ValidateLimitRange(o), nil
	case *core.Namespace:
		return corevalidation.ValidateNamespace(o), nil
	case *core.ResourceQuota:
		return corevalidation.ValidateResourceQuota(o), nil
	case *core.Service:
		return corevalidation.ValidateServiceCreate(o), nil
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(o), nil
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{}), nil
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(o, policyvalidation.PodDisruptionBudgetValidationOptions{}), nil
	}
	return nil, fmt.Errorf("no validation is listed for %T", object)
}
