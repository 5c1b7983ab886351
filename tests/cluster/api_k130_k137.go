//go:build k130 || k137

package main

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/pkg/controller/validatingadmissionpolicystatus"
)

// releaseFlags are what this release needs besides.
var releaseFlags []string

func newStatusController(
	factory informers.SharedInformerFactory, client kubernetes.Interface, schemas resolver.SchemaResolver, mapper meta.RESTMapper,
) (*validatingadmissionpolicystatus.Controller, error) {
	return validatingadmissionpolicystatus.NewController(
		factory.Admissionregistration().V1().ValidatingAdmissionPolicies(),
		client.AdmissionregistrationV1().ValidatingAdmissionPolicies(),
		&validating.TypeChecker{SchemaResolver: schemas, RestMapper: mapper},
	)
}
