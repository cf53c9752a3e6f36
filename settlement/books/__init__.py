"""The books of one province: double entry from what its logs say, as pure values."""
