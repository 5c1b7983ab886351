package main

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/kubeapiserver/admission/exclusion"
)

const syncTimeout = 30 * time.Second

// loadedCluster is the state of a cluster and the admission plug-ins started on it.
type loadedCluster struct {
	discovery  *discovery
	client     *fake.Clientset
	dynamic    *dynamicfake.FakeDynamicClient
	factory    informers.SharedInformerFactory
	authorizer theAuthorizer
	source     *filteredSource
	policies   *generic.Plugin[validating.PolicyHook]
	plugins    map[string]admission.Interface
	interfaces *objectInterfaces
	stop       chan struct{}
}

func (o *oracle) cluster(line json.RawMessage) (answer, error) {
	var r struct {
		Objects       []json.RawMessage `json:"objects"`
		BootstrapRBAC bool              `json:"bootstrapRBAC"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	if err := o.start(r.Objects, r.BootstrapRBAC); err != nil {
		return nil, err
	}
	return answer{"policies": len(o.loaded.source.all)}, nil
}

// start makes a cluster of the objects and starts the plug-ins on it; the cluster before it is stopped.
func (o *oracle) start(objects []json.RawMessage, bootstrapRBAC bool) error {
	customs, err := customResources(objects)
	if err != nil {
		return err
	}
	c := &loadedCluster{discovery: o.discovery.with(customs), stop: make(chan struct{})}
	c.client = fake.NewSimpleClientset()
	c.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), c.discovery.listKinds())
	if err := c.load(objects, bootstrapRBAC); err != nil {
		close(c.stop)
		return err
	}
	c.factory = informers.NewSharedInformerFactory(c.client, 0)
	c.interfaces = newObjectInterfaces(c.discovery)
	if c.authorizer, err = rbacAuthorizer(c.factory); err != nil {
		close(c.stop)
		return err
	}
	if c.plugins, err = startPlugins(c.client, c.factory, c.stop); err != nil {
		close(c.stop)
		return err
	}
	c.policies = newPolicyPlugin(func(f informers.SharedInformerFactory, d dynamic.Interface, mapper meta.RESTMapper) generic.Source[validating.PolicyHook] {
		c.source = &filteredSource{Source: newPolicySource(f, d, mapper)}
		return c.source
	})
	if err := c.startPolicies(); err != nil {
		close(c.stop)
		return err
	}
	if o.loaded != nil {
		close(o.loaded.stop)
	}
	o.loaded = c
	return nil
}

func (c *loadedCluster) startPolicies() error {
	c.policies.SetEnabled(true)
	c.policies.SetExternalKubeClientSet(c.client)
	c.policies.SetExternalKubeInformerFactory(c.factory)
	c.policies.SetDynamicClient(c.dynamic)
	c.policies.SetRESTMapper(c.discovery.restMapper())
	c.policies.SetDrainedNotification(c.stop)
	setAuthorizer(c.policies, c.authorizer)
	c.policies.SetExcludedAdmissionResources(exclusion.Excluded())
	if err := c.policies.ValidateInitialization(); err != nil {
		return err
	}
	c.factory.Start(c.stop)
	for kind, synced := range c.factory.WaitForCacheSync(c.stop) {
		if !synced {
			return fmt.Errorf("the informer of %v did not sync", kind)
		}
	}
	for deadline := time.Now().Add(10 * time.Minute); !c.source.HasSynced(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the policies did not sync")
		}
	}
	c.source.take()
	return c.waitForParams()
}

func (c *loadedCluster) waitForParams() error {
	timeout := make(chan struct{})
	timer := time.AfterFunc(syncTimeout, func() { close(timeout) })
	defer timer.Stop()
	for _, hook := range c.source.all {
		if hook.ParamInformer != nil && !cache.WaitForCacheSync(timeout, hook.ParamInformer.Informer().HasSynced) {
			return fmt.Errorf("the params of policy %s did not sync", hook.Policy.Name)
		}
	}
	return nil
}

// customResources gives what the CustomResourceDefinitions among the objects serve.
func customResources(objects []json.RawMessage) ([]servedResource, error) {
	var result []servedResource
	for _, raw := range objects {
		kind, err := typeOf(raw)
		if err != nil {
			return nil, err
		}
		if kind.Kind != "CustomResourceDefinition" {
			continue
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := json.Unmarshal(raw, &crd); err != nil {
			return nil, fmt.Errorf("CustomResourceDefinition: %w", err)
		}
		for _, version := range crd.Spec.Versions {
			if !version.Served {
				continue
			}
			groupVersion := schema.GroupVersion{Group: crd.Spec.Group, Version: version.Name}
			base := servedResource{resource: groupVersion.WithResource(crd.Spec.Names.Plural), kind: groupVersion.WithKind(crd.Spec.Names.Kind),
				namespaced: crd.Spec.Scope == apiextensionsv1.NamespaceScoped}
			result = append(result, base)
			if version.Subresources != nil && version.Subresources.Status != nil {
				status := base
				status.subresource = "status"
				result = append(result, status)
			}
			if version.Subresources != nil && version.Subresources.Scale != nil {
				scale := base
				scale.subresource, scale.kind = "scale", schema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "Scale"}
				result = append(result, scale)
			}
		}
	}
	return result, nil
}

func (d *discovery) listKinds() map[schema.GroupVersionResource]string {
	result := map[schema.GroupVersionResource]string{}
	for _, r := range d.served {
		if r.subresource == "" {
			result[r.resource] = r.kind.Kind + "List"
		}
	}
	return result
}

func (c *loadedCluster) load(objects []json.RawMessage, bootstrapRBAC bool) error {
	seen := map[string]bool{}
	for i, raw := range objects {
		name, err := c.add(raw)
		if err != nil {
			return fmt.Errorf("objects[%d]: %w", i, err)
		}
		if seen[name] {
			return fmt.Errorf("objects[%d]: %s is given twice", i, name)
		}
		seen[name] = true
	}
	for _, name := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
		if !seen["namespaces//"+name] {
			raw := fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
			if _, err := c.add(json.RawMessage(raw)); err != nil {
				return err
			}
		}
	}
	for _, class := range systemPriorityClasses() {
		if !seen["priorityclasses//"+class.Name] {
			if err := c.client.Tracker().Add(class); err != nil {
				return err
			}
		}
	}
	if bootstrapRBAC {
		if err := c.loadBootstrapRBAC(seen); err != nil {
			return err
		}
	}
	return c.aggregateClusterRoles()
}

// add puts an object, as it would be stored, into the trackers of both clients.
func (c *loadedCluster) add(raw json.RawMessage) (string, error) {
	kind, err := typeOf(raw)
	if err != nil {
		return "", err
	}
	var object runtime.Object
	if legacyscheme.Scheme.Recognizes(kind) {
		internal, _, err := decodeStored(raw)
		if err != nil {
			return "", err
		}
		kind = c.discovery.stable(kind)
		if object, err = versioned(internal, kind); err != nil {
			return "", err
		}
		if namespace, ok := object.(*corev1.Namespace); ok {
			completeNamespace(namespace)
		}
	} else {
		u := &unstructured.Unstructured{}
		if err := unmarshal(raw, &u.Object); err != nil {
			return "", err
		}
		object = u
	}
	resource, found := c.discovery.forKind(kind)
	if !found {
		resource = guessed(kind, true)
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return "", err
	}
	if resource.namespaced && accessor.GetNamespace() == "" {
		accessor.SetNamespace(metav1.NamespaceDefault)
	}
	name := resource.resource.Resource + "/" + accessor.GetNamespace() + "/" + accessor.GetName()
	if _, custom := object.(*unstructured.Unstructured); !custom && clientscheme.Scheme.Recognizes(kind) {
		if err := c.client.Tracker().Create(resource.resource, object, accessor.GetNamespace()); err != nil {
			return name, err
		}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return name, err
	}
	return name, c.dynamic.Tracker().Create(resource.resource, &unstructured.Unstructured{Object: content}, accessor.GetNamespace())
}

// completeNamespace adds what the strategy of namespaces writes at creation.
func completeNamespace(namespace *corev1.Namespace) {
	if namespace.Status.Phase == "" {
		namespace.Status.Phase = corev1.NamespaceActive
	}
	if len(namespace.Spec.Finalizers) == 0 {
		namespace.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
	}
}
