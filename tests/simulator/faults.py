# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what a bad network, a failing edge or a slow service does to a request."""

from __future__ import annotations

import asyncio
import dataclasses
import email.utils
import json
import math
import re
import time

from aiohttp import web

HANG_AT_MOST = 300  # seconds
EDGE_PAGE = '<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1><p>cloudflare</p></body></html>\n'
# What the edge names its own failures (source: Cloudflare's support pages on 5xx errors); any other is a Bad gateway.
EDGE_TITLES = {
    520: 'Web server is returning an unknown error',
    521: 'Web server is down',
    522: 'Connection timed out',
    523: 'Origin is unreachable',
    524: 'A timeout occurred',
    525: 'SSL handshake failed',
    526: 'Invalid SSL certificate',
    527: 'Railgun error',
}


@dataclasses.dataclass
class Fault:
    """One row of `POST /_sim/faults`. `times` null is for ever; `delay` is in milliseconds, `size` in bytes, `retry_at` in seconds from
    the answer; `applied` says whether the service sees the request before it goes wrong (the kind's own default when null)."""

    kind: str
    method: str | None = None
    path: str = ''
    after: int = 0
    times: int | None = 1
    status: int | None = None
    headers: dict = dataclasses.field(default_factory=dict)
    body: object = None
    delay: int = 1000
    size: int = 1
    retry_at: int | None = None
    applied: bool | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f'kind is not one of {", ".join(KINDS)}')
        re.compile(self.path)
        if self.applied is None:
            self.applied = KINDS[self.kind][0]

    def applies_to(self, method: str, raw_path: str) -> bool:
        """Whether it applies to this request; counts it if it matches."""
        if self.times == 0 or self.method not in (None, method) or not re.search(self.path, raw_path):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    async def inject(self, request: web.Request, answer: web.Response | None) -> web.Response:
        """What the client gets. `answer` is the service's, or None if the service was not asked."""
        return await KINDS[self.kind][1](self, request, answer)

    def answer(self, status: int, content_type: str, body: object) -> web.Response:
        """An answer of its own making: the fault's status, headers and body, where it has them."""
        body = body if self.body is None else self.body
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {'Content-Type': content_type, **self._retry_after(), **self.headers}
        return web.Response(status=self.status or status, body=text.encode(), headers=headers)

    def _retry_after(self) -> dict[str, str]:
        """The header with a date, in whole seconds as HTTP has it: up to one later than asked for."""
        if self.retry_at is None:
            return {}
        return {'Retry-After': email.utils.formatdate(math.ceil(time.time() + self.retry_at), usegmt=True)}


async def _status(fault, request, answer):
    error = {'code': fault.status or 500, 'message': 'injected fault'}
    return fault.answer(500, 'application/json', {'success': False, 'errors': [error], 'messages': [], 'result': None})


async def _drop(fault, request, answer):
    request['aborted'] = True
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _hang(fault, request, answer):
    request['aborted'] = True
    for _tick in range(HANG_AT_MOST * 20):
        if request.transport is None or request.transport.is_closing():
            break
        await asyncio.sleep(0.05)
    return await _drop(fault, request, answer)


async def _truncate(fault, request, answer):
    # Half the body with a Content-Length that fits: the answer looks whole and is not valid JSON.
    return web.Response(status=answer.status, body=answer.body and answer.body[: len(answer.body) // 2], content_type=answer.content_type)


async def _html(fault, request, answer):
    status = fault.status or 502
    return fault.answer(502, 'text/html', EDGE_PAGE.format(title=f'{status} {EDGE_TITLES.get(status, "Bad gateway")}'))


async def _empty(fault, request, answer):
    return web.Response(status=fault.status or 200, headers=fault.headers)


async def _redirect(fault, request, answer):
    return web.Response(status=fault.status or 307, headers={'Location': request.raw_path, **fault.headers})


async def _slow(fault, request, answer):
    await asyncio.sleep(fault.delay / 1000)
    return answer


class _Dripping(web.Response):
    """An answer that goes out `size` bytes at a time, `delay` milliseconds apart, the head too or else at once."""

    def __init__(self, fault: Fault, answer: web.Response):
        super().__init__(status=answer.status, headers=answer.headers, body=answer.body)
        self._fault = fault

    async def prepare(self, request: web.Request) -> None:
        """Writes nothing yet: aiohttp would send the head in one piece."""
        self._transport = request.transport

    async def write_eof(self, data: bytes = b'') -> None:
        fault = self._fault
        self.headers.update({'Connection': 'close', 'Content-Length': str(len(self.body or b''))})
        lines = [f'HTTP/1.1 {self.status} {self.reason}', *(f'{name}: {value}' for name, value in self.headers.items()), '', '']
        whole = '\r\n'.join(lines).encode() + (self.body or b'')
        start = 0
        end = len(whole) - len(self.body or b'') if fault.kind == 'drip' else fault.size
        while start < len(whole) and self._transport is not None and not self._transport.is_closing():
            self._transport.write(whole[start:end])
            start, end = end, end + fault.size
            await asyncio.sleep(fault.delay / 1000)


async def _drip(fault, request, answer):
    return _Dripping(fault, answer)


# kind: (does the service see the request, unless the fault says otherwise, and what becomes of the answer)
KINDS = {
    'status': (False, _status),
    'drop_before': (False, _drop),
    'drop_after': (True, _drop),
    'hang_before': (False, _hang),
    'hang_after': (True, _hang),
    'truncate': (True, _truncate),
    'html': (False, _html),
    'empty': (True, _empty),
    'redirect': (False, _redirect),
    'slow': (True, _slow),
    'drip': (True, _drip),
    'drip_head': (True, _drip),
}
