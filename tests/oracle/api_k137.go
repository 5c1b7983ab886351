//go:build k137

package main

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
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

type theAuthorizer = authorizer.UnconditionalAuthorizer

var baseEnvironment = sync.OnceValue(func() *environment.EnvSet {
	return environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
})

var sharedCompiler = sync.OnceValues(func() (*plugincel.CompositedCompiler, error) {
	return plugincel.NewCompositedCompiler(baseEnvironment())
})

// newCompositedCompiler gives the compiler that compilePolicy of the plug-in makes. A shared one must not get variables.
func newCompositedCompiler(shared bool) (*plugincel.CompositedCompiler, error) {
	if shared {
		return sharedCompiler()
	}
	return plugincel.NewCompositedCompiler(baseEnvironment())
}

func declarations(params, authorizer bool) plugincel.OptionalVariableDeclarations {
	return plugincel.OptionalVariableDeclarations{HasParams: params, HasAuthorizer: authorizer}
}

func newCondition(results []plugincel.CompilationResult) plugincel.ConditionEvaluator {
	return plugincel.NewCondition(results)
}

func compositionContext(compiler *plugincel.CompositedCompiler, ctx context.Context) context.Context {
	return compiler.CreateContext(ctx)
}

func versionedAttributes(attributes admission.Attributes, kind schema.GroupVersionKind, object, old runtime.Object) *admission.VersionedAttributes {
	result := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind}
	if object != nil {
		result.VersionedObject.Set(object)
	}
	if old != nil {
		result.VersionedOldObject.Set(old)
	}
	return result
}

func newPolicyPlugin(source func(informers.SharedInformerFactory, dynamic.Interface, meta.RESTMapper) generic.Source[validating.PolicyHook]) *generic.Plugin[validating.PolicyHook] {
	return generic.NewPlugin(
		admission.NewHandler(admission.Connect, admission.Create, admission.Delete, admission.Update),
		func(f informers.SharedInformerFactory, _ kubernetes.Interface, d dynamic.Interface, mapper meta.RESTMapper) generic.Source[validating.PolicyHook] {
			return source(f, d, mapper)
		},
		func(a authorizer.UnconditionalAuthorizer, m *matching.Matcher, _ kubernetes.Interface) generic.Dispatcher[validating.PolicyHook] {
			return validating.NewDispatcher(a, generic.NewPolicyMatcher(m))
		},
	)
}

func setAuthorizer(plugin *generic.Plugin[validating.PolicyHook], a theAuthorizer) {
	plugin.SetUnconditionalAuthorizer(a)
}

func pluginInitializer(client kubernetes.Interface, factory informers.SharedInformerFactory, stop <-chan struct{}) admission.PluginInitializer {
	return initializer.New(client, nil, factory, nil, utilfeature.DefaultFeatureGate, compatibility.DefaultBuildEffectiveVersion(), stop, nil)
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

func unionOf(masters, rules authorizer.Authorizer) (authorizer.Authorizer, error) {
	return union.New(
		union.NamedAuthorizer{AuthorizerName: "SystemMasters", Authorizer: masters},
		union.NamedAuthorizer{AuthorizerName: "RBAC", Authorizer: rules},
	)
}
