"""Recall: deliveries taken back, corrected, narrowed, quarantined or frozen (P-13, P-14, I-05, I-06)."""
