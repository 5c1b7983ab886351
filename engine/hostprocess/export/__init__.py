"""Rule packs as ValidatingAdmissionPolicy YAML that a cluster enforces."""
