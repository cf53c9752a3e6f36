"""The open door of a node: registry logs for readers and a witness for logs, over HTTP.

Beside the edge and apart from it: who comes here has no certificate and no name, and is shown only
what anybody may see.
"""
