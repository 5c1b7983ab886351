"""Objects of a running cluster, read through the official Python client. Loaded by `hostprocess check --cluster` only; see docs/live-clusters.md."""
