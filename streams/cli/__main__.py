"""`python -m streams.cli` is `custody`."""

from streams.cli.app import main

if __name__ == "__main__":  # a process that a replay starts imports this again
    main()
