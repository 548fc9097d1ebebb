# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run has come: lines for the user, and the count of the chains that have ended."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task

Progress = Callable[[int, int], None]  # called with the numbers of circuits that are done, and of all


def progress_reporter(task: Task) -> Progress:
    """Shows a line of progress each time that progress_every seconds have passed, if lines can be shown at all."""
    every, started = task.params['progress_every'], task.client.clock()
    due = started + every

    def report_progress(done: int, total: int) -> None:
        nonlocal due
        now = task.client.clock()
        if now >= due:
            due = now + every
            task.show_line(_progress_line(done, total, now - started))
    return report_progress if task.show_line and every > 0 else lambda done, total: None


def wait_reporter(task: Task) -> Callable[[str], None]:
    """Shows why the run waits, each time that it has waited for progress_every seconds, if lines can be shown at all."""
    every, current, began, due = task.params['progress_every'], '', 0.0, 0.0

    def report_wait(reason: str) -> None:
        nonlocal current, began, due
        now = task.client.clock()
        if reason != current:  # another wait
            current, began, due = reason, now, now + every
        if now >= due:
            due = now + every
            task.show_line(f'rollout: waiting for {now - began:.0f} s, {task.client.retry_timeout:g} s at most: {reason}')
    return report_wait if task.show_line and every > 0 else lambda reason: None


def _progress_line(done: int, total: int, seconds: float) -> str:
    """How many circuits are done, how many a second, and how long the rest will take."""
    text = f'rollout: {done} of {total} circuits after {seconds:.0f} s'
    return f'{text} ({done / seconds:.1f}/s), about {(total - done) * seconds / done:.0f} s left' if done and seconds else text


class ChainCounter:
    """Counts the chains that have ended.

    unrecorded: the chains that take an interconnect and have not recorded it yet; release: called when there is none left.
    """

    def __init__(self, total: int, unrecorded: set[int], on_progress: Progress, release: Callable[[], None]) -> None:
        self._total, self._unrecorded, self._on_progress, self._release = total, unrecorded, on_progress, release
        self._done, self._lock = 0, threading.Lock()

    def on_record(self, number: int) -> None:
        with self._lock:
            self._unrecorded.discard(number)
            if not self._unrecorded:
                self._release()

    def ended(self, number: int) -> None:
        self.on_record(number)
        with self._lock:
            self._done += 1
            self._on_progress(self._done, self._total)
