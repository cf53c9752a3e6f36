"""Registers of institutions as provinces publish them: read as found, every defect named."""
