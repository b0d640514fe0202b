"""The Faust app: which roles run in this process; the only place where a port meets an adapter."""
