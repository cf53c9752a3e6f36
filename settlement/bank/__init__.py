"""What banks are told and what they show: payments as one state machine, pain.001 and camt.053.

Values in, values out: no file is opened and no clock is read here.
"""
