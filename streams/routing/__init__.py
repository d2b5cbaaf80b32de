"""The router: read outboxes, decide, deliver, audit, in one transaction a batch."""
