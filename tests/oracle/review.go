package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

type denial struct {
	Policy          string `json:"policy"`
	Binding         string `json:"binding"`
	Message         string `json:"message"`
	Reason          string `json:"reason"`
	Code            int32  `json:"code"`
	ExpressionIndex *int   `json:"expressionIndex,omitempty"`
}

// auditedAttributes keeps the audit annotations.
type auditedAttributes struct {
	admission.Attributes
	annotations map[string]string
}

func (a *auditedAttributes) AddAnnotation(key, value string) error {
	if err := a.Attributes.AddAnnotation(key, value); err != nil {
		return err
	}
	a.annotations[key] = value
	return nil
}

func (o *oracle) review(line json.RawMessage) (answer, error) {
	var r struct {
		Request  writing  `json:"request"`
		Policies []string `json:"policies"`
		Raw      bool     `json:"raw"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	w := &r.Request
	prepare := o.pass
	if r.Raw {
		prepare = o.passRaw
	}
	if err := prepare(w); err != nil {
		return nil, err
	}
	result := answer{"allowed": false, "status": nil, "denials": []denial{}, "warnings": []string{}, "auditAnnotations": map[string]string{},
		"object": nil, "oldObject": nil, "decodeError": w.decodeError, "errors": listed(w.errors), "admitWarnings": listed(w.warnings)}
	if w.decodeError != "" || len(w.errors) > 0 {
		return result, nil
	}
	for name, object := range map[string]runtime.Object{"object": w.object, "oldObject": w.old} {
		seen, err := plain(object, w.target.kind)
		if err != nil {
			return nil, err
		}
		if object != nil {
			result[name] = seen
		}
	}
	hooks := o.loaded.source.named(r.Policies)
	warned := &recorder{}
	started := time.Now()
	annotations, err := o.dispatch(w, hooks, warned)
	result["dispatchNanoseconds"] = time.Since(started).Nanoseconds()
	result["warnings"], result["auditAnnotations"] = listed(warned.texts), annotations
	result["allowed"] = err == nil
	if err != nil {
		result["status"] = statusOf(err)
		result["denials"] = o.denials(w, hooks)
	}
	return result, nil
}

// dispatch sends the request through the plug-in, which is shown these hooks only.
func (o *oracle) dispatch(w *writing, hooks []validating.PolicyHook, warned *recorder) (map[string]string, error) {
	o.loaded.source.shown = hooks
	defer func() { o.loaded.source.shown = nil }()
	attributes := &auditedAttributes{Attributes: w.attributes(), annotations: map[string]string{}}
	ctx := warning.WithWarningRecorder(context.Background(), warned)
	if !o.loaded.policies.Handles(w.Operation) {
		return attributes.annotations, nil
	}
	err := o.loaded.policies.Dispatch(ctx, attributes, o.loaded.interfaces)
	return attributes.annotations, err
}

func statusOf(err error) metav1.Status {
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		return status.Status()
	}
	return metav1.Status{Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Reason: metav1.StatusReasonInternalError, Message: err.Error()}
}

// recordingValidator keeps what the validator of a policy says, which the dispatcher reduces to the first denial.
type recordingValidator struct {
	validating.Validator
	results []validating.ValidateResult
}

func (v *recordingValidator) Validate(ctx context.Context, matchedResource schema.GroupVersionResource, versionedAttr *admission.VersionedAttributes,
	versionedParams runtime.Object, namespace *corev1.Namespace, runtimeCELCostBudget int64, authz theAuthorizer) validating.ValidateResult {
	result := v.Validator.Validate(ctx, matchedResource, versionedAttr, versionedParams, namespace, runtimeCELCostBudget, authz)
	v.results = append(v.results, result)
	return result
}

// denials asks for one binding after the other, so that each tells its denials and not only the first of all.
func (o *oracle) denials(w *writing, hooks []validating.PolicyHook) []denial {
	result := []denial{}
	for _, hook := range hooks {
		// What is wrong with a policy as a whole is said once, not once for each binding.
		seen := map[string]bool{}
		for _, binding := range hook.Bindings {
			one := hook
			one.Bindings = []*validating.PolicyBinding{binding}
			validator := &recordingValidator{Validator: hook.Evaluator}
			one.Evaluator = validator
			_, err := o.dispatch(w, []validating.PolicyHook{one}, &recorder{})
			if err == nil {
				continue
			}
			found := denialsOf(hook.Policy.Name, binding, validator.results)
			if len(found) == 0 {
				fault := faultOf(hook.Policy.Name, binding.Name, statusOf(err))
				if fault.Binding != "" || !seen[fault.Message] {
					found = []denial{fault}
				}
				seen[fault.Message] = true
			}
			result = append(result, found...)
		}
	}
	return result
}

// faultOf reads the denial that comes of a fault in a policy (then no binding is named) or in a binding.
func faultOf(policy, binding string, status metav1.Status) denial {
	result := denial{Policy: policy, Message: status.Message, Reason: string(status.Reason), Code: status.Code}
	if status.Details == nil || len(status.Details.Causes) == 0 {
		return result // not of the policy: its Namespace could not be read
	}
	cause := status.Details.Causes[len(status.Details.Causes)-1].Message
	if message, ok := strings.CutPrefix(cause, fmt.Sprintf("ValidatingAdmissionPolicy '%s' with binding '%s' denied request: ", policy, binding)); ok {
		result.Binding, result.Message = binding, message
	} else if message, ok := strings.CutPrefix(cause, fmt.Sprintf("ValidatingAdmissionPolicy '%s' denied request: ", policy)); ok {
		result.Message = message
	}
	return result
}

func denialsOf(policy string, binding *validating.PolicyBinding, results []validating.ValidateResult) []denial {
	denies := false
	for _, action := range binding.Spec.ValidationActions {
		denies = denies || action == admissionregistrationv1.Deny
	}
	var found []denial
	add := func(message string, reason metav1.StatusReason, index *int) {
		if reason == "" {
			reason = metav1.StatusReasonInvalid
		}
		found = append(found, denial{Policy: policy, Binding: binding.Name, Message: message, Reason: string(reason), Code: codeOf(reason), ExpressionIndex: index})
	}
	for _, result := range results {
		for i, decision := range result.Decisions {
			if denies && decision.Action == validating.ActionDeny {
				add(decision.Message, decision.Reason, &i)
			}
		}
		for _, annotation := range result.AuditAnnotations {
			if annotation.Action == validating.AuditAnnotationActionError {
				add(annotation.Error, "", nil)
			}
		}
	}
	return found
}

// passRaw takes the objects as they are: only decoded to their types, with no defaults and no checks.
func (o *oracle) passRaw(w *writing) error {
	if err := o.aim(w); err != nil {
		return err
	}
	var err error
	if w.object, err = rawObject(w.Object); err != nil {
		return err
	}
	w.old, err = rawObject(w.OldObject)
	return err
}

func rawObject(raw json.RawMessage) (runtime.Object, error) {
	if !given(raw) {
		return nil, nil
	}
	u := &unstructured.Unstructured{}
	if err := unmarshal(raw, &u.Object); err != nil {
		return nil, err
	}
	typed, err := typedObject(u)
	if _, custom := typed.(*unstructured.Unstructured); custom || err != nil {
		return typed, err
	}
	internal, err := legacyscheme.Scheme.New(schema.GroupVersionKind{Group: u.GroupVersionKind().Group, Version: runtime.APIVersionInternal, Kind: u.GetKind()})
	if err != nil {
		return nil, err
	}
	return internal, legacyscheme.Scheme.Convert(typed, internal, nil)
}
