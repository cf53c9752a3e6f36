"""What is wrong with a node, on which side, and what mends it: small checks, each a typed finding.

The checks are pure: they judge what was gathered, at an instant that is given. Gathering (files,
database, the running node, its partners) stands in ``files``, ``book``, ``asking`` and ``seen``;
nothing here changes anything.
"""
