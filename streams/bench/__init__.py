"""`masa bench`: measured against raw librdkafka in the same run."""
