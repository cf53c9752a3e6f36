"""Files from others: a limit, and nothing that is waited for or has no end."""

import os
import socket
from pathlib import Path

import pytest

from clients.regular_files import NotRegular, read_regular
from deltacare.errors import Reason

HUGE = 100 * 1024**3
"""More than there is memory; on disk it is a hole."""


def test_a_file_and_a_link_to_it(tmp_path: Path) -> None:
    """What is there is returned whole, also through a link."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    link = tmp_path / "link"
    link.symlink_to(file)
    assert b"12345" == read_regular(file, bytes_max=5)
    assert b"12345" == read_regular(link, bytes_max=9)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """No more is read than tells that it is too much."""
    file = tmp_path / "file"
    file.touch()
    os.truncate(file, HUGE)
    assert 6 == len(read_regular(file, bytes_max=5))


def test_what_is_no_file(tmp_path: Path) -> None:
    """Directories, pipes, devices and links to them are refused at once, in both languages."""
    pipe, endless = tmp_path / "pipe", tmp_path / "endless"
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    for path in (tmp_path, pipe, endless):
        with pytest.raises(NotRegular) as caught:
            read_regular(path, bytes_max=5)
        assert Reason.INVALID_FIELD is caught.value.reason
        assert str(path) in caught.value.en
        assert "普通文件" in caught.value.details["text_zh"]


def test_what_is_not_there_or_cannot_be_opened(tmp_path: Path) -> None:
    """The system's own words, with the name."""
    with pytest.raises(FileNotFoundError, match="missing"):
        read_regular(tmp_path / "missing", bytes_max=5)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="socket"):
            read_regular(tmp_path / "socket", bytes_max=5)


def test_nothing_stays_open(tmp_path: Path) -> None:
    """A refused file takes no descriptor."""
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208  # a count
    for _ in range(3):
        with pytest.raises(NotRegular):
            read_regular(tmp_path, bytes_max=5)
    assert before == len(os.listdir("/dev/fd"))  # noqa: PTH208  # a count
