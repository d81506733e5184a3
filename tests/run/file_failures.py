"""Ends of a process at a chosen file operation."""

import os


class Killed(BaseException):
    """Like kill -9: nothing may catch it."""


def at_file_operation(monkeypatch, number: int, error: BaseException, *, forever: bool = False) -> list[int]:
    """Let the ``number``-th time that something is flushed to disk fail; there are two for each file."""
    count = [0]

    def fsync(descriptor):
        count[0] += 1
        if count[0] == number or (forever and count[0] > number):
            raise error

    monkeypatch.setattr(os, "fsync", fsync)
    return count
