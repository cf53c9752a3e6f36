"""A witness that is killed between requests: what it cosigned it has not forgotten."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from deltacare.ids import LogName
from tests.support.http import Door, History

LOG = LogName.registry("310000")
ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def process(directory: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Door]]:
    """Start the child, and kill it in the end whatever it does."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("crash_child.py")),
        str(directory),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT}/proto/python", "PATH": ""},
    )
    try:
        async with aiohttp.ClientSession() as session:
            yield child, Door(port=await _port(child), session=session)
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _port(child: asyncio.subprocess.Process) -> int:
    """Return the port that the child states among what it logs."""
    assert child.stdout is not None
    async for line in child.stdout:
        match line.split():
            case [b"port", port, b"."]:
                return int(port)
    raise AssertionError("the child ended before it served")


@pytest.mark.slow
async def test_a_kill_keeps_the_floor(tmp_path: Path) -> None:
    """SIGKILL behind each answer, and amid many requests: the other history is never cosigned."""
    true, other = History.of(LOG, 60), History.of(LOG, 60, label="other")
    floor = 0
    for size in (7, 20):
        async with process(tmp_path) as (_, door):
            assert (
                b"%d\n" % floor
                == (await door.post(other.submission(50, old_size=1).to_bytes())).body
            )
            reply = await door.post(true.submission(size, old_size=floor).to_bytes())
            assert 200 == reply.status
            floor = size
    # Killed while both histories are brought: what was answered with 200 binds.
    async with process(tmp_path) as (child, door):
        answers = [
            asyncio.create_task(
                # Of different sizes: two signed roots of one size would be a proven fork.
                door.post((true, other)[n % 2].submission(30 + n % 2, old_size=20).to_bytes())
            )
            for n in range(30)
        ]
        await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        child.kill()
        replies = await asyncio.gather(*answers, return_exceptions=True)
        cosigned = {
            n % 2
            for n, r in enumerate(replies)
            if not isinstance(r, BaseException) and r.status == 200
        }
    assert cosigned <= {0}
    async with process(tmp_path) as (_, door):
        floor = int((await door.post(true.submission(59, old_size=58).to_bytes())).body)
        assert floor in ({30} if cosigned else {20, 30})
        assert 200 != (await door.post(other.submission(50, old_size=floor).to_bytes())).status
        assert 200 == (await door.post(true.submission(50, old_size=floor).to_bytes())).status
