package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
)

type namedExpression struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

func (v *namedExpression) GetExpression() string    { return v.Expression }
func (v *namedExpression) ReturnTypes() []*cel.Type { return []*cel.Type{cel.AnyType, cel.DynType} }
func (v *namedExpression) GetName() string          { return v.Name }

// typedExpression is an expression of the kind of field that it stands in.
type typedExpression struct {
	expression string
	types      []*cel.Type
}

func (e *typedExpression) GetExpression() string    { return e.expression }
func (e *typedExpression) ReturnTypes() []*cel.Type { return e.types }

type celRequest struct {
	Expression      string            `json:"expression"`
	Kind            string            `json:"kind"`
	Variables       []namedExpression `json:"variables"`
	Object          map[string]any    `json:"object"`
	OldObject       map[string]any    `json:"oldObject"`
	Params          map[string]any    `json:"params"`
	Request         json.RawMessage   `json:"request"`
	NamespaceObject json.RawMessage   `json:"namespaceObject"`
	HasParams       bool              `json:"hasParams"`
	New             bool              `json:"new"`
	Typed           bool              `json:"typed"`
	Budget          int64             `json:"budget"`
}

// field says how the plug-in compiles and evaluates a kind of expression (compilePolicy, Validate and Match of the plug-in).
type field struct {
	types               []*cel.Type
	authorizerDeclared  bool
	authorizerBound     bool
	namespace           bool
	namespaceUnfiltered bool
	budget              int64
}

var fields = map[string]field{
	"validation":     {types: []*cel.Type{cel.BoolType}, authorizerDeclared: true, authorizerBound: true, namespace: true},
	"message":        {types: []*cel.Type{cel.StringType}, namespace: true},
	"audit":          {types: []*cel.Type{cel.StringType, cel.NullType}, authorizerDeclared: true, namespace: true, namespaceUnfiltered: true},
	"matchCondition": {types: []*cel.Type{cel.BoolType}, authorizerDeclared: true, authorizerBound: true, budget: celconfig.RuntimeCELCostBudgetMatchConditions},
	"variable":       {types: []*cel.Type{cel.AnyType, cel.DynType}, authorizerDeclared: true, authorizerBound: true, namespace: true},
}

// recordingProgram keeps what the plug-in does not hand on: the bare error and the cost of the expression without its variables.
type recordingProgram struct {
	cel.Program
	err  error
	cost *uint64
}

func (p *recordingProgram) ContextEval(ctx context.Context, vars any) (value celValue, details *cel.EvalDetails, err error) {
	value, details, err = p.Program.ContextEval(ctx, vars)
	p.err = err
	if details != nil {
		p.cost = details.ActualCost()
	}
	return value, details, err
}

func (o *oracle) cel(line json.RawMessage) (answer, error) {
	var r celRequest
	if err := unmarshal(line, &r); err != nil {
		return nil, err
	}
	kind, known := fields[r.Kind]
	if !known {
		return nil, fmt.Errorf("unknown kind of expression %q", r.Kind)
	}
	if kind.budget == 0 {
		kind.budget = celconfig.RuntimeCELCostBudget
	}
	if r.Budget > 0 {
		kind.budget = r.Budget
	}
	mode := environment.StoredExpressions
	if r.New {
		mode = environment.NewExpressions
	}
	declared := declarations(r.HasParams, kind.authorizerDeclared)
	compiler, variableErrors, err := compilerWith(r.Variables, declarations(r.HasParams, true), mode)
	if err != nil {
		return nil, err
	}
	compiled := compiler.CompileCELExpression(&typedExpression{r.Expression, kind.types}, declared, mode)
	result := answer{"compileError": "", "type": "", "value": nil, "error": "", "cost": 0, "variableErrors": variableErrors}
	if compiled.OutputType != nil {
		result["type"] = compiled.OutputType.String()
	}
	if compiled.Error != nil {
		result["compileError"] = compiled.Error.Error()
		return result, nil
	}
	return result, o.evaluate(&r, kind, compiler, compiled, result)
}

func compilerWith(variables []namedExpression, declared plugincel.OptionalVariableDeclarations, mode environment.Type) (*plugincel.CompositedCompiler, map[string]string, error) {
	compiler, err := newCompositedCompiler(len(variables) == 0)
	if err != nil {
		return nil, nil, err
	}
	errors := map[string]string{}
	for i := range variables {
		if compiled := compiler.CompileAndStoreVariable(&variables[i], declared, mode); compiled.Error != nil {
			errors[variables[i].Name] = compiled.Error.Error()
		}
	}
	return compiler, errors, nil
}

func (o *oracle) evaluate(r *celRequest, kind field, compiler *plugincel.CompositedCompiler, compiled plugincel.CompilationResult, result answer) error {
	attributes, err := r.attributes()
	if err != nil {
		return err
	}
	request, err := admissionRequest(r.Request)
	if err != nil {
		return err
	}
	var namespace *corev1.Namespace
	if kind.namespace && len(r.NamespaceObject) > 0 && string(r.NamespaceObject) != "null" {
		namespace = &corev1.Namespace{}
		if err := json.Unmarshal(r.NamespaceObject, namespace); err != nil {
			return fmt.Errorf("namespaceObject: %w", err)
		}
		if !kind.namespaceUnfiltered {
			namespace = plugincel.CreateNamespaceObject(namespace)
		}
	}
	bound := plugincel.OptionalVariableBindings{}
	if r.Params != nil {
		bound.VersionedParams = &unstructured.Unstructured{Object: r.Params}
	}
	if kind.authorizerBound {
		bound.Authorizer = o.loaded.authorizer
	}
	program := &recordingProgram{Program: compiled.Program}
	compiled.Program = program
	evaluator := newCondition([]plugincel.CompilationResult{compiled})
	results, remaining, err := evaluator.ForInput(compositionContext(compiler, context.Background()), attributes, request, bound, namespace, kind.budget)
	if program.cost != nil {
		result["ownCost"] = *program.cost
		result["cost"] = *program.cost
	}
	if err != nil {
		result["error"] = err.Error()
		return nil
	}
	result["cost"] = kind.budget - remaining
	if results[0].Error != nil {
		result["pluginError"] = results[0].Error.Error()
		result["error"] = results[0].Error.Error()
		if program.err != nil {
			result["error"] = program.err.Error()
		}
		return nil
	}
	result["value"] = jsonOf(results[0].EvalResult)
	return nil
}

// attributes wraps the objects as they are given (typed: decoded to their Go types first, as objects of built-in kinds are).
func (r *celRequest) attributes() (*admission.VersionedAttributes, error) {
	object, err := r.instance(r.Object)
	if err != nil {
		return nil, err
	}
	old, err := r.instance(r.OldObject)
	if err != nil {
		return nil, err
	}
	kind := schema.GroupVersionKind{}
	name, namespace := "", ""
	for _, given := range []map[string]any{r.OldObject, r.Object} {
		if given != nil {
			u := unstructured.Unstructured{Object: given}
			kind, name, namespace = u.GroupVersionKind(), u.GetName(), u.GetNamespace()
		}
	}
	resource := kind.GroupVersion().WithResource(strings.ToLower(kind.Kind) + "s")
	record := admission.NewAttributesRecord(object, old, kind, namespace, name, resource, "", admission.Create, nil, false, &user.DefaultInfo{Name: "oracle"})
	return versionedAttributes(record, kind, object, old), nil
}

func (r *celRequest) instance(given map[string]any) (runtime.Object, error) {
	if given == nil {
		return nil, nil
	}
	u := &unstructured.Unstructured{Object: given}
	if !r.Typed {
		return u, nil
	}
	return typedObject(u)
}

// admissionRequest decodes request as the plug-in builds it: options are an object, not bytes.
func admissionRequest(given json.RawMessage) (*admissionv1.AdmissionRequest, error) {
	request := &admissionv1.AdmissionRequest{}
	if len(given) == 0 || string(given) == "null" {
		return request, nil
	}
	if err := json.Unmarshal(given, request); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if raw := request.Options.Raw; len(raw) > 0 {
		options, err := operationOptions(raw)
		if err != nil {
			return nil, err
		}
		request.Options = runtime.RawExtension{Object: options}
	}
	return request, nil
}
