"""Generated from ``proto/deltacare/v1``; never edited."""
