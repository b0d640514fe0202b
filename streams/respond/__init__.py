"""The control plane: cases, policies, commands."""
