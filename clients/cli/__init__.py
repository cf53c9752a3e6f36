"""The command line: thin commands over the SDK, the clearing core and the clerk's files."""
