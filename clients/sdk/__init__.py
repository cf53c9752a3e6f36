"""The SDK: how programs, the command line and partner nodes reach a node.

Everything goes over mTLS with the contract's generated stubs; every failure comes back as one of
``deltacare.errors``.
"""
