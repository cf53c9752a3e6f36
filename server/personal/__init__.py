"""The vault of persons: values under a key of each person, compared, disclosed and erased."""
