"""Disputes on lines of a pair (差错单): raised, answered, escalated, closed; never by silence."""
