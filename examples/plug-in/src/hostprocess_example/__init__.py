"""Four small plug-ins for hostprocess, one for each way to extend a check."""
