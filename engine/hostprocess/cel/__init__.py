"""The CEL environment of Kubernetes and the runtimes that evaluate in it. It knows nothing of policies or rules."""
