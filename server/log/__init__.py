"""Logs: sequencing the own ones, mirroring and witnessing the others'.

Rooms above say what entries mean through the ports in ``server.log.ports``; nothing here knows.
"""
