# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal that another thread gets does not end a wait of the main thread, as one that arrives just before the wait does not."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from simulator.process import WAIT

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._threads import concurrent_results


class Interrupted(Exception):
    """What the handler of the signal raises."""


@pytest.fixture
def interrupt():
    """Sends the signal to the thread that calls it."""
    def handle(number, frame):
        raise Interrupted
    before = signal.signal(signal.SIGUSR1, handle)
    yield lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_a_wait_for_other_threads_ends_with_the_handler_of_a_signal(interrupt):
    ended, done = threading.Event(), []

    def work(item):
        interrupt()
        ended.wait(WAIT)
        done.append(item)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # its thread runs
        with pytest.raises(Interrupted):
            concurrent_results(pool, work, [1])
        assert done == []
        ended.set()
    assert done == [1]


def test_a_wait_before_a_request_ends_with_the_handler_of_a_signal(interrupt):
    client = Client(None, 'a', {}, 'https://localhost', jitter=lambda: 1000)
    begin = time.monotonic()
    with pytest.raises(Interrupted):
        threading.Timer(0.1, interrupt).start()
        client.back_off(10, longest=2 * WAIT)
    assert time.monotonic() - begin < WAIT


def test_results_are_in_order_and_nothing_is_begun_after_an_error():
    begun = []

    def work(first, second):
        begun.append(first)
        return 6 // (first - second)

    with ThreadPoolExecutor(1) as pool:
        assert concurrent_results(pool, work, [3, 2], [0, 0, 0]) == [2, 3]
        with pytest.raises(ZeroDivisionError):
            concurrent_results(pool, work, [1, 2, 3], [1, 0, 0])
    assert begun[:3] == [3, 2, 1] and len(begun) < 6
