"""Proofs about all events: what a rule set can never do, and what it always does."""
