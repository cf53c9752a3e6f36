"""The names that tokens carry: issuers, the type of the credential, and status lists.

They are URIs of a scheme of the federation's own, which no web server answers: a verifier trusts
what stands in the issuer's log, not who holds a domain. A status list is had from a node or from a
bundle under this name.
"""

import re

from deltacare.credential.jws import bad_token

__all__ = [
    "CREDENTIAL_TYPE",
    "LIST_NUMBER_MAX",
    "issuer_of_uri",
    "issuer_uri",
    "parse_status_uri",
    "status_uri",
]

CREDENTIAL_TYPE = "deltacare://credentials/certificate/v1"
"""``vct`` of every certificate."""

LIST_NUMBER_MAX = 4_095
"""4,096 lists hold 4 billion certificates."""

_ISSUER = re.compile(r"deltacare://([1-9][0-9]0000)", re.ASCII)
_STATUS = re.compile(r"deltacare://([1-9][0-9]0000)/status/(0|[1-9][0-9]{0,3})", re.ASCII)


def issuer_uri(province: str) -> str:
    """Return the ``iss`` of a province."""
    return f"deltacare://{province}"


def issuer_of_uri(uri: object) -> str:
    """Return the province of an ``iss``.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    found = _ISSUER.fullmatch(uri) if isinstance(uri, str) else None
    if found is None:
        raise bad_token("The issuer is no province.")
    return found[1]


def status_uri(province: str, list_number: int) -> str:
    """Return the name of a status list."""
    return f"deltacare://{province}/status/{list_number}"


def parse_status_uri(uri: object) -> tuple[str, int]:
    """Return the province and number of a status list's name.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    found = _STATUS.fullmatch(uri) if isinstance(uri, str) else None
    if found is None or int(found[2]) > LIST_NUMBER_MAX:
        raise bad_token("The token names no status list of a province.")
    return found[1], int(found[2])
