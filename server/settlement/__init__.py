"""Settlement and the night: enrolments, records of both sides, day closes, results, statements.

What is money, how lines are classed and how flows net is decided in the package ``settlement``;
this room files, loads what a night needs, runs it and states its result.
"""
