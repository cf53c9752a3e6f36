"""Approvals by people: their keys, what makes two signatures count, and who has done which duty."""
