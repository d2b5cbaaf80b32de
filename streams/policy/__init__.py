"""The pure policy core: area files in, decisions with reasons out."""
