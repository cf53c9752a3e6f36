"""Supervision across provinces: inspections, measures, rectification, and what follows from each.

A measure is an entry of the province that took it, and so are its report of mending and its lift.
What follows for listings and recognition is a table of rules; the rooms above ask it.
"""
