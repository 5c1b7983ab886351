//go:build k130 || k134

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
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/features"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
)

type theAuthorizer = authorizer.Authorizer

// makeSource is how the policy plug-in gets its source.
type makeSource func(informers.SharedInformerFactory, dynamic.Interface, meta.RESTMapper) generic.Source[validating.PolicyHook]

func (m makeSource) factory(f informers.SharedInformerFactory, _ kubernetes.Interface, d dynamic.Interface, mapper meta.RESTMapper) generic.Source[validating.PolicyHook] {
	return m(f, d, mapper)
}

func strictCost() bool {
	return utilfeature.DefaultFeatureGate.Enabled(features.StrictCostEnforcementForVAP)
}

var compositionTemplate = sync.OnceValues(func() (*plugincel.CompositionEnv, error) {
	return plugincel.NewCompositionEnv(plugincel.VariablesTypeName, environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion(), strictCost()))
})

var sharedCompiler = sync.OnceValues(freshCompiler)

func freshCompiler() (*plugincel.CompositedCompiler, error) {
	template, err := compositionTemplate()
	if err != nil {
		return nil, err
	}
	return plugincel.NewCompositedCompilerFromTemplate(template), nil
}

// newCompositedCompiler gives the compiler that compilePolicy of the plug-in makes. A shared one must not get variables.
func newCompositedCompiler(shared bool) (*plugincel.CompositedCompiler, error) {
	if shared {
		return sharedCompiler()
	}
	return freshCompiler()
}

func declarations(params, authorizer bool) plugincel.OptionalVariableDeclarations {
	return plugincel.OptionalVariableDeclarations{HasParams: params, HasAuthorizer: authorizer, StrictCost: strictCost()}
}

func compositionContext(compiler *plugincel.CompositedCompiler, ctx context.Context) context.Context {
	return compiler.CompositionEnv.CreateContext(ctx)
}

func versionedAttributes(attributes admission.Attributes, kind schema.GroupVersionKind, object, old runtime.Object) *admission.VersionedAttributes {
	return &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: object, VersionedOldObject: old}
}

func setAuthorizer(plugin *generic.Plugin[validating.PolicyHook], a theAuthorizer) {
	plugin.SetAuthorizer(a)
}

func pluginInitializer(client kubernetes.Interface, factory informers.SharedInformerFactory, stop <-chan struct{}) admission.PluginInitializer {
	return initializer.New(client, nil, factory, nil, utilfeature.DefaultFeatureGate, stop, nil)
}

func unionOf(masters, rules authorizer.Authorizer) (authorizer.Authorizer, error) {
	return union.New(masters, rules), nil
}
