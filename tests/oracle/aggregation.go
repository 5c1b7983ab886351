package main

import (
	"context"
	"sort"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// aggregateClusterRoles fills in the rules of aggregated ClusterRoles, as the controller manager does, until nothing changes any more: `admin`
// takes what `edit` has taken. A role that selects nothing among the objects given keeps its rules, which it has from roles that are not given.
func (c *loadedCluster) aggregateClusterRoles() error {
	client := c.client.RbacV1().ClusterRoles()
	list, err := client.List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	roles := list.Items
	sort.Slice(roles, func(i, j int) bool { return roles[i].Name < roles[j].Name })
	for changed := true; changed; {
		changed = false
		for i := range roles {
			rules, err := aggregated(&roles[i], roles)
			if err != nil {
				return err
			}
			if len(rules) == 0 || equality.Semantic.DeepEqual(rules, roles[i].Rules) {
				continue
			}
			roles[i].Rules, changed = rules, true
			if _, err := client.Update(context.Background(), &roles[i], metav1.UpdateOptions{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// aggregated gives the rules of the roles that a role selects, each once.
func aggregated(role *rbacv1.ClusterRole, roles []rbacv1.ClusterRole) ([]rbacv1.PolicyRule, error) {
	var rules []rbacv1.PolicyRule
	if role.AggregationRule == nil {
		return nil, nil
	}
	for i := range role.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&role.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			return nil, err
		}
		for _, other := range roles {
			if other.Name == role.Name || !selector.Matches(labels.Set(other.Labels)) {
				continue
			}
			for _, rule := range other.Rules {
				if !contains(rules, rule) {
					rules = append(rules, rule)
				}
			}
		}
	}
	return rules, nil
}

func contains(rules []rbacv1.PolicyRule, sought rbacv1.PolicyRule) bool {
	for _, rule := range rules {
		if equality.Semantic.DeepEqual(rule, sought) {
			return true
		}
	}
	return false
}
