"""Prometheus' rules, alone and against a real Prometheus."""
