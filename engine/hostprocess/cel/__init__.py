"""The CEL environment of Kubernetes and the two runtimes that evaluate in it. It knows nothing of policies or rules."""
