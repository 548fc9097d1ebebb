# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transport that plays a script, and a clock that only moves when somebody sleeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client, token_headers
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response

BASE = 'https://api.example/client/v4'
ACCOUNT = 'f' * 32


class Headers(dict):
    """As requests has them: looked up without regard to case."""

    def __init__(self, **headers: str) -> None:
        super().__init__({name.replace('_', '-').lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def answer(data: Any = None, status: int = 200, body: bytes | None = None, **headers: str) -> Response:
    """An answer with a JSON body, or with the body as it is."""
    return Response(status, Headers(**headers), json.dumps(data).encode() if body is None else body)


def refusal(status: int, code: int | None = None, message: str = 'no', **headers: str) -> Response:
    """An error in Cloudflare's envelope."""
    return answer({'success': False, 'result': None, 'errors': [{'code': code, 'message': message}], 'messages': []}, status, **headers)


class Script:
    """Answers each request with the next line: a Response, an exception to raise, or a function of the request."""

    def __init__(self, *lines: Response | Exception | Callable) -> None:
        self.lines = list(lines)
        self.sent: list[dict[str, Any]] = []
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Response:
        path = url.removeprefix(f'{BASE}/accounts/{ACCOUNT}')
        request = {'method': method, 'url': path, 'headers': headers, 'body': body and json.loads(body), 'at': self.now}
        self.sent.append(request)
        if not self.lines:
            pytest.fail(f'{method} {path} is sent, but the script has no answer left: this is request {len(self.sent)} of the test.')
        line = self.lines.pop(0)
        if isinstance(line, Exception):
            raise line
        return line(request) if callable(line) else line

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def client(self, **options: Any) -> Client:
        options = {'clock': lambda: self.now, 'sleep': self.sleep, 'jitter': lambda: 1.0, **options}
        return Client(self, ACCOUNT, token_headers('t0ken'), BASE, **options)

    def requests(self) -> Iterable[tuple[str, str]]:
        """(method, url) of all that was sent."""
        return [(request['method'], request['url']) for request in self.sent]
