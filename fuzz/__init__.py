"""Fuzzing of what the kernel reads from strangers. Runs from the tree; no part of the wheel."""
