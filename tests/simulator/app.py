# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server: recording, faults and the gateway as layers around the service, and the controls beside it."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import re
import secrets
import sys
import time
import traceback

from aiohttp import web

import analytics
import answers
import gateway
import options
import profile_file
from contract import Checker, Contract, Message
from faults import Fault
from rules import Refusal, Rules
from service import Service
from store import Store

BODY_AT_MOST = 64 * 2**20  # bytes; a seed may hold thousands of objects


class Simulation:
    """The whole simulated API. `arguments` are the words of the command line, which a reset goes back to."""

    def __init__(self, arguments: list[str], clock=time.time):
        self._contract = Contract()
        self._arguments = arguments
        self._clock = clock
        self.reset()

    def reset(self, **changes) -> None:
        """Start afresh, with some options changed by name; raises ValueError, and leaves all as it was, if one is wrong."""
        changed = options.changed(self._arguments, changes)
        self.options = changed
        self.store = Store(changed.account, changed.slots, self._clock, **dataclasses.asdict(Rules.of(changed)))
        self.faults: list[Fault] = []
        self.requests: list[dict] = []
        self._service = Service(self.store, None if changed.no_validate else self._checker, changed)
        self._rate_limit = gateway.RateLimit(*changed.rate_limit, self._clock) if changed.rate_limit else None

    def seed(self, **lists) -> None:
        """Put lists in place of the store's; raises Refusal."""
        self.store.seed(lists)

    def set_status(self, name: str, state: str, reason: str | None = None) -> None:
        """Override an interconnect's status; raises Refusal."""
        self.store.set_status(name, state, reason)

    def send_alert(self, **alert) -> None:
        """Send an alert to whom the policies say; raises Refusal or TypeError for one that makes no sense."""
        self.store.send_alert(**alert)

    def set_traffic(self, **traffic) -> None:
        """Set what the tunnel of an interconnect carries; raises Refusal or TypeError."""
        self.store.set_traffic(**traffic)

    def add_fault(self, **row) -> None:
        """Let requests go wrong; raises TypeError, ValueError or re.error for a row that makes no sense."""
        self.faults.append(Fault(**row))

    def end_faults(self) -> None:
        """Let requests go right again."""
        self.faults.clear()

    @functools.cached_property
    def _checker(self) -> Checker:
        return Checker(self._contract)

    async def handle(self, request: web.Request) -> web.Response:
        """Outermost layer: records the request and marks the answer."""
        data = await request.read()
        message = Message(request.method, request.raw_path.partition('?')[0], request.query, request.headers, data or None)
        record = self._recorded(request.method, message)
        answer = await self._with_faults(request, message, record)
        if not request.get('aborted'):
            record['status'] = answer.status
        answer.headers.setdefault('cf-ray', f'{secrets.token_hex(8)}-EWR')
        if self.options.verbose:
            print(request.method, request.raw_path, record['status'], file=sys.stderr, flush=True)
        return answer

    def ask(self, method: str, message: Message) -> web.Response:
        """The answer to a request from this very process: recorded as any other, but there is no network to fail or to wait for."""
        record = self._recorded(method, message)
        answer = self._answer(message, record)
        record['status'] = answer.status
        return answer

    def _recorded(self, method: str, message: Message) -> dict:
        record = {
            'method': method,
            'path': message.path,
            'query': dict(message.query),
            'body': _parsed(message.body),
            'status': None,
            'applied': False,
        }
        self.requests.append(record)
        return record

    async def _with_faults(self, request: web.Request, message: Message, record: dict) -> web.Response:
        fault = next((fault for fault in self.faults if fault.applies_to(record['method'], record['path'])), None)
        if fault is None:
            return await self._late(message, record)
        return await fault.inject(request, await self._late(message, record) if fault.applied else None)

    async def _late(self, message: Message, record: dict) -> web.Response:
        await asyncio.sleep(self.options.latency / 1000)
        return self._answer(message, record)

    def _answer(self, message: Message, record: dict) -> web.Response:
        """A plain function, so that each request is atomic and `applied` is about this one."""
        before = self.store.changes
        try:
            answer = self._passed_on(message, record)
        except gateway.GatewayError as refused:
            answer = answers.error(refused.status, refused.errors, refused.headers)
        except Exception:
            traceback.print_exc()
            answer = web.Response(status=500, text=f"This is the simulator's own fault, not the request's.\n{traceback.format_exc()}")
        record['applied'] = self.store.changes != before
        answer.headers.update(self._rate_limit.headers() if self._rate_limit else {})
        return answer

    def _passed_on(self, message: Message, record: dict) -> web.Response:
        """The service's answer to what the gateway lets through; raises GatewayError for the rest."""
        may_write = gateway.check_credentials(message.headers, self.options, record['path'])
        if self._rate_limit:
            self._rate_limit.check()
        if (record['method'], record['path']) == ('POST', analytics.PATH):
            return self._analytics(message, record['body'])
        routed = self._contract.route(record['method'], record['path'])
        if routed is None:
            raise gateway.no_route(record['path'])
        operation, params = routed
        gateway.check_account(params.get('account_id', self.options.account), self.options.account, record['path'])
        if operation.is_alerting:
            gateway.check_notifications(message.headers, self.options)
        gateway.check_verification(operation.name, message.headers, self.options)
        if not may_write and operation.method not in gateway.READS:
            raise gateway.authentication_error()
        return self._service.answer(message, operation, params, record['body'])

    def _analytics(self, message: Message, body: object) -> web.Response:
        """GraphQL: a POST that reads, and whose errors have status 200."""
        may_read = gateway.has_other_permissions(message.headers, self.options)
        return answers.json_response(analytics.answer(body, self.options.account, may_read, not self.options.no_analytics,
                                                      self.store.traffic_rows, self._clock()))


def _parsed(data: bytes | None) -> object:
    """A body as JSON, or as text where it is none."""
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode('utf-8', 'replace')


def _control(change):
    """A handler that hands the fields of the body to `change`; what it refuses is a 400 with the reason."""

    async def handler(request: web.Request) -> web.Response:
        try:
            change(**(await request.json() if request.can_read_body else {}))
        except (Refusal, ValueError, TypeError, LookupError, re.error) as error:
            return web.json_response({'error': str(error)}, status=400)
        return web.json_response({})

    return handler


def application(simulation: Simulation) -> web.Application:
    """The server's application: controls under /_sim, everything else is the API."""

    async def state(request):
        return web.json_response(profile_file.stored_in_profile(simulation.store.state(), simulation.options.profile))

    async def requests(request):
        while len(simulation.requests) < int(request.query.get('until', 0)):
            await asyncio.sleep(0.01)
        return web.json_response({'requests': simulation.requests})

    app = web.Application(client_max_size=BODY_AT_MOST)
    app.router.add_get('/_sim/state', state)
    app.router.add_get('/_sim/requests', requests)
    app.router.add_route('*', '/_sim/reset', _control(simulation.reset))
    app.router.add_post('/_sim/seed', _control(simulation.seed))
    app.router.add_post('/_sim/status', _control(simulation.set_status))
    app.router.add_post('/_sim/alerts', _control(simulation.send_alert))
    app.router.add_post('/_sim/traffic', _control(simulation.set_traffic))
    app.router.add_post('/_sim/faults', _control(simulation.add_fault))
    app.router.add_delete('/_sim/faults', _control(simulation.end_faults))
    app.router.add_route('*', '/{path:.*}', simulation.handle)
    return app
