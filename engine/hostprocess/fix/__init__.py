"""Fixes: the changes that rules propose, made in the text of manifests, and judged again."""
