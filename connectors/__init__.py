"""Everything outside the exchange: Kafka, PostgreSQL, metrics, settings."""
