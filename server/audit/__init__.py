"""The audit room: who was denied and what was disclosed, in a log that cannot be rewritten."""
