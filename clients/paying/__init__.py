"""Paying at a client: verified accounts, the message of what is due, and what the bank shows."""
