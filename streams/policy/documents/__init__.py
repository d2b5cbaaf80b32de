"""The papers of an arrangement, written from its compiled rule set, so that paper and code agree (A-09, A-10)."""
