"""Certificates of caregivers and institutions, and whether they count in a province.

Rests on the registry room for agreements. Who may call is for the edge.
"""
