"""The demonstration: four nodes, registers, a month filed from both sides, and the nights."""
