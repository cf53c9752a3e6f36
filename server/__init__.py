"""One province's node, from the roof (``app``) down to the ground (``store``)."""
