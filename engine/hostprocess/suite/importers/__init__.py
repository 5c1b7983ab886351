"""Suites of other tools: each module reads one format into cases of ours."""
