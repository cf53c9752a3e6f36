"""Tests of what a denial and a refused proof say in Chinese, by sentences that somebody says."""

import pytest

from clients.cli.failures import exit_code, failure_lines
from clients.language import using_language
from deltacare.errors import DeltacareError, PeerFault, Reason, Refusal, invalid_field
from deltacare.ids import Principal
from server.edge.rights import Rights, find_method


def said(error: Exception, language: str = "zh") -> str:
    """Return what a person reads of an error."""
    with using_language(language):
        return "\n".join(failure_lines(error))


@pytest.mark.parametrize(
    "error, wanted",
    [
        (
            Refusal(
                Reason.RULE_REFUSED,
                "The statement does not bind. The approval of 310000 is missing.",
            ),
            "清算单不生效：缺 310000 的批准",
        ),
        (
            PeerFault(Reason.BAD_PROOF, "The inclusion proof leads to another root."),
            "证明不能通过校验（BAD_PROOF）：包含证明得出另一个根：条目或证明已被改动。",
        ),
        (
            invalid_field("x", "", "C01-NOT-ISSUER: Only the issuing province issues or changes a "
                          "certificate."),
            "C01-NOT-ISSUER：只有发证省可以签发或变更该证书。",
        ),
    ],
)  # fmt: skip
def test_what_a_chinese_user_reads(error: DeltacareError, wanted: str) -> None:
    """The sentence in Chinese; in English as it was said."""
    assert wanted in said(error)
    assert error.message.partition(": ")[2] in said(error, "en")


def test_an_unknown_method() -> None:
    """It says so, and which were meant."""
    with pytest.raises(Refusal) as caught:
        find_method("FileRecord")
    found = said(caught.value)
    assert "没有这一方法。 → 是否指 FileRecords" in found
    assert 2 == exit_code(caught.value)


def test_a_denial_names_its_rule_and_the_command_that_explains_it() -> None:
    """In both languages, with the role, the purpose, and the province of a stranger."""
    clerk = Principal(province="310000", role="clerk", opaque_id="c-1")
    with pytest.raises(Refusal) as caught:
        Rights("310000").admit(clerk, find_method("FileRecords"), str)
    asked = "deltacare explain FileRecords --role clerk"
    assert f"谁可以：{asked}" in said(caught.value)
    assert "E00" in said(caught.value)
    english = said(caught.value, "en")
    assert f"Who may: {asked}" in english
    assert "Rule E00: What no rule names is denied." in english
    with pytest.raises(Refusal) as caught:
        Rights("310000").admit(clerk, find_method("ResolveEnrolment"), lambda: "CARE_PLACEMENT")
    assert "ResolveEnrolment --role clerk --purpose CARE_PLACEMENT" in said(caught.value, "en")
    stranger = Principal(province="320000", role="system", opaque_id="s-1")
    with pytest.raises(Refusal) as caught:
        Rights("310000").admit(stranger, find_method("FileRecords"), str)
    assert f"{asked.replace('clerk', 'system')} --of 320000" in said(caught.value, "en")
    assert "explain" not in said(invalid_field("role", "x", "There is no such role."))


def test_too_little_memory_is_said_as_such() -> None:
    """What a file needs too much of is not the node's fault: bad input, with the remedy."""
    assert "Split the file" in said(MemoryError(), "en")
    assert "拆分" in said(MemoryError())
    assert 2 == exit_code(MemoryError())
