"""`python -m streams.cli` is `custody`."""

from streams.cli.app import main

main()
