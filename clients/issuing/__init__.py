"""Issuing many certificates from a spreadsheet: reading, sending, and what came of each row."""
