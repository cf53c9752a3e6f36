"""Opens an offline bundle by a verifier's own policy; reaches no node and no network.

The node's word is taken only under its key for verdicts, an issuer's key only under a receipt of
its log with the quorum that the policy demands, a status list only under such a key. What of one
issuer cannot be trusted takes nothing from the others: its certificates are refused, and why is
kept.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime

from clients.verify.receipt import prove
from clients.verify.trusting import Trusting
from deltacare.credential.bundle import (
    BundleContent,
    BundleKey,
    OfflineBundle,
    content_digest,
    digest_of_text,
)
from deltacare.credential.jws import VerifyingKey, decode_b64url, parse_object
from deltacare.credential.offline import TrustedBundle, TrustedKey
from deltacare.credential.status_list import StatusListToken
from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.evidence import EvidenceReceipt
from deltacare.ids import LogName
from deltacare.trust import verdict_key_name
from deltacare.v1.entry_pb2 import CredentialKey

__all__ = ["signed_time", "trusted_bundle"]

_SECONDS_MAX = 32_472_143_999  # the end of the year 2998


def signed_time(token: str) -> datetime:
    """Return when a status list says that its issuer signed it; verified by nobody here.

    Raises:
        PeerFault: If it is no token, or does not say so.
    """
    _, _, rest = token.partition(".")
    payload = decode_b64url(rest.partition(".")[0], "The payload")
    said = parse_object(payload, "The payload").get("iat")
    if type(said) is not int or not 0 <= said <= _SECONDS_MAX:
        raise _bad("A status list does not say when it was signed.")
    return datetime.fromtimestamp(said, UTC)


def trusted_bundle(data: bytes, trusting: Trusting) -> TrustedBundle:
    """Return what of a bundle is trusted.

    1. It is a bundle. 2. The node's key for verdicts signed its content, at no time still to come.
    3. Keys, each under a receipt of its issuer's log. 4. Status lists, each by such a key.

    Args:
        data: The file.
        trusting: The verifier's policies.

    Raises:
        PeerFault: ``BAD_PROOF``, or as for the note; the whole bundle is then refused.
    """
    # 1. The form.
    bundle = OfflineBundle.from_bytes(data)
    content = bundle.content
    # 2. The node's word.
    note = trusting.note(bundle.note)
    if note.text.partition("\n")[0] != verdict_key_name(content.host):
        raise _bad("The bundle is signed by the key of another province.")
    if digest_of_text(note.text) != content_digest(content):
        raise _bad("The content of the bundle is not what its node signed.")
    trusting.require_past(content.made_time, "The bundle")
    # 3. Keys.
    faults: dict[str, PeerFault] = {}
    keys: dict[str, dict[str, TrustedKey]] = {}
    for said, receipt in zip(content.keys, bundle.receipts, strict=True):
        try:
            keys.setdefault(said.issuer, {})[said.key_id] = _key(said, receipt, trusting)
        except PeerFault as fault:
            faults[said.issuer] = fault
    # 4. Status lists.
    lists: dict[tuple[str, int], StatusListToken] = {}
    for position, token in enumerate(bundle.tokens):
        issuer = content.lists[position].issuer
        try:
            listed = _list(content, position, token, keys.get(issuer, {}))
            lists[issuer, listed.list_number] = listed
        except PeerFault as fault:
            faults.setdefault(issuer, fault)
    return TrustedBundle(content=content, keys=keys, lists=lists, faults=faults)


def _key(said: BundleKey, receipt: EvidenceReceipt, trusting: Trusting) -> TrustedKey:
    """Return a key whose entry stands in its issuer's log and says what the node says of it."""
    try:
        proved = prove(receipt, trusting)
    except PeerFault:
        raise
    except DeltacareError as error:  # of a suite that this installation lacks
        raise PeerFault(error.reason, error.message, details=dict(error.details)) from None
    body = proved.entry.credential_key
    if (
        proved.proved.log != str(LogName.registry(said.issuer))
        or proved.entry.WhichOneof("body") != "credential_key"
        or (body.key_id, body.from_date) != (said.key_id, said.from_date.isoformat())
    ):
        raise _bad(f"The receipt of a key of {said.issuer} proves something else.")
    return TrustedKey(
        key=VerifyingKey.from_der(body.public_key),
        from_date=said.from_date,
        until_date=_shorter(said, body),
    )


def _shorter(said: BundleKey, body: CredentialKey) -> date | None:
    """Return the last day of a key: that of its entry, unless the node knows an earlier one."""
    own = date.fromisoformat(body.until_date) if body.until_date else None
    days = [day for day in (own, said.until_date) if day is not None]
    return min(days, default=None)


def _list(
    content: BundleContent, position: int, token: str, keys: Mapping[str, TrustedKey]
) -> StatusListToken:
    """Return a list that its issuer signed, by a key that signs on the day of the list."""
    said = content.lists[position]
    if hashlib.sha256(token.encode()).hexdigest() != said.token_sha256:
        raise _bad("A status list is not the one that the node put there.")
    listed = StatusListToken.open(token, {name: each.key for name, each in keys.items()})
    if (listed.issuer, listed.list_number) != (said.issuer, said.list_number):
        raise _bad("A status list is another one than the node says.")
    key = keys[listed.key_id]
    day = listed.on_date
    if day < key.from_date or (key.until_date is not None and day > key.until_date):
        raise _bad("A status list is signed by a key that does not sign on its day.")
    return listed


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_SIGNATURE, message)
