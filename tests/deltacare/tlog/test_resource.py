"""Paths of tiles and bundles: the inverse of how they are written, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.tlog.resource import TileResource, parse_resource
from deltacare.tlog.tile import entries_path, tile_path


@given(
    level=st.none() | st.integers(0, 63),
    index=st.integers(0, 2**55 - 1) | st.integers(0, 2_000_000),
    width=st.integers(1, 256),
)
def test_there_and_back(level: int | None, index: int, width: int) -> None:
    """What the writer spells is read as what was meant."""
    path = entries_path(index, width) if level is None else tile_path(level, index, width)
    assert TileResource(level=level, index=index, width=width) == parse_resource(path)


def test_the_example_of_the_specification() -> None:
    """Index 1234067."""
    expected = TileResource(level=0, index=1_234_067, width=256)
    assert expected == parse_resource("tile/0/x001/x234/067")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x1/000",
        "tile/0/001/000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p",
        "tile/0/000/p/1",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/entries/000.p/256",
        "tile/data/000",
        "tile/0/../0/000",
        "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x001/" * 7 + "001",
    ],
)
def test_other_spellings_mean_nothing(path: str) -> None:
    """No second spelling, nothing beyond any tree, nothing that a file system would resolve."""
    assert parse_resource(path) is None


@given(st.from_regex(r"\Atile/[0-9a-z]{1,8}/[0-9x./p]{1,30}\Z"))
def test_what_is_read_is_spelled_so(path: str) -> None:
    """Whatever is read is spelled in the one way."""
    found = parse_resource(path)
    if found is None:
        return
    written = (
        entries_path(found.index, found.width)
        if found.level is None
        else tile_path(found.level, found.index, found.width)
    )
    assert path == written
