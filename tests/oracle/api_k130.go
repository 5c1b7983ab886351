//go:build k130

package main

import (
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicybinding"
)

func newCondition(results []plugincel.CompilationResult) plugincel.Filter {
	return plugincel.NewFilter(results)
}

func newPolicyPlugin(source makeSource) *generic.Plugin[validating.PolicyHook] {
	return generic.NewPlugin(
		admission.NewHandler(admission.Connect, admission.Create, admission.Delete, admission.Update),
		source.factory,
		func(a authorizer.Authorizer, m *matching.Matcher) generic.Dispatcher[validating.PolicyHook] {
			return validating.NewDispatcher(a, generic.NewPolicyMatcher(m))
		},
	)
}

var releaseStrategies = map[target]strategies{
	{"admissionregistration.k8s.io", "validatingadmissionpolicies", ""}:       both(validatingadmissionpolicy.NewStrategy(nil, nil)),
	{"admissionregistration.k8s.io", "validatingadmissionpolicybindings", ""}: both(validatingadmissionpolicybinding.NewStrategy(nil, nil, nil)),
}
