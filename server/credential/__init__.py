"""Certificates on phones at the node: keys, status lists, issuing, and the offline bundle.

Who may call is decided at the edge, what a certificate is and whether it counts here in the room of
certification; this room gives both a form that travels.
"""
