"""``deltacare supervision``: what a clerk is told at once, and what nodes say and show."""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.cli.supervision_shown import next_step, next_words
from clients.language import using_language
from deltacare.times import business_date
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import supervision_service_pb2 as sup_pb
from deltacare.v1.registry_service_pb2 import BatchUpsertInstitutionsRequest
from deltacare.v1.types_pb2 import Duty
from tests.support.wholes import Wholes

SH, JS = "310000", "320000"
SIGNED = ("--maker", "maker-1", "--reviewer", "reviewer-1")
TODAY = business_date(datetime.now(UTC))
WAIT_S_MAX = 30


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    result = CliRunner().invoke(main, ["supervision", *arguments], env={"DELTACARE_AS": ""})
    return result.exit_code, result.stdout, result.stderr


# --- Without a node -------------------------------------------------------------------------------

BAN = ("measure", "310000-M1", "--kind", "ban", "--institution", "310000-1")
INSPECT = ("inspect", "310000-I1", "--institution", "310000-1")


@pytest.mark.parametrize(
    "arguments, zh, en",
    [
        ((*BAN, "--reason", "fire exit"), "例如 FIRE_EXIT", "such as FIRE_EXIT"),
        ((*BAN, "--reason", "消防通道"), "例如 FIRE_EXIT_BLOCKED", "such as FIRE_EXIT_BLOCKED"),
        ((*BAN, "--reason", "X", "--certificate", "310000-C1"), "二者只取其一", "not both"),
        (
            ("measure", "310000-M1", "--kind", "ban", "--reason", "X"),
            "二者只取其一",
            "Say whom it concerns",
        ),
        ((*BAN, "--reason", "X", "--due", "2026-10-10"), "期限请用 --until", "is --until"),
        (
            (*BAN[:3], "rectification", *BAN[4:], "--reason", "X"),
            "请用 --due",
            "needs --due",
        ),
        (INSPECT, "--passed", "--passed"),
        ((*INSPECT, "--passed", "--finding", "X"), "--passed", "--passed"),
        ((*INSPECT, "--finding", "No door"), "例如 NO_DOOR", "such as NO_DOOR"),
        (("report", "310000-M1"), "--not-mended", "--not-mended"),
        (("report", "310000-M1", "--not-mended"), "STILL_BLOCKED", "STILL_BLOCKED"),
        (("lift", "310000-M1", "--reason", "it is fine"), "IT_IS_FINE", "IT_IS_FINE"),
    ],
)
def test_bad_input_is_told_at_once(arguments: tuple[str, ...], zh: str, en: str) -> None:
    """What cannot be right is refused before a node is asked, with the remedy."""
    for language, words in (("zh", zh), ("en", en)):
        code, output, error = run(*arguments, *SIGNED, "--lang", language)
        assert (2, "", True) == (code, output, words in error), error


def test_day_that_is_none() -> None:
    """A day to judge by that is no date is refused."""
    for command in (("list",), ("show", "310000-M1")):
        code, _, error = run(*command, "--on", "soon", "--lang", "en")
        assert (2, True) == (code, "write 2026-11-22" in error)


def shown(state: int, **measure: str) -> sup_pb.StandingMeasure:
    """Return a measure as a node shows it."""
    return sup_pb.StandingMeasure(
        measure=pb.SupervisionMeasure(**measure),  # type: ignore[arg-type]  # a test's own
        state=sup_pb.MeasureState.ValueType(state),
    )


@pytest.mark.parametrize(
    "row, expected, zh, en",
    [
        (
            shown(sup_pb.MEASURE_STATE_PENDING, from_date="2026-10-08"),
            ("BEGINS", 3),
            "3 天后生效",
            "begins in 3 d",
        ),
        (
            shown(sup_pb.MEASURE_STATE_IN_FORCE, due_date="2026-10-10"),
            ("REPORT_DUE", 5),
            "5 天内报告整改（report）",
            "report within 5 d",
        ),
        (
            shown(sup_pb.MEASURE_STATE_IN_FORCE, due_date="2026-10-05"),
            ("REPORT_DUE", 0),
            "今天到期：报告整改（report）",
            "due today: report",
        ),
        (
            shown(sup_pb.MEASURE_STATE_OVERDUE, due_date="2026-10-04"),
            ("OVERDUE", 1),
            "已逾期 1 天：整改合格后报告（report --mended）",
            "overdue for 1 d: report --mended once it is mended",
        ),
        (
            shown(sup_pb.MEASURE_STATE_IN_FORCE, until_date="2026-10-06"),
            ("ENDS", 1),
            "1 天后期满",
            "ends in 1 d",
        ),
        (
            shown(sup_pb.MEASURE_STATE_IN_FORCE, until_date="2026-10-05"),
            ("ENDS", 0),
            "今天是最后一日",
            "today is the last day",
        ),
        (
            shown(sup_pb.MEASURE_STATE_IN_FORCE),
            ("UNTIL_LIFTED", None),
            "至解除（lift）为止",
            "until it is lifted (lift)",
        ),
        (shown(sup_pb.MEASURE_STATE_MENDED, due_date="2026-10-04"), ("NOTHING", None), "", ""),
        (shown(sup_pb.MEASURE_STATE_LIFTED), ("NOTHING", None), "", ""),
    ],
)
def test_what_is_next(
    row: sup_pb.StandingMeasure, expected: tuple[str, int | None], zh: str, en: str
) -> None:
    """What is next, and in how many days from 5 October."""
    found = next_step(row, "2026-10-05")
    assert expected == found
    for language, words in (("zh", zh), ("en", en)):
        with using_language(language):
            assert words == next_words(*found)


# --- Against four whole nodes ---------------------------------------------------------------------


class Clerk:
    """Runs commands at the nodes, each in a process of its own."""

    def __init__(self, nodes: Wholes) -> None:
        self._nodes = nodes

    async def text(self, province: str, *arguments: str, lang: str = "zh") -> tuple[int, str]:
        """Return exit code and all that was said."""
        profile = str(self._nodes.directories[province] / "clients")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clients.cli", "supervision", *arguments),
            *("--as", profile, "--lang", lang),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        said = output.decode()
        assert "Traceback" not in said, said
        return process.returncode or 0, said

    async def run(self, province: str, *arguments: str) -> tuple[int, Any]:
        """Return exit code and JSON answer."""
        code, said = await self.text(province, *arguments, "--json")
        return code, json.JSONDecoder().raw_decode(said)[0]

    async def until(
        self, good: Callable[[Any], bool], province: str, *arguments: str
    ) -> dict[str, Any]:
        """Return the first answer that is good."""
        end_s = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < end_s:
            code, found = await self.run(province, *arguments)
            if code == 0 and good(found):
                return dict(found)
            await asyncio.sleep(0.05)
        raise AssertionError(f"{arguments} came to {found}")


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    """Four nodes; Shanghai has an institution."""
    async with Wholes.open(tmp_path) as nodes:
        async with nodes.client(SH, "system") as client:
            await client.registry.BatchUpsertInstitutions(
                BatchUpsertInstitutionsRequest(
                    request_id="6f4bb1f6-3f0a-4d0e-9a3f-000000000001",
                    duty=Duty(maker="maker-1", reviewer="reviewer-1"),
                    institutions=[
                        pb.Institution(
                            institution_id="310000-1",
                            name="示例养老院",
                            division_code="310105",
                            approved_beds=10,
                            state=pb.INSTITUTION_STATE_OPERATING,
                        )
                    ],
                )
            )
        yield Clerk(nodes)


@pytest.mark.slow
async def test_from_inspection_to_lift(clerk: Clerk, tmp_path: Path) -> None:
    """Inspect, order, report, ban and lift in one province; the others see each in time."""
    about = ("--institution", "310000-1")
    code, _ = await clerk.run(
        SH, "inspect", "310000-I1", *about, "--finding", "FIRE_EXIT", "--joined-by", JS, *SIGNED
    )
    assert 0 == code
    _, found = await clerk.run(SH, "inspections", "--author", SH)
    (row,) = found["inspections"]
    assert TODAY.isoformat() == row["inspection"]["inspection_date"]
    assert ("FINDINGS", [JS]) == (row["inspection"]["result"], row["inspection"]["joined_by"])
    # An order that is due in five days, and two days after.
    decision = tmp_path / "decision.pdf"
    decision.write_bytes(b"a generated decision")
    due = (TODAY + timedelta(days=5)).isoformat()
    code, found = await clerk.run(
        SH, "measure", "310000-M1", "--kind", "rectification", *about, "--due", due,
        "--inspection", "310000-I1", "--reason", "FIRE_EXIT", "--document", str(decision), *SIGNED,
    )  # fmt: skip
    assert (0, hashlib.sha256(b"a generated decision").hexdigest()) == (
        code,
        found["document_sha256"],
    )
    found = await clerk.until(lambda got: bool(got["measures"]), JS, "list")
    (row,) = found["measures"]
    assert ("IN_FORCE", ["RECORDED"], True) == (row["state"], row["effects"], row["everywhere"])
    assert {"step": "REPORT_DUE", "days": 5} == row["next"]
    late = (TODAY + timedelta(days=7)).isoformat()
    found = await clerk.until(lambda got: bool(got["measures"]), JS, "list", "--on", late)
    (row,) = found["measures"]
    assert ("OVERDUE", ["UNLISTED"], {"step": "OVERDUE", "days": 2}) == (
        row["state"],
        row["effects"],
        row["next"],
    )
    code, text = await clerk.text(JS, "list", "--on", late)
    for words in ("310000-M1", "责令限期整改", "逾期未整改", "不对异地老年人开放", "各省"):
        assert words in text
    # Not mended, then mended; a third report is refused, with the rule in Chinese.
    for said in (("--not-mended", "--reason", "STILL_BLOCKED"), ("--mended",)):
        code, _ = await clerk.run(SH, "report", "310000-M1", *said, *SIGNED)
        assert 0 == code
    code, text = await clerk.text(SH, "report", "310000-M1", "--mended", *SIGNED)
    assert (1, True) == (code, "M12-MENDED" in text and "整改已验收合格" in text), text
    await clerk.until(lambda got: got["measures"][0]["state"] == "MENDED", JS, "list")
    # A ban of Jiangsu, against Shanghai's institution, counts in Jiangsu alone.
    code, _ = await clerk.run(
        JS, "measure", "320000-M1", "--kind", "ban", *about, "--reason", "UNSAFE", *SIGNED
    )
    assert 0 == code
    await clerk.until(
        lambda got: len(got["measures"]) == 2, SH, "list", "--institution", "310000-1"
    )
    code, text = await clerk.text(SH, "show", "320000-M1", lang="en")
    assert (0, True) == (code, "only in 320000" in text and "M25-BAN" in text), text
    code, _ = await clerk.run(JS, "lift", "320000-M1", "--reason", "MENDED", *SIGNED)
    assert 0 == code
    found = await clerk.until(
        lambda got: got["measure"]["state"] == "LIFTED", SH, "show", "320000-M1"
    )
    assert ["RECORDED"] == found["measure"]["effects"]
    code, found = await clerk.run(SH, "list", "--in-force")
    assert (0, []) == (code, found["measures"])
    # What nobody knows, and what is not the own province's.
    code, found = await clerk.run(SH, "show", "310000-M9")
    assert (1, None) == (code, found["measure"])
    code, text = await clerk.text(SH, "lift", "320000-M1", "--reason", "MENDED", *SIGNED)
    assert (1, True) == (code, "M03-NOT-OWN" in text)
    code, text = await clerk.text(
        SH, "measure", "310000-M2", "--kind", "ban", "--institution", "310000-9", "--reason", "X",
        *SIGNED,
    )  # fmt: skip
    assert (1, True) == (code, "没有任何日志登记过该机构或证书" in text), text
