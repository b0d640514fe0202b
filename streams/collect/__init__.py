"""Evidence to events: one parser a kind of evidence."""
