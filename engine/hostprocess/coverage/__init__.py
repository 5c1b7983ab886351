"""What of policies their suites have put to use: collected while cases run, merged, and told as text, JSON and LCOV."""
