"""The clearing core: what a night is, as expressions and plain values; it touches nothing outside.

Nothing here reads a file, a clock or a network, and nothing runs a query: `settlement.engine` does.
"""
