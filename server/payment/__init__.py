"""Payments: advances, orders to banks, and what banks show of them.

Rules are numbered Z01 to Z30 in ``rules.py``. Where a payment stands is `settlement.bank.payments`.
"""
