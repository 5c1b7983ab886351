package main

import (
	"encoding/json"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsscheme "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

// validatePolicy takes a policy or binding through decoding, defaulting and the strategy of its registry, as admit does, and tells what is wrong.
func (o *oracle) validatePolicy(line json.RawMessage) (answer, error) {
	var w writing
	if err := json.Unmarshal(line, &w); err != nil {
		return nil, err
	}
	w.Operation = admission.Create
	if given(w.OldObject) {
		w.Operation = admission.Update
	}
	if err := o.aimAtPolicy(&w); err != nil {
		return nil, err
	}
	if given(w.OldObject) { // taken as stored: a rule that came later does not hold for it
		old, err := decodeAny(w.OldObject)
		if err != nil {
			return nil, fmt.Errorf("oldObject: %w", err)
		}
		w.old = old
		w.completeOld()
	}
	object, err := decodeNew(w.Object, w.target.kind)
	if err != nil {
		return answer{"decodeError": err.Error(), "errors": []fieldError{}, "warnings": []string{}}, nil
	}
	w.object = object
	warned := &recorder{}
	o.run(&w, warned)
	return answer{"decodeError": "", "errors": listed(w.errors), "warnings": listed(warned.texts)}, nil
}

// aimAtPolicy lets every version pass that the release can decode: v1beta1 is served where it is switched on.
func (o *oracle) aimAtPolicy(w *writing) error {
	kind, err := typeOf(w.Object)
	if err != nil {
		return err
	}
	stable := o.discovery.stable(kind)
	served, found := o.discovery.forKind(stable)
	if !found || kind.Group != admissionregistrationv1.GroupName {
		return fmt.Errorf("%s is no kind of policy that the release knows", kind)
	}
	served.kind, served.resource.Version = kind, kind.Version
	w.target = served
	return w.place(w.Object)
}

func (o *oracle) typeCheck(line json.RawMessage) (answer, error) {
	var r struct {
		Object json.RawMessage `json:"object"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	internal, _, err := decodeStored(r.Object)
	if err != nil {
		return nil, err
	}
	object, err := versioned(internal, admissionregistrationv1.SchemeGroupVersion.WithKind("ValidatingAdmissionPolicy"))
	if err != nil {
		return nil, err
	}
	checker := validating.TypeChecker{
		SchemaResolver: resolver.NewDefinitionsSchemaResolver(openapi.GetOpenAPIDefinitions, clientscheme.Scheme, apiextensionsscheme.Scheme),
		RestMapper:     o.loaded.discovery.restMapper(),
	}
	warnings := checker.Check(object.(*admissionregistrationv1.ValidatingAdmissionPolicy))
	return answer{"expressionWarnings": listed(warnings)}, nil
}
