"""Phone forms: made, shown in part, bound to a phone, read by PyPI sd-jwt, and forged."""

import base64
import json
from datetime import timedelta
from secrets import token_bytes
from typing import Any

import pytest
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]  # no stubs
from sd_jwt.verifier import SDJWTVerifier  # type: ignore[import-untyped]  # no stubs

from deltacare.credential.certificate import CERTIFICATE_TYPE, Question, open_certificate
from deltacare.credential.jws import SigningKey, b64url, sign_jws
from deltacare.credential.sd_jwt import Disclosure, Presentation, present
from deltacare.errors import PeerFault, Reason
from tests.deltacare.credential.conftest import NAME, NOW, Issuer, Keys


def refused(text: str, keys: Keys, **asked: Any) -> str:
    """Return why a phone form is refused."""
    with pytest.raises(PeerFault) as caught:
        open_certificate(text, keys, now=NOW, **asked)
    assert Reason.BAD_SIGNATURE is caught.value.reason
    return caught.value.message


def claims_of(text: str) -> dict[str, Any]:
    """Return the claims of a phone form, unverified."""
    part = text.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def test_opens_to_what_was_made(issuer: Issuer, keys: Keys) -> None:
    """With the name and without it; the name stands nowhere in what is signed."""
    whole = issuer.mint()
    shown = open_certificate(whole, keys, now=NOW)
    assert ("320000-C1", "三级", 5, NAME) == (
        shown.certificate.certificate_no,
        shown.certificate.grade,
        shown.certificate.status_index,
        shown.holder_name,
    )
    bare = present(whole, (), typ=CERTIFICATE_TYPE)
    assert None is open_certificate(bare, keys, now=NOW).holder_name
    assert NAME not in json.dumps(claims_of(bare), ensure_ascii=False)


def test_second_list(issuer: Issuer, keys: Keys) -> None:
    """A certificate beyond the first million names the second list."""
    shown = open_certificate(issuer.mint(status_index=1_048_576 + 3), keys, now=NOW)
    assert (1, 3) == (shown.certificate.list_number, shown.certificate.place)


def test_stock_library_agrees(issuer: Issuer) -> None:
    """PyPI sd-jwt verifies it and finds the same claims."""
    key = JWK(**issuer.key.verifying.to_jwk())
    payload = SDJWTVerifier(issuer.mint(), lambda *_: key).get_verified_payload()
    assert (NAME, "320000-C1", "deltacare://320000") == (
        payload["holder_name"],
        payload["certificate_no"],
        payload["iss"],
    )


def test_key_binding(issuer: Issuer, keys: Keys) -> None:
    """The phone's answer counts for this verifier, this question, this moment and this form."""
    phone, question = (
        SigningKey.from_secret(token_bytes(32)),
        Question(audience="gate-1", nonce="n-1"),
    )
    whole = issuer.mint(holder=phone.verifying)

    def answer(**changes: Any) -> str:
        asked = {"audience": "gate-1", "nonce": "n-1", "now": NOW, "holder": phone, **changes}
        return present(whole, ("holder_name",), typ=CERTIFICATE_TYPE, **asked)

    assert open_certificate(answer(), keys, now=NOW, question=question).is_bound
    for changes in (
        {"nonce": "n-2"},
        {"audience": "gate-2"},
        {"now": NOW - timedelta(minutes=6)},
        {"holder": SigningKey.from_secret(token_bytes(32))},
    ):
        refused(answer(**changes), keys, question=question)
    # The answer of a form with the name does not serve one without.
    head, binding = whole.partition("~")[0], answer().rpartition("~")[2]
    refused(f"{head}~{binding}", keys, question=question)
    refused(present(whole, (), typ=CERTIFICATE_TYPE), keys, question=question)
    refused(issuer.mint(), keys, question=question)


def test_forged(issuer: Issuer, keys: Keys) -> None:
    """Every altered character is found: in header, payload, signature and disclosure."""
    whole = issuer.mint()
    for position in range(0, len(whole), 7):
        old = whole[position]
        new = "A" if old != "A" else "B"
        refused(whole[:position] + new + whole[position + 1 :], keys)


def test_hostile_headers(issuer: Issuer, keys: Keys) -> None:
    """No other algorithm, no key of its own, nothing critical, no other type."""
    payload, rest = issuer.mint().split(".", 2)[1], issuer.mint().partition("~")[2]
    name = {"kid": issuer.key.key_id}
    for header in (
        {"alg": "none", "typ": CERTIFICATE_TYPE},
        {"alg": "HS256", "typ": CERTIFICATE_TYPE},
        {"alg": "ES256", "typ": "JWT"},
        {"alg": "ES256", "typ": CERTIFICATE_TYPE, "crit": ["exp"]},
        {
            "alg": "ES256",
            "typ": CERTIFICATE_TYPE,
            "jwk": SigningKey.from_secret(token_bytes(32)).verifying.to_jwk(),
        },
        {"alg": "ES256", "typ": CERTIFICATE_TYPE, "kid": "../../etc/passwd"},
    ):
        refused(signed_under({**name, **header}, payload, issuer, rest), keys)
    good = signed_under({"alg": "ES256", "typ": CERTIFICATE_TYPE, **name}, payload, issuer, rest)
    assert NAME == open_certificate(good, keys, now=NOW).holder_name


def signed_under(header: dict[str, Any], payload: str, issuer: Issuer, rest: str) -> str:
    """Return a payload that the issuer really signed under a header, with disclosures."""
    signing_input = f"{b64url(json.dumps(header).encode())}.{payload}"
    return f"{signing_input}.{b64url(issuer.key.sign(signing_input.encode()))}~{rest}"


def test_a_name_twice(issuer: Issuer, keys: Keys) -> None:
    """A header in which a name stands twice could be read in two ways."""
    payload = issuer.mint().split(".", 2)[1]
    twice = f'{{"alg":"ES256","typ":"dc+sd-jwt","kid":"k","kid":"{issuer.key.key_id}"}}'
    signing_input = f"{b64url(twice.encode())}.{payload}"
    refused(f"{signing_input}.{b64url(issuer.key.sign(signing_input.encode()))}~", keys)


def signed(issuer: Issuer, claims: dict[str, Any], *disclosures: str) -> str:
    """Return claims that the issuer really signed, with disclosures."""
    token = sign_jws(claims, issuer.key, typ=CERTIFICATE_TYPE, key_id=issuer.key.key_id)
    return "~".join([token, *disclosures, ""])


def test_wrong_though_signed(issuer: Issuer, keys: Keys) -> None:
    """What an issuer's own mistake, or its stolen key, could sign."""
    good = claims_of(issuer.mint())
    assert "VALID" if open_certificate(signed(issuer, good), keys, now=NOW) else ""
    for changes in (
        {"iss": "deltacare://310000"},
        {"certificate_no": "310000-C1"},
        {"status": {"status_list": {"idx": 5, "uri": "deltacare://310000/status/0"}}},
        {"status": {"status_list": {"idx": 2**20, "uri": "deltacare://320000/status/0"}}},
        {"status": {"status_list": {"idx": -1, "uri": "deltacare://320000/status/0"}}},
        {"iat": good["iat"] + 3_600},
        {"iat": True},
        {"exp": 1e300},
        {"vct": "https://other.example/id"},
        {"grade": ""},
        {"extra": 1},
        {"_sd": [good["_sd"][0], good["_sd"][0]]},
        {"_sd_alg": "md5"},
    ):
        refused(signed(issuer, {**good, **changes}), keys)


def test_hostile_disclosures(issuer: Issuer, keys: Keys) -> None:
    """One that nobody signed, one twice, one over a claim in clear, one nested, and too many."""
    good = claims_of(issuer.mint())
    name = Disclosure.make(bytes(16), "holder_name", NAME)
    grade = Disclosure.make(bytes(16), "grade", "一级")
    nested = b64url(json.dumps(["salt", "holder_name", {"_sd": []}]).encode())
    with_all = {**good, "_sd": [name.digest, grade.digest]}
    assert (
        NAME == open_certificate(signed(issuer, with_all, name.encoded), keys, now=NOW).holder_name
    )
    refused(signed(issuer, good, grade.encoded), keys)
    refused(signed(issuer, with_all, name.encoded, name.encoded), keys)
    refused(signed(issuer, with_all, grade.encoded), keys)
    refused(signed(issuer, with_all, nested), keys)
    refused(signed(issuer, with_all, *["AAAA"] * 40), keys)
    refused("A" * 20_000, keys)
    refused("", keys)
    with pytest.raises(PeerFault):
        Presentation.parse("a.b.c", typ=CERTIFICATE_TYPE)
