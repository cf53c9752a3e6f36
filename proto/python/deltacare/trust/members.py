"""What the federation states of one member: where it answers, who vouches for it, how it signs.

A value and its one canonical spelling. Whether enough members signed it is decided elsewhere
(`deltacare.trust.roles`), and whether one statement may follow another in
`deltacare.trust.succession`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self, TypeVar

from deltacare.errors import ViolationCollector
from deltacare.ids import own_logs, parse_province
from deltacare.keys import Algorithm, VerifierKey
from deltacare.sm2 import Sm2Use, Sm2VerifierKey
from deltacare.times import format_time, parse_time
from deltacare.trust.documents import canonical, read_object, require_fields, require_type, wrong
from deltacare.trust.terms import KeyTerm, SuiteTerm, Term

__all__ = [
    "Account",
    "Member",
    "key_names",
    "suite_key_names",
    "timestamp_key_name",
    "verdict_key_name",
    "witness_key_name",
]

T = TypeVar("T", KeyTerm, SuiteTerm)

_FORMAT = "deltacare/member/v1"
_FIELDS = (
    "accounts",
    "ca_pem",
    "endpoint",
    "format",
    "keys",
    "name_en",
    "name_zh",
    "province",
    "revoked_serials",
    "schemes",
    "suite_keys",
)
_KEY_FIELDS = ("from_time", "key", "tainted_time", "until_time")
_ACCOUNT_FIELDS = ("bank_code", "from_time", "holder", "number")
_TEXT_CHARS_MAX = 100
_PEM_CHARS_MAX = 65_536
_KEYS_MAX = 256
_ACCOUNTS_MAX = 64
_SERIALS_MAX = 1_024
_SCHEMES_MAX = 256
_PORT_MAX = 65_535
_ENDPOINT = re.compile(r"(?:[0-9A-Za-z](?:[0-9A-Za-z.-]{0,252})|\[[0-9A-Fa-f:]{2,45}\]):[0-9]{1,5}")
_PEM = re.compile(
    r"(?:-----BEGIN CERTIFICATE-----\n[0-9A-Za-z+/=\n]+\n-----END CERTIFICATE-----\n?)+", re.ASCII
)
_SERIAL = re.compile(r"[1-9a-f][0-9a-f]{0,39}", re.ASCII)  # RFC 5280 4.1.2.2: at most 20 octets
_SCHEME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?", re.ASCII)
_BANK_CODE = re.compile(r"[0-9]{12}", re.ASCII)  # CNAPS clearing code
_ACCOUNT_NUMBER = re.compile(r"[0-9]{8,32}", re.ASCII)


def witness_key_name(province: str) -> str:
    """Return the name of a province's witness key."""
    return f"deltacare/{province}/witness"


def verdict_key_name(province: str) -> str:
    """Return the name of the key with which a province's node signs verdicts."""
    return f"deltacare/{province}/verdicts"


def timestamp_key_name(province: str) -> str:
    """Return the name of the key with which a province's node signs the federation's timestamp."""
    return f"deltacare/{province}/timestamp"


def key_names(province: str, provinces: Iterable[str]) -> Mapping[str, Algorithm]:
    """Return the names of the keys that a member signs with, and the algorithm of each."""
    names = {str(log): Algorithm.ED25519 for log in own_logs(province, provinces)}
    names[verdict_key_name(province)] = Algorithm.ED25519
    names[witness_key_name(province)] = Algorithm.COSIGNATURE_V1
    return names


def suite_key_names(province: str, provinces: Iterable[str]) -> Mapping[str, Sm2Use]:
    """Return the names under which a member may have keys of the second suite, and their use."""
    names = {str(log): Sm2Use.NOTE for log in own_logs(province, provinces)}
    names[witness_key_name(province)] = Sm2Use.COSIGNATURE
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account into which others pay what they owe a member.

    Attributes:
        holder: The authority that holds it; never a person.
        number: 8 to 32 digits.
        bank_code: 12 digits, the bank's clearing code.
        from_time: From when payments go there; at least a day after it was signed.
    """

    holder: str
    number: str
    bank_code: str
    from_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One province of the federation.

    Attributes:
        province: Six digits.
        name_zh: Its name in Chinese.
        name_en: Its name in English.
        endpoint: ``host:port`` at which its node answers.
        ca_pem: Certificates of the CAs that vouch for callers of this province, and no other.
        revoked_serials: Serial numbers, in hex, of certificates of these CAs that count no more.
        keys: Every key it signs or ever signed with, oldest first under each name.
        suite_keys: The same of the second suite, whose signatures stand beside these; a member
            may have none, and need not have one for every log.
        schemes: Certificate schemes it may issue under, ascending; none stand for any. Its node
            refuses others; partners recognise only what they declared an equivalence of.
        accounts: Where it is paid, by `from_time`.
    """

    province: str
    name_zh: str
    name_en: str
    endpoint: str
    ca_pem: str
    keys: tuple[KeyTerm, ...]
    revoked_serials: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    suite_keys: tuple[SuiteTerm, ...] = ()
    _terms: Mapping[str, tuple[KeyTerm, ...]] = field(init=False, repr=False, compare=False)
    _suite_terms: Mapping[str, tuple[SuiteTerm, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_terms", _by_name(self.keys))
        object.__setattr__(self, "_suite_terms", _by_name(self.suite_keys))

    def terms(self, name: str) -> tuple[KeyTerm, ...]:
        """Return the keys of a name, oldest first; empty if there is none."""
        return self._terms.get(name, ())

    def suite_terms(self, name: str) -> tuple[SuiteTerm, ...]:
        """Return the keys of the second suite of a name, oldest first; empty if there is none."""
        return self._suite_terms.get(name, ())

    def account(self, at: datetime) -> Account | None:
        """Return the account that counts at an instant, ``None`` if there is none yet."""
        begun = [account for account in self.accounts if account.from_time <= at]
        return max(begun, key=lambda account: account.from_time, default=None)

    def to_bytes(self) -> bytes:
        """Return the canonical spelling."""
        return canonical(
            {
                "format": _FORMAT,
                "province": self.province,
                "name_zh": self.name_zh,
                "name_en": self.name_en,
                "endpoint": self.endpoint,
                "ca_pem": self.ca_pem,
                "revoked_serials": list(self.revoked_serials),
                "schemes": list(self.schemes),
                "keys": [_term_fields(term) for term in self.keys],
                "suite_keys": [_term_fields(term) for term in self.suite_keys],
                "accounts": [
                    {
                        "holder": account.holder,
                        "number": account.number,
                        "bank_code": account.bank_code,
                        "from_time": format_time(account.from_time),
                    }
                    for account in self.accounts
                ],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str = "member") -> Self:
        """Return the member of its canonical spelling.

        Args:
            data: The document.
            where: The name that a refusal gives.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the field that is wrong.
        """
        value = read_object(data, fields=_FIELDS, kind=_FORMAT, where=where)
        texts = {
            name: require_type(value[name], str, f"{where}.{name}")
            for name in ("province", "name_zh", "name_en", "endpoint", "ca_pem")
        }
        member = cls(
            **texts,
            revoked_serials=_texts(value, "revoked_serials", where),
            schemes=_texts(value, "schemes", where),
            keys=tuple(_term(row, place) for row, place in _rows(value, "keys", where)),
            accounts=tuple(_account(row, place) for row, place in _rows(value, "accounts", where)),
            suite_keys=tuple(
                _suite_term(row, place) for row, place in _rows(value, "suite_keys", where)
            ),
        )
        if member.to_bytes() != data:
            raise wrong(where, "It is not in its canonical spelling.")
        return member

    def check(self, provinces: Iterable[str], where: str, bad: ViolationCollector) -> None:
        """Note every field that is wrong.

        Args:
            provinces: Codes of all members.
            where: The path of the member.
            bad: Takes what is found.
        """
        bad.take(parse_province, self.province, field=f"{where}.province")
        for name in ("name_zh", "name_en"):
            text = getattr(self, name)
            if not 0 < len(text) <= _TEXT_CHARS_MAX or not text.isprintable():
                bad.note(f"{where}.{name}", text, "A name has 1 to 100 printable characters.")
        port = self.endpoint.rpartition(":")[2]
        if not _ENDPOINT.fullmatch(self.endpoint) or not 0 < int(port) <= _PORT_MAX:
            bad.note(f"{where}.endpoint", self.endpoint, "It is not host:port.")
        if len(self.ca_pem) > _PEM_CHARS_MAX or not _PEM.fullmatch(self.ca_pem):
            bad.note(f"{where}.ca_pem", "", "It is not one or more certificates in PEM.")
        _check_texts(self.revoked_serials, _SERIAL, _SERIALS_MAX, f"{where}.revoked_serials", bad)
        _check_texts(self.schemes, _SCHEME, _SCHEMES_MAX, f"{where}.schemes", bad)
        self._check_keys(provinces, where, bad)
        self._check_suite_keys(provinces, where, bad)
        self._check_accounts(where, bad)

    def _check_keys(self, provinces: Iterable[str], where: str, bad: ViolationCollector) -> None:
        names = key_names(self.province, provinces)
        if len(self.keys) > _KEYS_MAX:
            bad.note(f"{where}.keys", len(self.keys), f"A member has at most {_KEYS_MAX} keys.")
        missing = sorted(set(names) - {term.key.name for term in self.keys})
        if missing:
            bad.note(f"{where}.keys", ", ".join(missing), "These keys are missing.")
        for index, term in enumerate(self.keys):
            place = f"{where}.keys[{index}]"
            expected = names.get(term.key.name)
            if expected is None:
                bad.note(place, term.key.name, "The member has no key of that name.")
            elif expected is not term.key.algorithm:
                bad.note(place, term.key.name, f"Its type is not 0x{expected:02x}.")
        for name in names:
            if self.terms(name) and all(term.is_tainted for term in self.terms(name)):
                bad.note(
                    f"{where}.keys", name, "Every key is tainted.", "Add the one that follows."
                )
        _check_order(self._terms, f"{where}.keys", bad)

    def _check_suite_keys(
        self, provinces: Iterable[str], where: str, bad: ViolationCollector
    ) -> None:
        place = f"{where}.suite_keys"
        if len(self.suite_keys) > _KEYS_MAX:
            bad.note(place, len(self.suite_keys), f"A member has at most {_KEYS_MAX} keys.")
        uses = suite_key_names(self.province, provinces)
        for index, term in enumerate(self.suite_keys):
            use = uses.get(term.key.name)
            if use is None:
                bad.note(f"{place}[{index}]", term.key.name, "The member has no key of that name.")
            elif use is not term.key.use:
                text = f"Its use is not {use.value.decode()}."
                bad.note(f"{place}[{index}]", term.key.name, text)
        _check_order(self._suite_terms, place, bad)

    def _check_accounts(self, where: str, bad: ViolationCollector) -> None:
        if len(self.accounts) > _ACCOUNTS_MAX:
            bad.note(f"{where}.accounts", len(self.accounts), "These are too many accounts.")
        starts = [account.from_time for account in self.accounts]
        if starts != sorted(set(starts)):
            bad.note(f"{where}.accounts", "", "Accounts begin one after the other.")
        for index, account in enumerate(self.accounts):
            place = f"{where}.accounts[{index}]"
            if not 0 < len(account.holder) <= _TEXT_CHARS_MAX or not account.holder.isprintable():
                bad.note(f"{place}.holder", account.holder, "It is not 1 to 100 characters.")
            if not _ACCOUNT_NUMBER.fullmatch(account.number):
                bad.note(f"{place}.number", account.number, "It is not 8 to 32 digits.")
            if not _BANK_CODE.fullmatch(account.bank_code):
                bad.note(f"{place}.bank_code", account.bank_code, "It is not 12 digits.")


def _by_name(terms: Iterable[T]) -> Mapping[str, tuple[T, ...]]:
    found: dict[str, list[T]] = {}
    for term in terms:
        found.setdefault(term.key.name, []).append(term)
    return MappingProxyType({name: tuple(rows) for name, rows in found.items()})


def _check_order(
    terms: Mapping[str, tuple[Term, ...]], where: str, bad: ViolationCollector
) -> None:
    for name, rows in terms.items():
        starts = [term.from_time for term in rows]
        if starts != sorted(set(starts)):
            bad.note(where, name, "Keys of one name begin one after the other.")


def _check_texts(
    texts: tuple[str, ...],
    form: re.Pattern[str],
    count_max: int,
    where: str,
    bad: ViolationCollector,
) -> None:
    if list(texts) != sorted(set(texts)) or len(texts) > count_max:
        bad.note(where, len(texts), f"Not ascending, each once, at most {count_max}.")
    for text in texts:
        if not form.fullmatch(text):
            bad.note(where, text, "It is not of the form that stands here.")


def _rows(value: Mapping[str, Any], name: str, where: str) -> list[tuple[Any, str]]:
    rows = require_type(value[name], list, f"{where}.{name}")
    return [(row, f"{where}.{name}[{index}]") for index, row in enumerate(rows)]


def _texts(value: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    return tuple(require_type(row, str, place) for row, place in _rows(value, name, where))


def _term_fields(term: KeyTerm | SuiteTerm) -> dict[str, str | None]:
    return {
        "key": term.key.to_text(),
        "from_time": format_time(term.from_time),
        "until_time": _optional(term.until_time),
        "tainted_time": _optional(term.tainted_time),
    }


def _term(row: object, where: str) -> KeyTerm:
    key, window = _window(row, where)
    return KeyTerm(key=VerifierKey.from_text(key, field_name=f"{where}.key"), **window)


def _suite_term(row: object, where: str) -> SuiteTerm:
    key, window = _window(row, where)
    return SuiteTerm(key=Sm2VerifierKey.from_text(key, field_name=f"{where}.key"), **window)


def _window(row: object, where: str) -> tuple[str, dict[str, Any]]:
    """Return the text of a key and the fields of its window."""
    fields = require_fields(row, _KEY_FIELDS, where)
    from_time = _time(fields["from_time"], f"{where}.from_time")
    until_time = _optional_time(fields["until_time"], f"{where}.until_time")
    if until_time is not None and until_time <= from_time:
        raise wrong(f"{where}.until_time", "A key's window ends after it begins.")
    return require_type(fields["key"], str, f"{where}.key"), {
        "from_time": from_time,
        "until_time": until_time,
        "tainted_time": _optional_time(fields["tainted_time"], f"{where}.tainted_time"),
    }


def _account(row: object, where: str) -> Account:
    fields = require_fields(row, _ACCOUNT_FIELDS, where)
    texts = {
        name: require_type(fields[name], str, f"{where}.{name}")
        for name in ("holder", "number", "bank_code")
    }
    return Account(**texts, from_time=_time(fields["from_time"], f"{where}.from_time"))


def _time(value: object, where: str) -> datetime:
    return parse_time(require_type(value, str, where), field=where)


def _optional_time(value: object, where: str) -> datetime | None:
    return None if value is None else _time(value, where)


def _optional(instant: datetime | None) -> str | None:
    return None if instant is None else format_time(instant)
