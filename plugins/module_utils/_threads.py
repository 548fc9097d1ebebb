# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits of the main thread, which wake up now and then.

Python runs the handler of a signal when the main thread comes back from a wait. A signal that arrives just before the wait does not end it,
so that after Ctrl-C a single long wait would let other threads go on sending.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, wait
from typing import Any, TypeVar

T = TypeVar('T')

WAKE_UP_EVERY = 0.5  # seconds


def concurrent_results(pool: Executor, work: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """[work(*items) for the items of each position], as Executor.map returns them. Raises the first error, and begins nothing after it."""
    futures = [pool.submit(work, *items) for items in zip(*arguments, strict=False)]
    try:
        return [_result(future) for future in futures]
    finally:
        for future in futures:
            future.cancel()


def _result(future: Future[T]) -> T:
    while not future.done():
        wait([future], WAKE_UP_EVERY)
    return future.result()


def wait_for(event: threading.Event, seconds: float) -> None:
    """Waits so many seconds, or until the event is set."""
    end = time.monotonic() + seconds
    while (remaining := end - time.monotonic()) > 0 and not event.wait(min(remaining, WAKE_UP_EVERY)):
        pass
