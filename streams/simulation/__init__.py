"""Seeded synthetic traffic of an area, bad input included."""
