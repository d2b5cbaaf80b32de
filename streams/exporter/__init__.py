"""What `masa exporter` measures: an exchange seen from outside."""
