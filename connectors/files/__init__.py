"""Files of agencies' systems (CSV, JSON, XML) read into events by a declarative mapping."""
