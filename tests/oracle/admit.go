package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// writing is a request to write an object, and what became of it on its way to the validating admission.
type writing struct {
	Object      json.RawMessage              `json:"object"`
	OldObject   json.RawMessage              `json:"oldObject"`
	Operation   admission.Operation          `json:"operation"`
	Name        string                       `json:"name"`
	Namespace   string                       `json:"namespace"`
	Subresource string                       `json:"subresource"`
	Resource    *metav1.GroupVersionResource `json:"resource"`
	Plugins     []string                     `json:"plugins"`
	UserInfo    *userInfo                    `json:"userInfo"`
	Options     json.RawMessage              `json:"options"`
	DryRun      bool                         `json:"dryRun"`

	target      servedResource
	unserved    bool // a built-in kind in a version that the release does not serve by default
	object, old runtime.Object
	decodeError string
	warnings    []string
	errors      []fieldError
}

type userInfo struct {
	Username string              `json:"username"`
	UID      string              `json:"uid"`
	Groups   []string            `json:"groups"`
	Extra    map[string][]string `json:"extra"`
}

func (u *userInfo) info() user.Info {
	if u == nil {
		return &user.DefaultInfo{}
	}
	return &user.DefaultInfo{Name: u.Username, UID: u.UID, Groups: u.Groups, Extra: u.Extra}
}

type fieldError struct {
	Type    string `json:"type"`
	Field   string `json:"field"`
	Detail  string `json:"detail"`
	Message string `json:"message"`
	Plugin  string `json:"plugin,omitempty"`
}

// recorder keeps warnings.
type recorder struct{ texts []string }

func (r *recorder) AddWarning(_, text string) { r.texts = append(r.texts, text) }

func (o *oracle) admit(line json.RawMessage) (answer, error) {
	var w writing
	if err := json.Unmarshal(line, &w); err != nil {
		return nil, err
	}
	if err := o.pass(&w); err != nil {
		return nil, err
	}
	result := answer{"decodeError": w.decodeError, "warnings": listed(w.warnings), "errors": listed(w.errors), "object": nil, "oldObject": nil}
	for name, object := range map[string]runtime.Object{"object": w.object, "oldObject": w.old} {
		if object == nil {
			continue
		}
		seen, err := plain(object, w.target.kind)
		if err != nil {
			return nil, err
		}
		result[name] = seen
	}
	return result, nil
}

func listed[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// pass takes the objects through decoding, defaulting, the mutating plug-ins and the strategy of the registry.
func (o *oracle) pass(w *writing) error {
	if err := o.aim(w); err != nil {
		return err
	}
	if w.unserved {
		w.decodeError = fmt.Sprintf("no matches for kind %q in version %q", w.target.kind.Kind, w.target.kind.GroupVersion())
		return nil
	}
	if given(w.OldObject) {
		if err := o.passOld(w); err != nil || w.decodeError != "" || len(w.errors) > 0 {
			return err
		}
	}
	if !given(w.Object) {
		return nil
	}
	object, err := decodeNew(w.Object, w.target.kind)
	if err != nil {
		w.decodeError = err.Error()
		return nil
	}
	w.object = object
	warned := &recorder{}
	o.run(w, warned)
	w.warnings = warned.texts
	return nil
}

// passOld reads the old object. One without a uid was never stored: it takes the way of a creation, which it must have come.
func (o *oracle) passOld(w *writing) error {
	var head struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(w.OldObject, &head); err != nil {
		return fmt.Errorf("oldObject: %w", err)
	}
	created := writing{Object: w.OldObject, Operation: admission.Create, Name: w.Name, Namespace: w.Namespace, Plugins: w.Plugins, UserInfo: w.UserInfo}
	if head.Metadata.UID == "" {
		if err := o.pass(&created); err != nil {
			return fmt.Errorf("oldObject: %w", err)
		}
		if created.decodeError != "" {
			w.decodeError = "oldObject: " + created.decodeError
			return nil
		}
		for _, refused := range created.errors {
			refused.Message = "oldObject: " + refused.Message
			w.errors = append(w.errors, refused)
		}
		w.old = created.object
	} else {
		old, err := decodeAny(w.OldObject)
		if err != nil {
			return fmt.Errorf("oldObject: %w", err)
		}
		w.old = old
	}
	w.completeOld()
	return nil
}

// completeOld gives the old object what no stored object lacks: a resource version and a namespace.
func (w *writing) completeOld() {
	accessor, err := meta.Accessor(w.old)
	if err != nil {
		return
	}
	if accessor.GetResourceVersion() == "" {
		accessor.SetResourceVersion("1")
	}
	if w.target.namespaced && accessor.GetNamespace() == "" {
		accessor.SetNamespace(w.Namespace)
	}
}

// aim finds the resource that the request goes to.
func (o *oracle) aim(w *writing) error {
	raw := w.Object
	if !given(raw) {
		raw = w.OldObject
	}
	if !given(raw) {
		return fmt.Errorf("neither object nor oldObject is given")
	}
	kind, err := typeOf(raw)
	if err != nil {
		return err
	}
	var found bool
	served := o.loaded.discovery
	switch {
	case w.Resource != nil:
		w.target, found = served.forResource(schema.GroupVersionResource(*w.Resource), w.Subresource)
		if !found {
			w.target = servedResource{resource: schema.GroupVersionResource(*w.Resource), subresource: w.Subresource, kind: kind, namespaced: w.Namespace != ""}
		}
	case w.Subresource == "":
		w.target, found = served.forKind(kind)
		if !found {
			w.target = guessed(kind, w.Namespace != "")
			w.unserved = legacyscheme.Scheme.Recognizes(kind)
		}
	default:
		w.target, found = served.forSubresource(kind, w.Subresource)
		if !found {
			return fmt.Errorf("no subresource %s with the kind %s is served; give resource", w.Subresource, kind)
		}
	}
	return w.place(raw)
}

// guessed is the resource of a kind that nothing serves.
func guessed(kind schema.GroupVersionKind, namespaced bool) servedResource {
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return servedResource{resource: plural, kind: kind, namespaced: namespaced}
}

// place fills in name and namespace of the request, which the path of its URL would give.
func (w *writing) place(raw json.RawMessage) error {
	var head struct {
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	if w.Name == "" {
		w.Name = head.Metadata.Name
	}
	switch {
	case w.target.resource == schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}:
		w.Namespace = w.Name
	case !w.target.namespaced:
		w.Namespace = ""
	case w.Namespace == "" && head.Metadata.Namespace != "":
		w.Namespace = head.Metadata.Namespace
	case w.Namespace == "":
		w.Namespace = metav1.NamespaceDefault
	}
	return nil
}

func decodeNew(raw json.RawMessage, kind schema.GroupVersionKind) (runtime.Object, error) {
	if !legacyscheme.Scheme.Recognizes(kind) {
		return decodeAny(raw)
	}
	object, _, err := decodeStrict(raw)
	return object, err
}

// decodeAny decodes what is stored: built-in kinds with defaults, others as they are.
func decodeAny(raw json.RawMessage) (runtime.Object, error) {
	kind, err := typeOf(raw)
	if err != nil {
		return nil, err
	}
	if legacyscheme.Scheme.Recognizes(kind) {
		object, _, err := decodeStored(raw)
		return object, err
	}
	u := &unstructured.Unstructured{}
	return u, unmarshal(raw, &u.Object)
}

func (w *writing) attributes() admission.Attributes {
	return admission.NewAttributesRecord(w.object, w.old, w.target.kind, w.Namespace, w.Name, w.target.resource, w.target.subresource,
		w.Operation, w.options(), w.DryRun, w.UserInfo.info())
}

func (w *writing) options() runtime.Object {
	if given(w.Options) {
		if options, err := operationOptions(w.Options); err == nil {
			return options
		}
	}
	var options runtime.Object
	switch w.Operation {
	case admission.Create:
		options = &metav1.CreateOptions{}
		options.GetObjectKind().SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("CreateOptions"))
	case admission.Update:
		options = &metav1.UpdateOptions{}
		options.GetObjectKind().SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("UpdateOptions"))
	case admission.Delete:
		options = &metav1.DeleteOptions{}
		options.GetObjectKind().SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("DeleteOptions"))
	}
	return options
}

func (w *writing) context(warned *recorder) context.Context {
	ctx := genericapirequest.WithNamespace(context.Background(), w.Namespace)
	ctx = genericapirequest.WithUser(ctx, w.UserInfo.info())
	ctx = genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{
		IsResourceRequest: true,
		Verb:              map[admission.Operation]string{admission.Create: "create", admission.Update: "update", admission.Delete: "delete"}[w.Operation],
		APIGroup:          w.target.resource.Group,
		APIVersion:        w.target.resource.Version,
		Resource:          w.target.resource.Resource,
		Subresource:       w.target.subresource,
		Namespace:         w.Namespace,
		Name:              w.Name,
	})
	return warning.WithWarningRecorder(ctx, warned)
}

// run is what the handler and the store do with a decoded object until the validating admission.
func (o *oracle) run(w *writing, warned *recorder) {
	ctx := w.context(warned)
	accessor, err := meta.Accessor(w.object)
	if err != nil { // options of CONNECT have no metadata
		w.mutate(ctx, o)
		return
	}
	if w.Operation == admission.Create && w.target.subresource != "binding" {
		rest.WipeObjectMetaSystemFields(accessor)
	}
	expected := rest.ExpectedNamespaceForScope(w.Namespace, w.target.namespaced)
	if err := rest.EnsureObjectNamespaceMatchesRequestNamespace(expected, accessor); err != nil {
		w.refuse(err, "")
		return
	}
	if !w.mutate(ctx, o) {
		return
	}
	strategies := strategyFor(w.target)
	switch w.Operation {
	case admission.Create:
		w.create(ctx, accessor, strategies.create)
	case admission.Update:
		w.update(ctx, accessor, strategies.update)
	}
	if len(w.errors) == 0 {
		w.Name = accessor.GetName()
		w.validate(ctx, o)
	}
}

func (w *writing) create(ctx context.Context, accessor metav1.Object, strategy rest.RESTCreateStrategy) {
	if w.target.subresource != "" { // an Eviction, a Binding, a TokenRequest: not stored
		return
	}
	rest.FillObjectMetaSystemFields(accessor)
	if strategy == nil {
		if accessor.GetName() == "" && accessor.GetGenerateName() != "" {
			accessor.SetName(generatedName(accessor.GetGenerateName()))
		}
		return
	}
	if accessor.GetName() == "" && accessor.GetGenerateName() != "" {
		accessor.SetName(strategy.GenerateName(accessor.GetGenerateName()))
	}
	w.refuse(rest.BeforeCreate(strategy, ctx, w.object), "")
}

func (w *writing) update(ctx context.Context, accessor metav1.Object, strategy rest.RESTUpdateStrategy) {
	old, err := meta.Accessor(w.old)
	if err != nil {
		w.refuse(fmt.Errorf("an UPDATE needs oldObject"), "")
		return
	}
	if strategy == nil {
		accessor.SetUID(old.GetUID())
		accessor.SetCreationTimestamp(old.GetCreationTimestamp())
		return
	}
	if accessor.GetResourceVersion() == "" { // kubectl sends a patch, which has that of the stored object
		accessor.SetResourceVersion(old.GetResourceVersion())
	}
	w.refuse(rest.BeforeUpdate(strategy, ctx, w.object, w.old), "")
}

// refuse takes down an error: each cause of an invalid object, or the error as a whole.
func (w *writing) refuse(err error, plugin string) {
	if err == nil {
		return
	}
	w.errors = append(w.errors, fieldErrors(err, plugin)...)
}

func fieldErrors(err error, plugin string) []fieldError {
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status.ErrStatus.Details == nil || len(status.ErrStatus.Details.Causes) == 0 {
		return []fieldError{{Type: string(apierrors.ReasonForError(err)), Detail: err.Error(), Message: err.Error(), Plugin: plugin}}
	}
	var result []fieldError
	for _, cause := range status.ErrStatus.Details.Causes {
		message := cause.Message
		if cause.Field != "" {
			message = cause.Field + ": " + cause.Message
		}
		result = append(result, fieldError{Type: string(cause.Type), Field: cause.Field, Detail: cause.Message, Message: message, Plugin: plugin})
	}
	return result
}
