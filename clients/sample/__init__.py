"""The embedded sample register: generated, synthetic, the same on every machine."""
