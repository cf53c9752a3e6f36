"""Every call's way in: the caller from its certificate, rights, deadlines, limits, errors.

Services above are plain classes whose methods take ``(request, call)`` and know no gRPC.
"""
