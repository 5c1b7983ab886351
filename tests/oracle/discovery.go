package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// servedResource is a resource or subresource as discovery lists it.
type servedResource struct {
	resource    schema.GroupVersionResource
	subresource string
	kind        schema.GroupVersionKind
	namespaced  bool
}

// discovery knows the resources that a kube-apiserver of the release serves by default, and those of the CustomResourceDefinitions loaded.
type discovery struct {
	served []servedResource
}

var stableVersion = regexp.MustCompile(`^v\d+$`)

// betasServed are the beta versions that kube-apiserver serves although betas are off by default (legacyBetaEnabledByDefaultResources).
var betasServed = map[string]bool{"flowcontrol.apiserver.k8s.io/v1beta3": true, "autoscaling/v2beta2": true}

func loadDiscovery(file string) (*discovery, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the discovery file: %w", err)
	}
	var lists []metav1.APIResourceList
	if err := json.Unmarshal(text, &lists); err != nil {
		return nil, fmt.Errorf("decoding the discovery file: %w", err)
	}
	d := &discovery{}
	for _, list := range lists {
		groupVersion, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		if !stableVersion.MatchString(groupVersion.Version) && !betasServed[list.GroupVersion] {
			continue
		}
		for _, r := range list.APIResources {
			d.served = append(d.served, served(groupVersion, r))
		}
	}
	return d, nil
}

func served(groupVersion schema.GroupVersion, r metav1.APIResource) servedResource {
	name, subresource, _ := strings.Cut(r.Name, "/")
	kind := groupVersion.WithKind(r.Kind)
	if r.Version != "" {
		kind = schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
	}
	return servedResource{resource: groupVersion.WithResource(name), subresource: subresource, kind: kind, namespaced: r.Namespaced}
}

// with gives a discovery that serves the resources of CustomResourceDefinitions too.
func (d *discovery) with(more []servedResource) *discovery {
	return &discovery{served: append(append([]servedResource{}, d.served...), more...)}
}

func (d *discovery) forKind(kind schema.GroupVersionKind) (servedResource, bool) {
	for _, r := range d.served {
		if r.subresource == "" && r.kind == kind {
			return r, true
		}
	}
	return servedResource{}, false
}

func (d *discovery) forResource(resource schema.GroupVersionResource, subresource string) (servedResource, bool) {
	for _, r := range d.served {
		if r.subresource == subresource && r.resource == resource {
			return r, true
		}
	}
	return servedResource{}, false
}

// restMapper maps the kinds as the mapper of the server does, which is made from discovery too.
func (d *discovery) restMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, r := range d.served {
		if r.subresource != "" {
			continue
		}
		scope := meta.RESTScopeRoot
		if r.namespaced {
			scope = meta.RESTScopeNamespace
		}
		mapper.AddSpecific(r.kind, r.resource, r.resource, scope)
	}
	return mapper
}

// cohabiting are the resources of several groups that share one place in etcd (DefaultStorageFactory of kube-apiserver).
var cohabiting = map[schema.GroupResource]string{
	{Group: "networking.k8s.io", Resource: "networkpolicies"}: "networkpolicies",
	{Group: "extensions", Resource: "networkpolicies"}:        "networkpolicies",
	{Group: "apps", Resource: "deployments"}:                  "deployments",
	{Group: "extensions", Resource: "deployments"}:            "deployments",
	{Group: "apps", Resource: "daemonsets"}:                   "daemonsets",
	{Group: "extensions", Resource: "daemonsets"}:             "daemonsets",
	{Group: "apps", Resource: "replicasets"}:                  "replicasets",
	{Group: "extensions", Resource: "replicasets"}:            "replicasets",
	{Group: "", Resource: "events"}:                           "events",
	{Group: "events.k8s.io", Resource: "events"}:              "events",
}

// equivalentResources is the registry that matchPolicy Equivalent looks into.
func (d *discovery) equivalentResources() runtime.EquivalentResourceMapper {
	registry := runtime.NewEquivalentResourceRegistryWithIdentity(func(gr schema.GroupResource) string {
		if shared, ok := cohabiting[gr]; ok {
			return shared
		}
		return gr.Group + "/" + gr.Resource
	})
	for _, r := range d.served {
		registry.RegisterKindFor(r.resource, r.subresource, r.kind)
	}
	return registry
}

// forSubresource finds the subresource by its own kind: pods/eviction by Eviction, pods/ephemeralcontainers by Pod.
func (d *discovery) forSubresource(kind schema.GroupVersionKind, subresource string) (servedResource, bool) {
	for _, r := range d.served {
		if r.subresource == subresource && r.kind == kind {
			return r, true
		}
	}
	return servedResource{}, false
}

// stable gives the version that the typed clients have for a group and kind.
func (d *discovery) stable(kind schema.GroupVersionKind) schema.GroupVersionKind {
	for _, r := range d.served {
		if r.subresource == "" && r.kind.GroupKind() == kind.GroupKind() && stableVersion.MatchString(r.kind.Version) {
			return r.kind
		}
	}
	return kind
}
