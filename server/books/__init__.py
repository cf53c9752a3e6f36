"""The own province's books: what logs say as double entry, and months that close."""
