"""The processors: policy, routing, ledger, and the command line that composes them."""
