"""The conformance kit: plays the exchange to a supplier's system and judges what it does."""
