"""Everything that reaches a node by gRPC: the SDK, the command line, the demo."""
