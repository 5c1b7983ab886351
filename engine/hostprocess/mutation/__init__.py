"""Mutation testing of policies: small faults are put into them one by one, and suites that notice none of it are told what they miss."""
