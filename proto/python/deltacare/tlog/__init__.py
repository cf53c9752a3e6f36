"""The transparency log: tree, proofs, tiles, notes, checkpoints, cosignatures and receipts.

Everything here works on bytes and values that are passed in; who stores, serves and fetches them
is decided elsewhere. Formats are those of https://c2sp.org and RFC 6962, so that tools which are
not ours can check what a node signs.
"""
