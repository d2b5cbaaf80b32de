"""The `masa` command, the composition root."""
