"""Kafka: settings, provisioning, transactions, readers, the local broker."""
