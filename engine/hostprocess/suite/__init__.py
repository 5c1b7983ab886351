"""Test suites of policies: `*.test.yaml` files. See docs/writing-rules.md for the format."""
