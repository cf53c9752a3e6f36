"""What home provinces pay and may spend, as their registry logs state it: policies and budgets.

Nothing about an amount is in code. What was enrolled, filed and cleared under them is the
settlement room's to know; this room asks it through `server.policy.ports`.
"""
