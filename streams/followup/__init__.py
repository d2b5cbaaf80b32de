"""Follow-up: what becomes of a delivery after it was delivered, and what the exchange itself has to say."""
