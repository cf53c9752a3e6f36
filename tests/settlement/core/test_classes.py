"""The table of classes: order, names, and what is closed and netted."""

from settlement.core.classes import ALPHABETICAL, Actor, LineClass


def test_order_is_the_precedence() -> None:
    """The members stand in the order of precedence, and ranks count from one."""
    expected = (
        "REVERSED REVERSED_ONE_SIDE DUP_CONFLICT DUP_EXACT DUP_SEMANTIC OUT_OF_AGREEMENT "
        "INSTITUTION_UNLISTED ELDER_INELIGIBLE CAREGIVER_UNCERTIFIED OVERLAP OVER_CAP OVER_BUDGET "
        "IN_TRANSIT HOME_ONLY HOST_ONLY AMOUNT FIELD MATCHED"
    )
    assert expected.split() == [member.name for member in LineClass]
    assert list(range(1, 19)) == [member.rank for member in LineClass]


def test_closed_and_netted() -> None:
    """Three classes are closed, one is netted, and only a closed one is nobody's."""
    closed = {member.name for member in LineClass if member.closed}
    assert {"MATCHED", "REVERSED", "DUP_EXACT"} == closed
    assert {"MATCHED"} == {member.name for member in LineClass if member.netted}
    for member in LineClass:
        assert member.closed == (member.actor is Actor.NOBODY)
        assert member.closed == (member.deadline_days == 0)


def test_every_class_tells_what_to_do() -> None:
    """Each class has names and a next action in both languages; names do not repeat."""
    assert all(member.action_zh and member.action_en for member in LineClass)
    assert len({member.zh for member in LineClass}) == len(LineClass)
    assert len({member.en for member in LineClass}) == len(LineClass)
    assert all(LineClass.of_rank(member.rank) is member for member in LineClass)


def test_alphabetical_is_sorted_by_bytes() -> None:
    """Lines of one number sort by the class's name as bytes."""
    names = [member.name.encode() for member in ALPHABETICAL]
    assert sorted(names) == names
