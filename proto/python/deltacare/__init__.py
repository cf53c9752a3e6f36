"""The kernel every package stands on: values, identifiers, errors and the transparency log.

Nothing outside ``deltacare.v1`` (generated code) performs I/O, opens a connection, reads a
clock or speaks SQL; a test holds that rule.
"""
