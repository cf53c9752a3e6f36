"""Certificates on a phone: SD-JWT VC, status lists and the offline bundle, as pure values.

Bytes in, verified values out. Nothing here reads a clock, a file, a log or a network; keys and the
moment are passed in. What a province recognises is not decided here: a bundle carries the answers
that the node's own rules gave.
"""
