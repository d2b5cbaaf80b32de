"""Tests of child processes: start, restart, stop, what a killed run leaves behind."""
