# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Much work under the simulator's rate limit, in a time of its own: nothing fails, and little time is lost."""

from __future__ import annotations

import itertools
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from simulator.gateway import GatewayError, RateLimit

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import WINDOW, Client, token_headers
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response

LATENCY = 1 / 128  # seconds that a request takes
CONNECTING = 0.5  # seconds more that the first one of a client takes to arrive
SLACK = 1.15  # times the least time there is


class Time:
    """A clock for several threads, of which one runs at a time: when it sleeps, the one that wakes first goes on."""

    def __init__(self) -> None:
        self.now, self._running = 0.0, 0
        self._wakes: dict[int, float] = {}
        self._turn = threading.Condition()

    def sleep(self, seconds: float) -> None:
        """Returns so many seconds later."""
        me = threading.get_ident()
        with self._turn:
            self._wakes[me] = self.now + seconds
            self._turn.notify_all()
            self._turn.wait_for(lambda: len(self._wakes) == self._running and me == min(self._wakes, key=self._wakes.__getitem__))
            self.now = max(self.now, self._wakes.pop(me))

    def run(self, works: list) -> None:
        """Does all works at the same time. Raises what one of them raises."""
        self._running = len(works)

        def run_work(work) -> None:
            try:
                self.sleep(0)
                work()
            finally:
                with self._turn:
                    self._running -= 1
                    self._turn.notify_all()

        with ThreadPoolExecutor(len(works)) as pool:
            for done in [pool.submit(run_work, work) for work in works]:
                done.result()


class Gateway:
    """The simulator's rate limit as a transport. refused: how often it answered 429; has_headers: whether it has the Ratelimit headers."""

    def __init__(self, limit: int, window: float, has_headers: bool) -> None:
        self.time, self.refused, self.served = Time(), 0, 0
        self._limit, self._has_headers = RateLimit(limit, window, lambda: self.time.now), has_headers

    def __call__(self, method, url, headers, body) -> Response:
        self.time.sleep(LATENCY)
        try:
            self._limit.check()
        except GatewayError as refusal:
            self.refused += 1
            return Response(refusal.status, refusal.headers, b'')
        self.served += 1
        return Response(200, self._limit.headers() if self._has_headers else {}, b'{}')

    def work(self, calls: int, clients: int = 1, **options) -> float:
        """How many times the least time so many calls take, by so many clients that know nothing of each other."""
        def send_calls() -> None:
            delays = itertools.chain([CONNECTING], itertools.repeat(0))

            def send(*request) -> Response:
                self.time.sleep(next(delays))
                return self(*request)

            client = Client(send, 'f' * 32, token_headers('t0ken'), 'https://api.example', clock=lambda: self.time.now,
                            sleep=self.time.sleep, **options)
            for _call in range(calls // clients):
                client.get(('cni', 'settings'))

        self.time.run([send_calls] * clients)
        assert self.served == calls
        return self.time.now / ((math.ceil(calls / self._limit.limit) - 1) * self._limit.window)


HEADERS = pytest.mark.parametrize('has_headers', [True, False], ids=['headers', 'no headers'])


@HEADERS
@pytest.mark.parametrize('window', [5, WINDOW])
def test_one_client_takes_hardly_longer_than_it_must(window, has_headers):
    gateway = Gateway(60, window, has_headers)
    assert 1 <= gateway.work(300) <= SLACK
    assert gateway.refused == (0 if has_headers else 4)


@HEADERS
def test_a_client_that_keeps_to_the_limit_by_itself_is_never_refused(has_headers):
    gateway = Gateway(60, WINDOW, has_headers)
    assert 1 <= gateway.work(300, requests_per_window=60) <= SLACK
    assert gateway.refused == 0


@HEADERS
@pytest.mark.parametrize(('clients', 'window'), [(8, 5), (8, WINDOW), (50, WINDOW)])
def test_clients_that_share_a_token_all_finish(clients, window, has_headers):
    assert 1 <= Gateway(60, window, has_headers).work(400, clients) <= SLACK


def test_clients_that_divide_the_budget_are_never_refused():
    gateway = Gateway(60, WINDOW, has_headers=False)
    gateway.work(304, 8, requests_per_window=60 // 8)
    assert gateway.refused == 0


def test_the_threads_of_a_run_are_not_refused_although_an_earlier_run_has_used_the_budget():
    gateway = Gateway(60, WINDOW, has_headers=True)
    for _run in range(2):
        client = Client(gateway, 'f' * 32, token_headers('t0ken'), 'https://api.example', requests_per_window=60,
                        clock=lambda: gateway.time.now, sleep=gateway.time.sleep)
        gateway.time.run([lambda client=client: [client.get(('cni', 'settings')) for _call in range(10)]] * 4)
    assert (gateway.served, gateway.refused) == (80, 0)


def test_a_run_that_goes_on_with_more_threads_is_not_refused_either():
    gateway = Gateway(60, WINDOW, has_headers=True)
    for phases in ([(1, 36)], [(1, 20), (8, 1)]):
        client = Client(gateway, 'f' * 32, token_headers('t0ken'), 'https://api.example', requests_per_window=60,
                        clock=lambda: gateway.time.now, sleep=gateway.time.sleep)
        for threads, calls in phases:
            gateway.time.run([lambda client=client, calls=calls: [client.get(('cni', 'settings')) for _call in range(calls)]] * threads)
    assert (gateway.served, gateway.refused) == (64, 0)
