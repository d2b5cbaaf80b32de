"""The contract: Avro schemas, their catalogue, and what reads and writes them."""
