"""What Kubernetes knows: reading manifests as it would, where things stand in them, kinds, selectors."""
