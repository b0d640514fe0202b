"""The control plane: cases and commands."""
