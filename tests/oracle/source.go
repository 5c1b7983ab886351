package main

import (
	"sort"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	_ "unsafe" // for go:linkname
)

//go:linkname compilePolicy k8s.io/apiserver/pkg/admission/plugin/policy/validating.compilePolicy
func compilePolicy(policy *admissionregistrationv1.ValidatingAdmissionPolicy) validating.Validator

//go:linkname codeOf k8s.io/apiserver/pkg/admission/plugin/policy/validating.reasonToCode
func codeOf(reason metav1.StatusReason) int32

func newPolicySource(f informers.SharedInformerFactory, d dynamic.Interface, mapper meta.RESTMapper) generic.Source[validating.PolicyHook] {
	return generic.NewPolicySource(
		f.Admissionregistration().V1().ValidatingAdmissionPolicies().Informer(),
		f.Admissionregistration().V1().ValidatingAdmissionPolicyBindings().Informer(),
		validating.NewValidatingAdmissionPolicyAccessor,
		validating.NewValidatingAdmissionPolicyBindingAccessor,
		compilePolicy,
		f,
		d,
		mapper,
	)
}

// filteredSource shows the dispatcher the hooks that a request is about. The server has them in the order of a Go map; here they are sorted.
type filteredSource struct {
	generic.Source[validating.PolicyHook]
	all    []validating.PolicyHook
	byName map[string]validating.PolicyHook
	shown  []validating.PolicyHook
}

func (s *filteredSource) Hooks() []validating.PolicyHook { return s.shown }

// take keeps the hooks as they are once all is loaded.
func (s *filteredSource) take() {
	s.all = append([]validating.PolicyHook{}, s.Source.Hooks()...)
	s.byName = map[string]validating.PolicyHook{}
	sort.Slice(s.all, func(i, j int) bool { return s.all[i].Policy.Name < s.all[j].Policy.Name })
	for i := range s.all {
		bindings := append([]*validating.PolicyBinding{}, s.all[i].Bindings...)
		sort.Slice(bindings, func(a, b int) bool { return bindings[a].Name < bindings[b].Name })
		s.all[i].Bindings = bindings
		s.byName[s.all[i].Policy.Name] = s.all[i]
	}
}

// named gives the hooks of the policies named, all if none is.
func (s *filteredSource) named(names []string) []validating.PolicyHook {
	if len(names) == 0 {
		return s.all
	}
	sorted := append([]string{}, names...)
	sort.Strings(sorted)
	var result []validating.PolicyHook
	for i, name := range sorted {
		if hook, ok := s.byName[name]; ok && (i == 0 || sorted[i-1] != name) {
			result = append(result, hook)
		}
	}
	return result
}

// objectInterfaces are those of the server: the scheme for built-in kinds; custom resources change their apiVersion only (strategy None).
type objectInterfaces struct {
	resources runtime.EquivalentResourceMapper
}

func newObjectInterfaces(d *discovery) *objectInterfaces {
	return &objectInterfaces{resources: d.equivalentResources()}
}

func (o *objectInterfaces) GetObjectCreater() runtime.ObjectCreater     { return creater{} }
func (o *objectInterfaces) GetObjectTyper() runtime.ObjectTyper         { return legacyscheme.Scheme }
func (o *objectInterfaces) GetObjectDefaulter() runtime.ObjectDefaulter { return legacyscheme.Scheme }
func (o *objectInterfaces) GetObjectConvertor() runtime.ObjectConvertor {
	return convertor{legacyscheme.Scheme}
}
func (o *objectInterfaces) GetEquivalentResourceMapper() runtime.EquivalentResourceMapper {
	return o.resources
}

type creater struct{}

func (creater) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	if legacyscheme.Scheme.Recognizes(kind) {
		return legacyscheme.Scheme.New(kind)
	}
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	return u, nil
}

type convertor struct{ runtime.ObjectConvertor }

func (c convertor) Convert(in, out, context any) error {
	from, ok := in.(*unstructured.Unstructured)
	if !ok {
		return c.ObjectConvertor.Convert(in, out, context)
	}
	to, ok := out.(*unstructured.Unstructured)
	if !ok {
		return c.ObjectConvertor.Convert(in, out, context)
	}
	kind := to.GroupVersionKind()
	to.Object = from.DeepCopy().Object
	to.SetGroupVersionKind(kind)
	return nil
}
