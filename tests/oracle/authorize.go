package main

import (
	"context"
	"encoding/json"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/client-go/informers"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

// rbacAuthorizer is the authorizer of a server with --authorization-mode=RBAC: system:masters may do all, others what the RBAC objects allow.
func rbacAuthorizer(factory informers.SharedInformerFactory) (authorizer.Authorizer, error) {
	listers := factory.Rbac().V1()
	rules := rbac.New(
		&rbac.RoleGetter{Lister: listers.Roles().Lister()},
		&rbac.RoleBindingLister{Lister: listers.RoleBindings().Lister()},
		&rbac.ClusterRoleGetter{Lister: listers.ClusterRoles().Lister()},
		&rbac.ClusterRoleBindingLister{Lister: listers.ClusterRoleBindings().Lister()},
	)
	return unionOf(authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup), rules)
}

func (o *oracle) authorize(line json.RawMessage) (answer, error) {
	var r struct {
		Attributes struct {
			User        string              `json:"user"`
			Groups      []string            `json:"groups"`
			Extra       map[string][]string `json:"extra"`
			Verb        string              `json:"verb"`
			Namespace   string              `json:"namespace"`
			Group       string              `json:"group"`
			Version     string              `json:"version"`
			Resource    string              `json:"resource"`
			Subresource string              `json:"subresource"`
			Name        string              `json:"name"`
			Path        string              `json:"path"`
		} `json:"attributes"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, err
	}
	a := r.Attributes
	record := authorizer.AttributesRecord{
		User:            &user.DefaultInfo{Name: a.User, Groups: a.Groups, Extra: a.Extra},
		Verb:            a.Verb,
		Namespace:       a.Namespace,
		APIGroup:        a.Group,
		APIVersion:      a.Version,
		Resource:        a.Resource,
		Subresource:     a.Subresource,
		Name:            a.Name,
		Path:            a.Path,
		ResourceRequest: a.Path == "",
	}
	decision, reason, err := o.loaded.authorizer.Authorize(context.Background(), record)
	result := answer{"allowed": decision == authorizer.DecisionAllow, "reason": reason, "error": ""}
	if err != nil {
		result["error"] = err.Error()
	}
	return result, nil
}

// loadBootstrapRBAC adds the roles and bindings that the server makes when it starts; roles given by the request take precedence.
func (c *loadedCluster) loadBootstrapRBAC(seen map[string]bool) error {
	for _, role := range bootstrappolicy.ClusterRoles() {
		if !seen["clusterroles//"+role.Name] {
			if err := c.client.Tracker().Add(&role); err != nil {
				return err
			}
		}
	}
	for _, binding := range bootstrappolicy.ClusterRoleBindings() {
		if !seen["clusterrolebindings//"+binding.Name] {
			if err := c.client.Tracker().Add(&binding); err != nil {
				return err
			}
		}
	}
	return c.loadBootstrapNamespaced(seen)
}

func (c *loadedCluster) loadBootstrapNamespaced(seen map[string]bool) error {
	roles, bindings := bootstrappolicy.NamespaceRoles(), bootstrappolicy.NamespaceRoleBindings()
	for namespace, items := range roles {
		for _, role := range items {
			role.Namespace = namespace
			if !seen["roles/"+namespace+"/"+role.Name] {
				if err := c.client.Tracker().Add(&role); err != nil {
					return err
				}
			}
		}
	}
	for namespace, items := range bindings {
		for _, binding := range items {
			binding.Namespace = namespace
			if !seen["rolebindings/"+namespace+"/"+binding.Name] {
				if err := c.client.Tracker().Add(&binding); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
