"""Runs the program as ``python -m clients.cli``, for processes that know only their interpreter."""

from clients.cli.main import main

if __name__ == "__main__":
    main()
