"""Tests of the HTTP door in memory."""
