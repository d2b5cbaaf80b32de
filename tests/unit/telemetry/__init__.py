"""Tests of metrics, log lines and the health endpoint."""
