# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator in this process: the work of a module in a millisecond, without HTTP and without AnsibleModule."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from multidict import CIMultiDict

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client, token_headers
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AmbiguousError,
    DriftError,
    InputError,
    NotListedError,
    ProtectedError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, Work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import drop_empty
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response
from app import Simulation
from contract import BASE, Message

# What a plan may end with; any other error in these tests is a bug.
REFUSALS = (InputError, AmbiguousError, DriftError, NotListedError, ProtectedError)


@dataclass
class Ended:
    """How a task ended. result: as exit_json or fail_json get it; writes: the (method, path) it sent; warnings: in order."""

    result: dict[str, Any]
    writes: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return 'msg' in self.result

    @property
    def predictable(self) -> str:
        """What check mode has to predict, to the byte but for new addresses: whether something changes, the diff, or why it is refused."""
        shown = {name: value for name, value in self.result.items() if name in ('changed', 'diff', 'msg', 'error')}
        warnings = [re.sub(r'(changes from \S+ to ).*(\. Change)', r'\1(known after apply)\2', text) for text in self.warnings]
        return json.dumps([shown, warnings])


class Api:
    """A transport whose other end is the simulated API. One is enough for all tests: seed() starts afresh."""

    def __init__(self) -> None:
        self._simulation = Simulation([])

    def seed(self, lists: Mapping[str, Any], **options: Any) -> None:
        """Start afresh with these lists in the store, and with some of the simulator's options changed by name."""
        self._simulation.reset(**options)
        self._simulation.seed(**lists)

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        parts = urlsplit(url)
        message = Message(method, parts.path, dict(parse_qsl(parts.query)), CIMultiDict(headers), body)
        answer = self._simulation.ask(method, message)
        return Response(answer.status, answer.headers, answer.body or b'')

    @property
    def state(self) -> dict[str, Any]:
        """A copy of what is stored: {slots, interconnects, cnis, settings, tunnels, routes, filter_profiles}."""
        return copy.deepcopy(self._simulation.store.state())

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Every request since seed(), as the simulator records them."""
        return self._simulation.requests

    def client(self) -> Client:
        """A client whose clock moves only when it waits, as for what is not listed yet."""
        options, slept = self._simulation.options, [0.0]
        return Client(self, options.account, token_headers(options.token), f'https://api.example{BASE}', sleep=slept.append,
                      clock=lambda: sum(slept))

    def run(self, work: Work, params: Mapping[str, Any], check: bool = False) -> Ended:
        """The work of a module with these options. Raises any error that is not a refusal of the plan."""
        warnings: list[str] = []
        client = self.client()
        task = Task(drop_empty(dict(params)), client, SimpleNamespace(check_mode=check, warn=warnings.append))
        before = len(self.requests)
        try:
            result = work(task)
        except REFUSALS as error:
            result = error.result()
        assert client.counters['retries'] == 0, 'the simulator failed, and says above why'
        writes = [(request['method'], request['path']) for request in self.requests[before:] if request['method'] != 'GET']
        return Ended(json.loads(json.dumps(result)), writes, warnings)
