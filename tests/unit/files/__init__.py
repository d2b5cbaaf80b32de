"""Files of agencies read into events."""
