"""Offline verification of receipts, verdicts and statements, by a verifier's own policy."""
