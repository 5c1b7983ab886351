package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	schedulingapi "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	"k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"
	"k8s.io/kubernetes/plugin/pkg/admission/network/defaultingressclass"
	"k8s.io/kubernetes/plugin/pkg/admission/nodetaint"
	"k8s.io/kubernetes/plugin/pkg/admission/priority"
	"k8s.io/kubernetes/plugin/pkg/admission/runtimeclass"
	"k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"
	"k8s.io/kubernetes/plugin/pkg/admission/storage/storageclass/setdefault"
	"k8s.io/kubernetes/plugin/pkg/admission/storage/storageobjectinuseprotection"
)

// pluginOrder are the plug-ins that a request may name, in the order of the server (AllOrderedPlugins). All are on by default.
var pluginOrder = []string{
	serviceaccount.PluginName,
	nodetaint.PluginName,
	priority.PluginName,
	defaulttolerationseconds.PluginName,
	setdefault.PluginName,
	storageobjectinuseprotection.PluginName,
	runtimeclass.PluginName,
	defaultingressclass.PluginName,
}

func newPlugins() *admission.Plugins {
	all := admission.NewPlugins()
	serviceaccount.Register(all)
	nodetaint.Register(all)
	priority.Register(all)
	defaulttolerationseconds.Register(all)
	setdefault.Register(all)
	storageobjectinuseprotection.Register(all)
	runtimeclass.Register(all)
	defaultingressclass.Register(all)
	return all
}

// startPlugins makes the plug-ins with the clients of a loaded cluster.
func startPlugins(client kubernetes.Interface, factory informers.SharedInformerFactory, stop <-chan struct{}) (map[string]admission.Interface, error) {
	initializer := pluginInitializer(client, factory, stop)
	all := newPlugins()
	result := map[string]admission.Interface{}
	for _, name := range pluginOrder {
		plugin, err := all.InitPlugin(name, nil, initializer)
		if err != nil {
			return nil, err
		}
		result[name] = plugin
	}
	return result, nil
}

// mutate runs the plug-ins that the request names, and says whether all let it pass.
func (w *writing) mutate(ctx context.Context, o *oracle) bool {
	for _, name := range ordered(w.Plugins) {
		plugin, ok := o.loaded.plugins[name].(admission.MutationInterface)
		if !ok || !plugin.Handles(w.Operation) {
			continue
		}
		o.loaded.ensureServiceAccount(w.Namespace)
		if err := plugin.Admit(ctx, w.attributes(), o.loaded.interfaces); err != nil {
			w.refuse(err, name)
			return false
		}
	}
	return true
}

// validate runs the validating half of the plug-ins that the request names.
func (w *writing) validate(ctx context.Context, o *oracle) {
	for _, name := range ordered(w.Plugins) {
		plugin, ok := o.loaded.plugins[name].(admission.ValidationInterface)
		if ok && plugin.Handles(w.Operation) {
			w.refuse(plugin.Validate(ctx, w.attributes(), o.loaded.interfaces), name)
		}
	}
}

func ordered(named []string) []string {
	wanted := map[string]bool{}
	for _, name := range named {
		wanted[name] = true
	}
	var result []string
	for _, name := range pluginOrder {
		if wanted[name] {
			result = append(result, name)
		}
	}
	return result
}

// systemPriorityClasses are those that the server makes itself.
func systemPriorityClasses() []*schedulingv1.PriorityClass {
	return schedulingapi.SystemPriorityClasses()
}

// ensureServiceAccount gives a namespace the account that a controller would make in it.
func (c *loadedCluster) ensureServiceAccount(namespace string) {
	if namespace == "" {
		return
	}
	accounts := c.client.CoreV1().ServiceAccounts(namespace)
	if _, err := accounts.Get(context.Background(), "default", metav1.GetOptions{}); !errors.IsNotFound(err) {
		return
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: namespace}}
	_, _ = accounts.Create(context.Background(), account, metav1.CreateOptions{})
	_ = c.factory.Core().V1().ServiceAccounts().Informer().GetIndexer().Add(account)
}

func generatedName(base string) string { return names.SimpleNameGenerator.GenerateName(base) }
