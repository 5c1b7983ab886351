//go:build k129

package main

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apiserver/pkg/admission/plugin/validatingadmissionpolicy"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/pkg/controller/validatingadmissionpolicystatus"
)

// releaseFlags turn the policies on, which this release does not do by itself.
var releaseFlags = []string{
	"--feature-gates=ValidatingAdmissionPolicy=true",
	"--runtime-config=admissionregistration.k8s.io/v1beta1=true",
}

func newStatusController(
	factory informers.SharedInformerFactory, client kubernetes.Interface, schemas resolver.SchemaResolver, mapper meta.RESTMapper,
) (*validatingadmissionpolicystatus.Controller, error) {
	return validatingadmissionpolicystatus.NewController(
		factory.Admissionregistration().V1beta1().ValidatingAdmissionPolicies(),
		client.AdmissionregistrationV1beta1().ValidatingAdmissionPolicies(),
		&validatingadmissionpolicy.TypeChecker{SchemaResolver: schemas, RestMapper: mapper},
	)
}
