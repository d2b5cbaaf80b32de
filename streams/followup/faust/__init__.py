"""Silent agencies, cumulative patterns and live aggregates: a Faust application on a repaired transport."""
