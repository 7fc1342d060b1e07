"""Locks: one holder of all threads and processes, freed with it, and never through a link."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ae_jax.errors import StorageError
from ae_jax.locks import HeldError, exclusive, hold, is_held


def test_one_holds_it_and_the_others_are_told_who(tmp_path):
    path = tmp_path / ".lock"
    assert is_held(path) is None
    with hold(path):
        assert is_held(path) is True
        with pytest.raises(HeldError, match=f"process {os.getpid()} on "):
            hold(path)
    assert is_held(path) is False
    hold(path).close()


def test_who_asks_whether_it_is_held_is_in_nobody_s_way(tmp_path):
    path, done = tmp_path / ".lock", threading.Event()
    hold(path).close()

    def ask() -> None:
        while not done.is_set():
            is_held(path)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        for _ in range(300):
            hold(path).close()
    finally:
        done.set()
        for thread in asking:
            thread.join()


def test_threads_take_turns(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count(_: int) -> None:
        with exclusive(tmp_path / ".lock"):
            counter.write_text(str(int(counter.read_text()) + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(200)))
    assert counter.read_text() == "200"


@pytest.mark.parametrize("make", ["link", "folder"])
def test_what_is_no_file_is_no_lock(make, tmp_path):
    precious, path = tmp_path / "precious", tmp_path / ".lock"
    precious.write_text("mine")
    path.symlink_to(precious) if make == "link" else path.mkdir()
    for take in (hold, lambda path: exclusive(path).__enter__()):
        with pytest.raises(StorageError, match=r"\.lock: cannot be written"):
            take(path)
    assert precious.read_text() == "mine"
