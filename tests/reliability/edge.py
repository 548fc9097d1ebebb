# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to Cloudflare in the soak: latency, faults, ends of processes, a budget for each credential, and the simulator at its end."""

from __future__ import annotations

import collections
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from multidict import CIMultiDict
from reliability.audit import BUDGET, WINDOW, Actor, Audit
from reliability.clockwork import Clockwork, Killed, Process
from reliability.matrix import FAULTS

import answers
import gateway
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import TransportError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response
from app import Simulation
from contract import BASE, Message
from faults import Fault

HTTP_TIMEOUT = 30  # seconds
LATENCY = (0.02, 0.1)  # seconds, each way
FAULT_SHARE = 0.01  # of the requests
# Faults of one moment. Those that differ in how bytes drip, or in real dates, are the fault matrix's.
DRAWN = [row for name, row in FAULTS.items() if row['kind'] not in ('kill', 'drip', 'drip_head', 'redirect') and 'retry_at' not in row]
NETWORK = {'drop_before': 'dropped', 'drop_after': 'dropped', 'hang_before': 'timeout', 'hang_after': 'timeout'}


@dataclass
class Run:
    """One process of an actor. ends: (how, at which of its requests, whether that is done); at_most_per_site: None without guards.

    maintained: the ports under maintenance when it began; circuits_before: {circuit: site} of those that there were then.
    disturbed: {site: the circuits} that its task has changed; informed: its task knows what is left of the budget.
    """

    actor: Actor
    name: str
    process: Process = field(default_factory=Process)
    ends: tuple[type[BaseException], int, bool] | None = None
    at_most_per_site: int | None = None
    maintained: frozenset[str] = frozenset()
    circuits_before: dict[str, str] = field(default_factory=dict)
    disturbed: dict[str, set[str]] = field(default_factory=lambda: collections.defaultdict(set))
    sent: int = 0
    informed: bool = False

    def __str__(self) -> str:
        return self.name


class Edge:
    """Cloudflare, and the way there: latency, faults, a budget for each credential. calm: without faults."""

    def __init__(self, simulation: Simulation, clockwork: Clockwork, audit: Audit, rng: random.Random) -> None:
        self._simulation, self._clockwork, self._audit, self._rng = simulation, clockwork, audit, rng
        self._limits: dict[str, gateway.RateLimit] = {}
        self.calm = True

    def client(self, run: Run) -> Client:
        """A client of a task in that process. Its clock is simulated."""
        run.informed = False  # nobody knows of the budget before the first answer, and after one that a fault took

        def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
            try:
                answer = self._send(run, method, url, headers, body)
            except TransportError:
                run.informed = False
                raise
            run.informed = 'Ratelimit' in answer.headers
            return answer

        return Client(send, self._simulation.options.account, run.actor.credentials, f'https://api.example{BASE}',
                      clock=self._clockwork.clock, sleep=self._clockwork.sleep, jitter=self._rng.random)

    def _send(self, run: Run, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        self._clockwork.sleep(self._rng.uniform(0.02, 0.1))
        run.sent += 1
        how, number, after = run.ends or (Killed, 0, False)
        if run.sent == number and not after:
            self._end(run, how)
        fault = self._drawn(run)
        answer = self.ask(run, method, url, headers, body) if fault is None or fault.applied else None
        if run.sent == number and after:
            self._end(run, how)
        self._clockwork.sleep(self._rng.uniform(0.02, 0.1))
        if fault:
            answer = self._inject(fault, answer, method, url)
        return Response(answer.status, answer.headers, answer.body or b'')

    def _end(self, run: Run, how: type[BaseException]) -> None:
        self._audit.counts['killed' if how is Killed else 'interrupted'] += 1
        self._clockwork.end(run.process, how)

    def _drawn(self, run: Run) -> Fault | None:
        if self.calm or not run.actor.controller or self._rng.random() >= FAULT_SHARE:
            return None
        self._audit.counts['faults'] += 1
        return Fault(**self._rng.choice(DRAWN))

    def _inject(self, fault: Fault, answer: Any, method: str, url: str) -> Any:
        if fault.kind in NETWORK:
            self._clockwork.sleep(HTTP_TIMEOUT if NETWORK[fault.kind] == 'timeout' else 0)
            raise TransportError(NETWORK[fault.kind], method, urlsplit(url).path, 'injected fault')
        try:
            fault.inject(None, answer).send(None)  # these kinds wait for nothing
        except StopIteration as end:
            return end.value
        raise AssertionError(f'{fault.kind} waits')

    def ask(self, run: Run, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Any:
        """What Cloudflare answers."""
        parts, limit = urlsplit(url), self._limits.setdefault(run.actor.name, gateway.RateLimit(BUDGET, WINDOW, self._clockwork.clock))
        if run.actor.controller:
            self._audit.count_request(run)
            try:
                limit.check()
            except gateway.GatewayError as refused:
                return answers.error(refused.status, refused.errors, {**refused.headers, **limit.headers()})
        targets = self._audit.targets(method, parts.path, json.loads(body) if body else None)
        message = Message(method, parts.path, dict(parse_qsl(parts.query)), CIMultiDict(headers), body)
        answer = self._simulation.ask(method, message)
        answer.headers.update(limit.headers())
        if self._simulation.requests.pop()['applied']:
            self._audit.record_applied(run, method, targets)
        return answer
