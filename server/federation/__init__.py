"""Who belongs to the federation, who a caller is, and the way to the partners' nodes."""
