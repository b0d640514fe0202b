"""The sample day on the real stack: one for all that look at it."""
