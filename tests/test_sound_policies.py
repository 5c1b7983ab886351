"""Policies as people write them, sound ones: lint finds nothing in them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hostprocess.model import Origin, Resource
from hostprocess.policy_lint.linter import lint_resources

HEAD = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: p}}
spec:
{0}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: p-binding}}
spec: {{policyName: p, validationActions: [Deny]}}
"""
PODS = """\
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods, pods/ephemeralcontainers]}
"""
WORKLOADS = """\
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods, pods/ephemeralcontainers, replicationcontrollers]}
      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments, replicasets, daemonsets, statefulsets]}
      - {apiGroups: [batch], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [jobs, cronjobs]}
"""
SOUND = {
    "replicas": """\
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  validations:
    - expression: object.spec.replicas <= 5
      messageExpression: "'too many replicas: ' + string(object.spec.replicas)"
""",
    "environment": """\
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  variables:
    - name: environment
      expression: "'environment' in namespaceObject.metadata.labels ? namespaceObject.metadata.labels['environment'] : 'prod'"
    - name: exempt
      expression: "has(object.metadata.labels) && 'exempt' in object.metadata.labels && object.metadata.labels['exempt'] == 'true'"
    - name: containers
      expression: object.spec.template.spec.containers + object.spec.template.spec.?initContainers.orValue([])
    - name: toCheck
      expression: "variables.containers.filter(c, c.image.contains('example.com/'))"
  validations:
    - expression: "variables.exempt || variables.toCheck.all(c, c.image.startsWith(variables.environment + '.'))"
      messageExpression: "'only ' + variables.environment + ' images are allowed in namespace ' + namespaceObject.metadata.name"
""",
    "privileged": PODS
    + """\
  variables:
    - name: all
      expression: object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])
  validations:
    - expression: "variables.all.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || c.securityContext.privileged == false)"
      message: privileged containers are not allowed
      reason: Forbidden
    - expression: "variables.all.all(c, c.?securityContext.?allowPrivilegeEscalation.orValue(true) == false)"
    - expression: >-
        variables.all.all(c, has(c.securityContext) && has(c.securityContext.capabilities) && has(c.securityContext.capabilities.drop)
        && c.securityContext.capabilities.drop.exists(x, x == 'ALL'))
""",
    "switch of kinds": WORKLOADS
    + """\
  matchConditions:
    - {name: not-kubelet, expression: "!('system:nodes' in request.userInfo.groups)"}
    - {name: not-system, expression: "!object.metadata.name.startsWith('system-')"}
  variables:
    - name: podSpec
      expression: >-
        object.kind == 'Pod' ? object.spec
        : object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.spec
        : object.spec.template.spec
    - name: containers
      expression: >-
        (has(variables.podSpec.containers) ? variables.podSpec.containers : []) +
        (has(variables.podSpec.initContainers) ? variables.podSpec.initContainers : []) +
        (has(variables.podSpec.ephemeralContainers) ? variables.podSpec.ephemeralContainers : [])
    - name: bad
      expression: "variables.containers.filter(c, !has(c.resources.limits) || !('memory' in c.resources.limits)).map(c, c.name)"
  validations:
    - expression: "!has(variables.podSpec.hostNetwork) || variables.podSpec.hostNetwork == false"
    - expression: "variables.bad.size() == 0"
      messageExpression: "'no memory limit: ' + variables.bad.join(', ')"
    - expression: "!has(variables.podSpec.volumes) || variables.podSpec.volumes.all(v, !has(v.hostPath) || v.hostPath.path.startsWith('/var/log'))"
  auditAnnotations:
    - {key: bad, valueExpression: "variables.bad.join(',')"}
""",
    "lists of kinds": WORKLOADS.replace("replicationcontrollers", "services")
    + """\
  validations:
    - expression: "object.kind != 'Pod' || object.spec.?hostPID.orValue(false) == false"
    - expression: >-
        ['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job'].all(kind, object.kind != kind) ||
        object.spec.template.spec.?hostPID.orValue(false) == false
    - expression: "object.kind != 'CronJob' || object.spec.jobTemplate.spec.template.spec.?hostPID.orValue(false) == false"
    - expression: "object.kind != 'Service' || object.spec.type != 'NodePort'"
""",
    "shape of kinds": WORKLOADS
    + """\
  variables:
    - name: template
      expression: "has(object.spec.jobTemplate) ? object.spec.jobTemplate.spec.template : has(object.spec.template) ? object.spec.template : object"
  validations:
    - expression: "!has(variables.template.spec.hostIPC) || variables.template.spec.hostIPC == false"
""",
    "shape of labels": """\
  matchConstraints:
    resourceRules:
      - {apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE], resources: [networkpolicies, ingresses]}
  validations:
    - expression: "has(object.spec.ingressClassName) ? object.spec.ingressClassName == 'nginx' : true"
""",
    "what must not change": """\
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [services]}]
  validations:
    - expression: "oldObject == null || object.spec.type == oldObject.spec.type"
    - expression: "object.spec.?selector.orValue({}) == oldObject.spec.?selector.orValue({})"
    - expression: "object.metadata.?annotations[?'owner'].orValue('') == oldObject.metadata.?annotations[?'owner'].orValue('')"
""",
    "who may do it": PODS
    + """\
  validations:
    - expression: >-
        !has(object.spec.serviceAccountName) || object.spec.serviceAccountName == 'default' ||
        authorizer.group('').resource('serviceaccounts').namespace(request.namespace).name(object.spec.serviceAccountName).check('use').allowed()
    - expression: >-
        request.userInfo.username.startsWith('system:') || !has(object.spec.priorityClassName) ||
        !object.spec.priorityClassName.startsWith('system-')
""",
    "ingresses": """\
  matchConstraints:
    resourceRules: [{apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [ingresses]}]
  validations:
    - expression: "!has(object.spec.rules) || object.spec.rules.all(r, has(r.host) && r.host.endsWith('.example.com'))"
    - expression: "object.spec.?tls.orValue([]).all(t, t.?hosts.orValue([]).all(h, !h.contains('*')))"
""",
    "quantities": """\
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [persistentvolumeclaims]}]
  validations:
    - expression: >-
        !has(object.spec.resources.requests) || !('storage' in object.spec.resources.requests) ||
        quantity(object.spec.resources.requests['storage']).compareTo(quantity('100Gi')) <= 0
""",
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_policies_have_no_finding(name: str) -> None:
    text = HEAD.format(SOUND[name].rstrip())
    values: list[dict[str, Any]] = list(yaml.safe_load_all(text))
    found = lint_resources([Resource(object=value, origin=Origin(path="policy.yaml", text=yaml.safe_dump(value))) for value in values], [], 37)
    assert [f"{one.check} {one.field}: {one.message}" for one in found] == []
