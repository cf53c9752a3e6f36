"""Whole logs at the client: read from a node or a directory, verified, and written as tiles."""
