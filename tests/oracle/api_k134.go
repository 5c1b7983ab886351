//go:build k134

package main

import (
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicybinding"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicybinding"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/networking/ipaddress"
	"k8s.io/kubernetes/pkg/registry/networking/servicecidr"
	"k8s.io/kubernetes/pkg/registry/resource/deviceclass"
	"k8s.io/kubernetes/pkg/registry/resource/resourceslice"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattributesclass"
)

func newCondition(results []plugincel.CompilationResult) plugincel.ConditionEvaluator {
	return plugincel.NewCondition(results)
}

func newPolicyPlugin(source makeSource) *generic.Plugin[validating.PolicyHook] {
	return generic.NewPlugin(
		admission.NewHandler(admission.Connect, admission.Create, admission.Delete, admission.Update),
		source.factory,
		func(a authorizer.Authorizer, m *matching.Matcher, _ kubernetes.Interface) generic.Dispatcher[validating.PolicyHook] {
			return validating.NewDispatcher(a, generic.NewPolicyMatcher(m))
		},
	)
}

var releaseStrategies = map[target]strategies{
	{"", "pods", "resize"}: forUpdate(pod.ResizeStrategy),
	{"admissionregistration.k8s.io", "validatingadmissionpolicies", ""}:       both(validatingadmissionpolicy.NewStrategy(nil, nil)),
	{"admissionregistration.k8s.io", "validatingadmissionpolicybindings", ""}: both(validatingadmissionpolicybinding.NewStrategy(nil, nil, nil)),
	{"admissionregistration.k8s.io", "mutatingadmissionpolicies", ""}:         both(mutatingadmissionpolicy.NewStrategy(nil, nil)),
	{"admissionregistration.k8s.io", "mutatingadmissionpolicybindings", ""}:   both(mutatingadmissionpolicybinding.NewStrategy(nil, nil, nil)),
	{"networking.k8s.io", "servicecidrs", ""}:                                 both(servicecidr.Strategy),
	{"networking.k8s.io", "ipaddresses", ""}:                                  both(ipaddress.Strategy),
	{"storage.k8s.io", "volumeattributesclasses", ""}:                         both(volumeattributesclass.Strategy),
	{"resource.k8s.io", "deviceclasses", ""}:                                  both(deviceclass.Strategy),
	{"resource.k8s.io", "resourceslices", ""}:                                 both(resourceslice.Strategy),
}
