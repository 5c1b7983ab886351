"""Reports: one small module a format; each sees only the `Report`."""
