package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/google/cel-go/common/types/ref"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/api/testing" // registers every API group
)

type celValue = ref.Val

// unmarshal decodes a request so that whole numbers in objects are int64, as the API machinery has them.
func unmarshal(line json.RawMessage, into any) error {
	return utiljson.Unmarshal(line, into)
}

var jsonMediaType = func() runtime.SerializerInfo {
	info, ok := runtime.SerializerInfoForMediaType(legacyscheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeJSON)
	if !ok {
		panic("no JSON serializer")
	}
	return info
}()

// decodeStored decodes an object of a built-in kind to its internal type, with defaults, as one read from etcd.
func decodeStored(raw []byte) (runtime.Object, *schema.GroupVersionKind, error) {
	return legacyscheme.Codecs.DecoderToVersion(jsonMediaType.Serializer, runtime.InternalGroupVersioner).Decode(raw, nil, nil)
}

// decodeStrict decodes as the handlers do with fieldValidation=Strict.
func decodeStrict(raw []byte) (runtime.Object, *schema.GroupVersionKind, error) {
	return legacyscheme.Codecs.DecoderToVersion(jsonMediaType.StrictSerializer, runtime.InternalGroupVersioner).Decode(raw, nil, nil)
}

// versioned converts an internal object to a version, as the plug-in does before it evaluates.
func versioned(object runtime.Object, kind schema.GroupVersionKind) (runtime.Object, error) {
	if u, ok := object.(*unstructured.Unstructured); ok {
		return u, nil
	}
	out, err := legacyscheme.Scheme.New(kind)
	if err != nil {
		return nil, err
	}
	if err := legacyscheme.Scheme.Convert(object, out, nil); err != nil {
		return nil, err
	}
	out.GetObjectKind().SetGroupVersionKind(kind)
	return out, nil
}

// plain gives the map that CEL sees.
func plain(object runtime.Object, kind schema.GroupVersionKind) (map[string]any, error) {
	if object == nil {
		return nil, nil
	}
	out, err := versioned(object, kind)
	if err != nil {
		return nil, err
	}
	if u, ok := out.(*unstructured.Unstructured); ok {
		return u.Object, nil
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(out)
}

// typedObject decodes an object to the Go type of its version, without defaults; unknown kinds stay as they are.
func typedObject(u *unstructured.Unstructured) (runtime.Object, error) {
	kind := u.GroupVersionKind()
	if !legacyscheme.Scheme.Recognizes(kind) {
		return u, nil
	}
	out, err := legacyscheme.Scheme.New(kind)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, out); err != nil {
		return nil, err
	}
	out.GetObjectKind().SetGroupVersionKind(kind)
	return out, nil
}

func typeOf(raw []byte) (schema.GroupVersionKind, error) {
	var head metav1.TypeMeta
	if err := json.Unmarshal(raw, &head); err != nil {
		return schema.GroupVersionKind{}, err
	}
	if head.Kind == "" {
		return schema.GroupVersionKind{}, fmt.Errorf("the object has no kind")
	}
	return head.GroupVersionKind(), nil
}

func given(raw json.RawMessage) bool {
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null"))
}

// operationOptions decodes CreateOptions, UpdateOptions, DeleteOptions or PatchOptions.
func operationOptions(raw json.RawMessage) (runtime.Object, error) {
	kind, err := typeOf(raw)
	if err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	var options runtime.Object
	switch kind.Kind {
	case "CreateOptions":
		options = &metav1.CreateOptions{}
	case "UpdateOptions":
		options = &metav1.UpdateOptions{}
	case "DeleteOptions":
		options = &metav1.DeleteOptions{}
	case "PatchOptions":
		options = &metav1.PatchOptions{}
	default:
		u := &unstructured.Unstructured{}
		return u, unmarshal(raw, &u.Object)
	}
	return options, json.Unmarshal(raw, options)
}
