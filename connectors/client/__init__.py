"""What an agency's own software needs: how an event becomes an outbox record."""
