"""A simulated network of mail systems that lie, lose and delay, with the truth written beside it."""
