"""Identifiers: one spelling each, everything else refused with a remedy."""

import itertools
import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.errors import Refusal
from deltacare.ids import (
    CertificateNumber,
    InstitutionId,
    LogName,
    Principal,
    all_logs,
    are_two_persons,
    parse_beneficiary_ref,
    parse_identity_number,
    parse_opaque_id,
    parse_province,
    parse_request_id,
    parse_settlement_no,
    parse_uscc,
)

PROVINCES = ("310000", "320000", "330000", "340000")


@pytest.mark.parametrize("text", ["S1", "310000-202610-000001", "a_b-C", "9" * 64])
def test_settlement_numbers_are_kept(text: str) -> None:
    """A number is kept as it was given."""
    assert text == parse_settlement_no(text)


@pytest.mark.parametrize("text", ["", "-1", "9" * 65, "a b", "a/b", "编号1", "1.5", "a\n", "é"])
def test_other_settlement_numbers_are_refused(text: str) -> None:
    """What is not made of letters, digits, hyphens and underscores is refused."""
    with pytest.raises(Refusal, match="settlement_no"):
        parse_settlement_no(text)


def test_a_number_that_a_spreadsheet_spoilt_is_told_apart() -> None:
    """Scientific notation comes back with the remedy that helps."""
    with pytest.raises(Refusal, match="format the column as text"):
        parse_settlement_no("3.1E+14")


def test_request_ids_are_uuids() -> None:
    """Any UUID counts, in lower case."""
    text = "0F8FAD5B-D9CB-469F-A165-70867728950E"
    assert text.lower() == parse_request_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0f8fad5bd9cb469fa16570867728950e",
        "{0f8fad5b-d9cb-469f-a165-70867728950e}",
        "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e",
        "00000000-0000-0000-0000-000000000000",
        "0f8fad5b-d9cb-469f-a165-70867728950g",
    ],
)
def test_other_request_ids_are_refused(text: str) -> None:
    """Other spellings of a UUID, and the nil UUID, are refused."""
    with pytest.raises(Refusal):
        parse_request_id(text)


def test_beneficiary_references_are_128_bits() -> None:
    """Thirty-two lower-case hexadecimal digits."""
    assert "0123456789abcdef" * 2 == parse_beneficiary_ref("0123456789abcdef" * 2)


def test_a_misplaced_identity_number_is_not_repeated() -> None:
    """What a clerk put there by mistake does not come back in the error."""
    with pytest.raises(Refusal) as caught:
        parse_beneficiary_ref("11010519491231002X")
    assert "11010519491231002X" not in str(caught.value)
    assert "" == caught.value.violations[0].value


def _identity(prefix: str) -> str:
    """Return a made-up identity number with its check character."""
    total = sum(int(c) * (2 ** (17 - i) % 11) for i, c in enumerate(prefix))
    return prefix + "10X98765432"[total % 11]


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",  # the example of GB 11643-1999, born before 1950
        "11010519491231002x",
        " 11010519491231002X ",
    ],
)
def test_the_example_of_the_standard_passes(number: str) -> None:
    """The published example is accepted in either case."""
    assert "11010519491231002X" == parse_identity_number(number)


@given(
    st.integers(100_000, 999_999),
    st.dates(date(1900, 1, 1)),
    st.integers(0, 999),
)
def test_old_people_of_abolished_counties_pass(county: int, born: date, serial: int) -> None:
    """No county and no year of birth is looked up; only the check and the date count."""
    number = _identity(f"{county}{born:%Y%m%d}{serial:03d}")
    assert number == parse_identity_number(number)


def test_every_other_check_character_is_refused() -> None:
    """Of eleven check characters one is right."""
    right = 0
    for check in "0123456789X":
        try:
            parse_identity_number("11010519491231002" + check)
        except Refusal:
            continue
        right += 1
    assert 1 == right


@pytest.mark.parametrize(
    "prefix", ["11010519490229002", "11010519491331002", "11010517991231002", "01010519491231002"]
)
def test_impossible_births_are_refused(prefix: str) -> None:
    """A right check character does not excuse a date that never was."""
    with pytest.raises(Refusal) as caught:
        parse_identity_number(_identity(prefix))
    assert prefix not in str(caught.value)


@pytest.mark.parametrize("text", ["", "110105491231002", "1101051949123100２X"])
def test_other_lengths_are_refused(text: str) -> None:
    """The old form of fifteen digits is refused."""
    with pytest.raises(Refusal):
        parse_identity_number(text)


_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _uscc(prefix: str) -> str:
    """Return a made-up code with its check character (GB 32100-2015, annex A)."""
    total = sum(_USCC_ALPHABET.index(c) * (3**i % 31) for i, c in enumerate(prefix))
    return prefix + _USCC_ALPHABET[(31 - total % 31) % 31]


@pytest.mark.parametrize("registrar", list("123456789ANY"))
def test_every_registrar_is_known(registrar: str) -> None:
    """Also the letters of the military, of agriculture and of others."""
    code = _uscc(f"{registrar}1310000MA00000A0")
    assert code == parse_uscc(code.lower())


@pytest.mark.parametrize(
    "code",
    [
        _uscc("B1310000MA00000A0"),
        _uscc("0131000012345678A"),
        _uscc("91310000MA00000A0")[:-1],
        _uscc("91310000MA00000A0")[:-1] + "!",
        "",
    ],
)
def test_other_codes_are_refused(code: str) -> None:
    """A registrar that the standard does not know, or a wrong length, is refused."""
    with pytest.raises(Refusal):
        parse_uscc(code)


def test_a_transposed_code_is_refused() -> None:
    """Every exchange of two different neighbours in the serial part is caught."""
    code = _uscc("91310000MA1K23456")
    for i in range(8, 16):
        if code[i] != code[i + 1]:
            with pytest.raises(Refusal):
                parse_uscc(code[:i] + code[i + 1] + code[i] + code[i + 2 :])


@pytest.mark.parametrize("text", ["310000-137", "340000-A-7", "320000-" + "9" * 32])
def test_institutions_read_back(text: str) -> None:
    """Province and register number."""
    assert text == str(InstitutionId.parse(text))


@pytest.mark.parametrize(
    "text",
    ["310000", "310100-1", "31-1", "310000-", "310000--1", "310000-1-", "310000-" + "9" * 33],
)
def test_other_institutions_are_refused(text: str) -> None:
    """A district does not keep the register, and a number does not end in a hyphen."""
    with pytest.raises(Refusal):
        InstitutionId.parse(text)


def test_certificates_read_back() -> None:
    """Issuer and number, hyphens inside."""
    number = CertificateNumber.parse("320000-C-2025-000123")
    assert ("320000", "C-2025-000123") == (number.issuer, number.number)
    assert "320000-C-2025-000123" == str(number)


@pytest.mark.parametrize(
    "text", ["320000-c1", "C1", "320000-C1-", "320000-C 1", "320000-" + "C" * 33]
)
def test_other_certificates_are_refused(text: str) -> None:
    """Small letters and spaces are not guessed away."""
    with pytest.raises(Refusal):
        CertificateNumber.parse(text)


def test_principals_read_back() -> None:
    """The URI of a certificate is taken apart and put together."""
    uri = "spiffe://deltacare/310000/registrar/a7f.k_9"
    principal = Principal.parse(uri)
    assert ("310000", "registrar", "a7f.k_9") == (
        principal.province,
        principal.role,
        principal.opaque_id,
    )
    assert uri == principal.uri
    assert "a7f.k_9" == parse_opaque_id(principal.opaque_id)


@pytest.mark.parametrize(
    "uri",
    [
        "https://deltacare/310000/node/1",
        "spiffe://other/310000/node/1",
        "spiffe://deltacare/310000/node",
        "spiffe://deltacare/310000/node/1/2",
        "spiffe://deltacare/310100/node/1",
        "spiffe://deltacare/310000/Node/1",
        "spiffe://deltacare/310000/clerk/X-1",
        "spiffe://deltacare/310000/node/..",
        "spiffe://deltacare/310000/node/a%2fb",
        "spiffe://deltacare/310000/node/1?x",
        "spiffe://deltacare/310000//1",
        "310000/node/1",
        "",
    ],
)
def test_other_principals_are_refused(uri: str) -> None:
    """Another trust domain, another shape or an escape is no caller of ours."""
    with pytest.raises(Refusal):
        Principal.parse(uri)


@pytest.mark.parametrize("text", ["X-1", "x-Y", "Pay-2", "ＸY", "İ", "", "a b", "-a", "a" * 65])
def test_other_opaque_ids_are_refused(text: str) -> None:
    """A person has one id in one spelling, so that no two spellings pass as two persons."""
    with pytest.raises(Refusal, match="opaque id"):
        parse_opaque_id(text)
    assert not are_two_persons(text, "x-9")
    assert not are_two_persons("x-9", text)


def test_two_persons_are_two_ids() -> None:
    """Both of their form, and not one."""
    assert are_two_persons("x-1", "x-2")
    assert not are_two_persons("x-1", "x-1")


def test_four_members_write_sixteen_logs() -> None:
    """Four registries and twelve settlement logs, in order, each name read back."""
    logs = all_logs(reversed(PROVINCES))
    assert 16 == len(logs)
    assert sorted(str(log) for log in logs) == [str(log) for log in logs]
    assert logs == tuple(LogName.parse(str(log)) for log in logs)


def test_settlements_are_held_by_their_two_sides_only() -> None:
    """A registry is for all, a settlement log for author and partner."""
    holders = {str(log): [p for p in PROVINCES if log.may_hold(p)] for log in all_logs(PROVINCES)}
    assert list(PROVINCES) == holders["deltacare/310000/registry"]
    assert ["310000", "340000"] == holders["deltacare/340000/settlement/310000"]


@pytest.mark.parametrize(
    "text",
    [
        "deltacare/310000",
        "deltacare/310000/registry/",
        "deltacare/310000/settlement/310000",
        "deltacare/310000/settlement",
        "deltacare/31/registry",
        "other/310000/registry",
        "",
    ],
)
def test_other_log_names_are_refused(text: str) -> None:
    """Nobody settles with itself, and nothing else is a log."""
    with pytest.raises(Refusal):
        LogName.parse(text)


@pytest.mark.parametrize("text", ["31", "310100", "000000", "31000０", "3100000"])
def test_other_provinces_are_refused(text: str) -> None:
    """A province is six digits that end in four zeros."""
    with pytest.raises(Refusal):
        parse_province(text)


def test_no_parser_crashes_on_noise() -> None:
    """Whatever comes, a parser returns or refuses."""
    seed = 20_261_122
    print("seed", seed)  # noqa: T201 - a failure must be repeatable
    rng = random.Random(seed)
    parsers = [
        parse_settlement_no,
        parse_request_id,
        parse_beneficiary_ref,
        parse_identity_number,
        parse_uscc,
        parse_province,
        parse_opaque_id,
        InstitutionId.parse,
        CertificateNumber.parse,
        Principal.parse,
        LogName.parse,
    ]
    alphabet = "0123456789Xx-/_.:abcZ\u0661\uff11\x00\n 编"
    for parse, _ in itertools.product(parsers, range(300)):
        text = "".join(rng.choices(alphabet, k=rng.randrange(40)))
        try:
            parse(text)
        except Refusal as error:
            assert error.violations  # noqa: PT017 - either outcome is right
