"""The review room: what clerks and payers submit waits here until somebody else approves it."""
