"""The CEL libraries of Kubernetes, one module each: data for the type checker, functions for the evaluator, costs for its account."""
