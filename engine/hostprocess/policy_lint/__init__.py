"""Lint of ValidatingAdmissionPolicies and their bindings: what the API server would refuse, and what it accepts though it will not work."""
