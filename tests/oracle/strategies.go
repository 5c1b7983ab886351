package main

import (
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingwebhookconfiguration"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingwebhookconfiguration"
	"k8s.io/kubernetes/pkg/registry/apps/controllerrevision"
	"k8s.io/kubernetes/pkg/registry/apps/daemonset"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/replicaset"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/batch/cronjob"
	"k8s.io/kubernetes/pkg/registry/batch/job"
	"k8s.io/kubernetes/pkg/registry/certificates/certificates"
	"k8s.io/kubernetes/pkg/registry/coordination/lease"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/endpoint"
	"k8s.io/kubernetes/pkg/registry/core/event"
	"k8s.io/kubernetes/pkg/registry/core/limitrange"
	"k8s.io/kubernetes/pkg/registry/core/namespace"
	"k8s.io/kubernetes/pkg/registry/core/node"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/podtemplate"
	"k8s.io/kubernetes/pkg/registry/core/replicationcontroller"
	"k8s.io/kubernetes/pkg/registry/core/resourcequota"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/discovery/endpointslice"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/flowschema"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/prioritylevelconfiguration"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/ingressclass"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/node/runtimeclass"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrole"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrolebinding"
	"k8s.io/kubernetes/pkg/registry/rbac/role"
	"k8s.io/kubernetes/pkg/registry/rbac/rolebinding"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/storage/csidriver"
	"k8s.io/kubernetes/pkg/registry/storage/csinode"
	"k8s.io/kubernetes/pkg/registry/storage/csistoragecapacity"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattachment"
)

type strategies struct {
	create rest.RESTCreateStrategy
	update rest.RESTUpdateStrategy
}

type target struct{ group, resource, subresource string }

func both[S interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
}](strategy S) strategies {
	return strategies{create: strategy, update: strategy}
}

func forUpdate(strategy rest.RESTUpdateStrategy) strategies {
	return strategies{update: strategy}
}

// knownStrategies are the strategies that the storage of each resource is made with. Those that only some releases have are in api_k*.go.
var knownStrategies = map[target]strategies{
	{"", "pods", ""}:                                                          both(pod.Strategy),
	{"", "pods", "ephemeralcontainers"}:                                       forUpdate(pod.EphemeralContainersStrategy),
	{"", "pods", "status"}:                                                    forUpdate(pod.StatusStrategy),
	{"", "services", ""}:                                                      both(service.Strategy),
	{"", "services", "status"}:                                                forUpdate(service.StatusStrategy),
	{"", "configmaps", ""}:                                                    both(configmap.Strategy),
	{"", "secrets", ""}:                                                       both(secret.Strategy),
	{"", "namespaces", ""}:                                                    both(namespace.Strategy),
	{"", "namespaces", "status"}:                                              forUpdate(namespace.StatusStrategy),
	{"", "serviceaccounts", ""}:                                               both(serviceaccount.Strategy),
	{"", "nodes", ""}:                                                         both(node.Strategy),
	{"", "nodes", "status"}:                                                   forUpdate(node.StatusStrategy),
	{"", "events", ""}:                                                        both(event.Strategy),
	{"", "endpoints", ""}:                                                     both(endpoint.Strategy),
	{"", "limitranges", ""}:                                                   both(limitrange.Strategy),
	{"", "resourcequotas", ""}:                                                both(resourcequota.Strategy),
	{"", "resourcequotas", "status"}:                                          forUpdate(resourcequota.StatusStrategy),
	{"", "persistentvolumes", ""}:                                             both(persistentvolume.Strategy),
	{"", "persistentvolumes", "status"}:                                       forUpdate(persistentvolume.StatusStrategy),
	{"", "persistentvolumeclaims", ""}:                                        both(persistentvolumeclaim.Strategy),
	{"", "persistentvolumeclaims", "status"}:                                  forUpdate(persistentvolumeclaim.StatusStrategy),
	{"", "podtemplates", ""}:                                                  both(podtemplate.Strategy),
	{"", "replicationcontrollers", ""}:                                        both(replicationcontroller.Strategy),
	{"", "replicationcontrollers", "status"}:                                  forUpdate(replicationcontroller.StatusStrategy),
	{"apps", "deployments", ""}:                                               both(deployment.Strategy),
	{"apps", "deployments", "status"}:                                         forUpdate(deployment.StatusStrategy),
	{"apps", "daemonsets", ""}:                                                both(daemonset.Strategy),
	{"apps", "daemonsets", "status"}:                                          forUpdate(daemonset.StatusStrategy),
	{"apps", "replicasets", ""}:                                               both(replicaset.Strategy),
	{"apps", "replicasets", "status"}:                                         forUpdate(replicaset.StatusStrategy),
	{"apps", "statefulsets", ""}:                                              both(statefulset.Strategy),
	{"apps", "statefulsets", "status"}:                                        forUpdate(statefulset.StatusStrategy),
	{"apps", "controllerrevisions", ""}:                                       both(controllerrevision.Strategy),
	{"batch", "jobs", ""}:                                                     both(job.Strategy),
	{"batch", "jobs", "status"}:                                               forUpdate(job.StatusStrategy),
	{"batch", "cronjobs", ""}:                                                 both(cronjob.Strategy),
	{"batch", "cronjobs", "status"}:                                           forUpdate(cronjob.StatusStrategy),
	{"autoscaling", "horizontalpodautoscalers", ""}:                           both(horizontalpodautoscaler.Strategy),
	{"autoscaling", "horizontalpodautoscalers", "status"}:                     forUpdate(horizontalpodautoscaler.StatusStrategy),
	{"policy", "poddisruptionbudgets", ""}:                                    both(poddisruptionbudget.Strategy),
	{"policy", "poddisruptionbudgets", "status"}:                              forUpdate(poddisruptionbudget.StatusStrategy),
	{"networking.k8s.io", "ingresses", ""}:                                    both(ingress.Strategy),
	{"networking.k8s.io", "ingresses", "status"}:                              forUpdate(ingress.StatusStrategy),
	{"networking.k8s.io", "ingressclasses", ""}:                               both(ingressclass.Strategy),
	{"networking.k8s.io", "networkpolicies", ""}:                              both(networkpolicy.Strategy),
	{"node.k8s.io", "runtimeclasses", ""}:                                     both(runtimeclass.Strategy),
	{"scheduling.k8s.io", "priorityclasses", ""}:                              both(priorityclass.Strategy),
	{"storage.k8s.io", "storageclasses", ""}:                                  both(storageclass.Strategy),
	{"storage.k8s.io", "csidrivers", ""}:                                      both(csidriver.Strategy),
	{"storage.k8s.io", "csinodes", ""}:                                        both(csinode.Strategy),
	{"storage.k8s.io", "csistoragecapacities", ""}:                            both(csistoragecapacity.Strategy),
	{"storage.k8s.io", "volumeattachments", ""}:                               both(volumeattachment.Strategy),
	{"storage.k8s.io", "volumeattachments", "status"}:                         forUpdate(volumeattachment.StatusStrategy),
	{"coordination.k8s.io", "leases", ""}:                                     both(lease.Strategy),
	{"discovery.k8s.io", "endpointslices", ""}:                                both(endpointslice.Strategy),
	{"rbac.authorization.k8s.io", "roles", ""}:                                both(role.Strategy),
	{"rbac.authorization.k8s.io", "rolebindings", ""}:                         both(rolebinding.Strategy),
	{"rbac.authorization.k8s.io", "clusterroles", ""}:                         both(clusterrole.Strategy),
	{"rbac.authorization.k8s.io", "clusterrolebindings", ""}:                  both(clusterrolebinding.Strategy),
	{"admissionregistration.k8s.io", "validatingwebhookconfigurations", ""}:   both(validatingwebhookconfiguration.Strategy),
	{"admissionregistration.k8s.io", "mutatingwebhookconfigurations", ""}:     both(mutatingwebhookconfiguration.Strategy),
	{"certificates.k8s.io", "certificatesigningrequests", ""}:                 both(certificates.Strategy),
	{"certificates.k8s.io", "certificatesigningrequests", "status"}:           forUpdate(certificates.StatusStrategy),
	{"flowcontrol.apiserver.k8s.io", "flowschemas", ""}:                       both(flowschema.Strategy),
	{"flowcontrol.apiserver.k8s.io", "flowschemas", "status"}:                 forUpdate(flowschema.StatusStrategy),
	{"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", ""}:       both(prioritylevelconfiguration.Strategy),
	{"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", "status"}: forUpdate(prioritylevelconfiguration.StatusStrategy),
}

func strategyFor(r servedResource) strategies {
	key := target{r.resource.Group, r.resource.Resource, r.subresource}
	if found, ok := releaseStrategies[key]; ok {
		return found
	}
	return knownStrategies[key]
}
