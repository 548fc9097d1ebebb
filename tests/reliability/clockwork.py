# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that take turns by a simulated clock: one runs at a time, the next is the one whose time comes first. An hour takes no time.

A thread gives up its turn where it would wait: for an answer, for a pause to end, for another thread, for a lock. So the same seed is the
same run, although the engine has its threads.
"""

from __future__ import annotations

import collections
import concurrent.futures
import heapq
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _apply, _status, _threads, _writes

WATCHDOG = 300  # real seconds that one turn may take


class Killed(BaseException):
    """The process of this thread was killed: it sends nothing more, and writes nothing."""


class Process:
    """What threads have in common. ends_with: what they raise where they would wait; first: the thread that a signal comes to."""

    def __init__(self) -> None:
        self.ends_with: type[BaseException] | None = None
        self.first: _ClockThread | None = None


class _ClockThread:
    """One thread. main: the first of its process; due: it waits in the queue; over: it has ended."""

    def __init__(self, process: Process, main: bool) -> None:
        self.process, self.main, self.due, self.over = process, main, False, False
        self.go = threading.Lock()
        self.go.acquire()


class Clockwork:
    """now: seconds since 1970."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._order = itertools.count()
        self._queue: list[tuple[float, int, _ClockThread]] = []
        self._over = threading.Lock()  # taken during a turn
        self._over.acquire()
        self._current: _ClockThread | None = None
        self._failures: list[BaseException] = []

    def clock(self) -> float:
        """The time, as a function."""
        return self.now

    def start(self, work: Callable[[], Any], process: Process | None = None, at: float | None = None) -> Future:
        """Runs work in a thread of its own, from then on. Without a process it is another thread of the one that starts it."""
        thread = _ClockThread(process or self._current.process, main=process is not None)
        if process:
            process.first = thread
        future: Future = Future()
        threading.Thread(target=self._run, args=(thread, work, future), daemon=True).start()
        self._enqueue(thread, at)
        return future

    def _run(self, thread: _ClockThread, work: Callable[[], Any], future: Future) -> None:
        thread.go.acquire()
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        thread.over = True
        self._over.release()

    def become(self, process: Process) -> None:
        """This thread is the first of another process from now on: its own one may have ended."""
        self._current.process, process.first = process, self._current

    def run(self) -> None:
        """Gives turns until no thread is left that waits for its time. Real time is bounded: a turn that never ends is an error."""
        while self._queue:
            time, _number, thread = heapq.heappop(self._queue)
            if thread.over:  # what it had waited for before a signal came
                continue
            self.now, self._current, thread.due = max(self.now, time), thread, False
            thread.go.release()
            if not self._over.acquire(timeout=WATCHDOG):
                raise AssertionError('a thread waits for something that is not simulated')
        self._current = None

    def _enqueue(self, thread: _ClockThread, at: float | None = None) -> None:
        if not thread.due:
            thread.due = True
            heapq.heappush(self._queue, (self.now if at is None else at, next(self._order), thread))

    def _give_up_turn(self) -> None:
        """Returns in the next turn of this thread."""
        thread = self._current
        self._over.release()
        thread.go.acquire()
        self._check_end(thread)

    @staticmethod
    def _check_end(thread: _ClockThread) -> None:
        ends_with = thread.process.ends_with
        if ends_with is KeyboardInterrupt and thread.main:
            thread.process.ends_with = None
        if ends_with is Killed or (ends_with and thread.main):
            raise ends_with

    def sleep(self, seconds: float) -> None:
        """Gives up the turn for so long."""
        thread, end = self._current, self.now + max(seconds, 0)
        while True:
            self._enqueue(thread, end)
            self._give_up_turn()
            if self.now >= end:
                return

    def end(self, process: Process, how: type[BaseException]) -> None:
        """Ends a process: Killed ends all of its threads, KeyboardInterrupt comes to the first one."""
        process.ends_with = how
        if process.first:
            self._enqueue(process.first)
        self._check_end(self._current)

    def wait_for(self, future: Future) -> None:
        """Gives up the turn until the future is done."""
        thread = self._current
        if not future.done():
            future.add_done_callback(lambda _future: self._enqueue(thread))
            self._give_up_turn()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The engine's pools, locks, waits and dates are of this clockwork."""
        def wait(futures: list[Future], _timeout: float) -> None:
            self.wait_for(futures[0])

        lock = SimpleNamespace(Lock=partial(_Lock, self))
        names = ((_apply, 'ThreadPoolExecutor', partial(Pool, self)), (concurrent.futures, 'ThreadPoolExecutor', partial(Pool, self)),
                 (_writes, 'threading', lock), (_threads, 'wait', wait),
                 (_status, 'utc_now', lambda: datetime.fromtimestamp(self.now, timezone.utc)))
        with ExitStack() as stack:
            for owner, name, replacement in names:
                stack.enter_context(mock.patch.object(owner, name, replacement))
            yield


class Pool(Executor):
    """So many threads of the clockwork."""

    def __init__(self, clockwork: Clockwork, workers: int) -> None:
        self._clockwork, self._workers = clockwork, workers
        self._todo: collections.deque[tuple[Future, Callable[[], Any]]] = collections.deque()
        self._threads: list[Future] = []

    def submit(self, work: Callable, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        self._todo.append((future, partial(work, *args, **kwargs)))
        if sum(not thread.done() for thread in self._threads) < self._workers:
            self._threads.append(self._clockwork.start(self._work))
        return future

    def _work(self) -> None:
        while self._todo:
            future, work = self._todo.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for thread in self._threads:
            while not thread.done():
                self._clockwork.wait_for(thread)


class _Lock:
    """A lock of the clockwork."""

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        self._taken: Future | None = None

    def __enter__(self) -> None:
        while self._taken:
            self._clockwork.wait_for(self._taken)
        self._taken = Future()

    def __exit__(self, *_error: object) -> None:
        taken, self._taken = self._taken, None
        taken.set_result(None)
