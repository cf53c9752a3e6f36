"""The federation's metadata on disk, and the ceremony by which four offices agree on a new one."""
