"""Exceptions: findings that somebody has agreed to, for a reason and for a time, in a reviewed file or on the object itself."""
