"""Coverage as text, JSON and LCOV."""
