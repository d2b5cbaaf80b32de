"""What stands behind the HTTP door: who may, what is shown, what is written."""
