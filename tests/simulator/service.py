# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service behind the gateway: each operation of the contract, checked on the way in and on the way out."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import sys
from collections.abc import Mapping

from aiohttp import web

import answers
import gateway
import loa
import profile_file
from contract import Checker, Message, Operation, Violation
from lag import Lag
from rules import Refusal
from store import Store


@dataclasses.dataclass(frozen=True)
class Call:
    """One request of the contract: path parameters and query decoded and typed, the body parsed."""

    operation: Operation
    params: dict
    query: dict
    body: object
    target_objects: bool

    @property
    def filters(self) -> dict:
        return {name: value for name, value in self.query.items() if name not in ('cursor', 'limit')}

    @property
    def validate_only(self) -> bool:
        return self.query.get('validate_only', False)

    @property
    def first_page(self) -> bool:
        return not self.query.get('cursor')


def _port_with_loa(store: Store, call: Call) -> dict:
    interconnect = store.interconnect(call.params['icon'])
    if interconnect['type'] != 'direct':
        raise Refusal(400, 'a gcp_partner interconnect has no cross-connect, hence no Letter of Authorization')
    return interconnect


def _loa(store: Store, call: Call) -> bytes:
    interconnect = _port_with_loa(store, call)
    today = datetime.datetime.fromtimestamp(store.clock(), datetime.timezone.utc).date()
    return loa.loa_pdf(interconnect, call.query.get('name') or loa.DEFAULT_NAME, today)


def _default_name(store: Store, call: Call) -> dict:
    _port_with_loa(store, call)
    return {'name': loa.DEFAULT_NAME}


def _emptied(store: Store) -> dict:
    answer = store.empty_routes()
    print(f'simulator: DELETE of all routes took {len(answer["deleted_routes"])} routes from the account', file=sys.stderr, flush=True)
    return answer


TOKEN = {'id': '8f1d2c3b4a5968778695a4b3c2d1e0f9', 'status': 'active'}  # of any token: it never expires
# operationId: what the service does. A list is paged, bytes are a PDF, None is a deletion.
HANDLERS = {
    'list_interconnects': lambda store, call: store.list_interconnects(**call.filters),
    'create_interconnect': lambda store, call: store.order(call.body),
    'get_interconnect': lambda store, call: store.interconnect(call.params['icon']),
    'delete_interconnect': lambda store, call: store.cancel(call.params['icon']),
    'get_interconnect_loa': _loa,
    'get_interconnect_loa_default_name': _default_name,
    'get_interconnect_status': lambda store, call: store.status(call.params['icon']),
    'list_cnis': lambda store, call: store.list_cnis(**call.filters),
    'create_cni': lambda store, call: store.create_cni(call.body),
    'get_cni': lambda store, call: store.cni(call.params['cni']),
    'update_cni': lambda store, call: store.replace_cni(call.params['cni'], call.body),
    'delete_cni': lambda store, call: store.delete_cni(call.params['cni']),
    'list_slots': lambda store, call: store.list_slots(**call.filters),
    'get_slot': lambda store, call: store.slot(call.params['slot']),
    'get_settings': lambda store, call: store.settings,
    'update_settings': lambda store, call: store.change_settings(call.body),
    'list_magic_interconnects': lambda store, call: {'interconnects': store.list_tunnels(call.target_objects)},
    'get_magic_interconnect': lambda store, call: {
        'interconnect': store.tunnel(call.params['cf_interconnect_id'], call.target_objects),
    },
    'update_magic_interconnect': lambda store, call: store.change_tunnel(
        call.params['cf_interconnect_id'], call.body, call.target_objects, call.validate_only
    ),
    'update_magic_interconnects': lambda store, call: store.change_tunnels(
        call.body['interconnects'], call.target_objects, call.validate_only
    ),
    'list_routes': lambda store, call: {'routes': store.routes},
    'create_route': lambda store, call: {'routes': store.create_routes(call.body.get('routes', [call.body]), call.validate_only)},
    'update_routes': lambda store, call: store.change_routes(call.body['routes'], call.validate_only),
    'empty_routes': lambda store, call: _emptied(store),
    'get_route': lambda store, call: {'route': store.route(call.params['route_id'])},
    'update_route': lambda store, call: store.change_route(call.params['route_id'], call.body, call.validate_only),
    'delete_route': lambda store, call: store.delete_route(call.params['route_id']),
    'list_filter_profiles': lambda store, call: store.filter_profiles,
    'create_filter_profile': lambda store, call: store.create_filter_profile(call.body),
    'get_filter_profile': lambda store, call: store.filter_profile(call.params['profile_id']),
    'update_filter_profile': lambda store, call: store.change_filter_profile(call.params['profile_id'], call.body),
    'delete_filter_profile': lambda store, call: store.delete_filter_profile(call.params['profile_id']),
    'list_available_alerts': lambda store, call: store.available_alerts(),
    'list_webhooks': lambda store, call: store.list_webhooks(),
    'create_webhook': lambda store, call: store.create_webhook(call.body),
    'get_webhook': lambda store, call: store.webhook(call.params['webhook_id']),
    'update_webhook': lambda store, call: store.change_webhook(call.params['webhook_id'], call.body),
    'delete_webhook': lambda store, call: store.delete_webhook(call.params['webhook_id']),
    'list_pagerduty': lambda store, call: store.pagerduty,
    'list_policies': lambda store, call: store.list_policies(),
    'create_policy': lambda store, call: store.create_policy(call.body),
    'get_policy': lambda store, call: store.policy(call.params['policy_id']),
    'update_policy': lambda store, call: store.change_policy(call.params['policy_id'], call.body),
    'delete_policy': lambda store, call: store.delete_policy(call.params['policy_id']),
    'list_alerts': lambda store, call: store.list_alerts(**call.query),
    'verify_user_token': lambda store, call: TOKEN,
    'verify_account_token': lambda store, call: TOKEN,
}
# operationId: what of its result there is to see yet.
SEEN_LATE = {
    'create_interconnect': lambda lag, call, made: lag.ordered(made),
    'create_cni': lambda lag, call, made: lag.made('cnis', made),
    'create_route': lambda lag, call, made: {'routes': [lag.made('routes', route) for route in made['routes']]},
    'create_filter_profile': lambda lag, call, made: lag.made('filter_profiles', made),
    'create_webhook': lambda lag, call, made: lag.made('webhooks', made),
    'create_policy': lambda lag, call, made: lag.made('policies', made),
    'list_interconnects': lambda lag, call, items: lag.visible_items('interconnects', items, 'name', call.first_page),
    'list_cnis': lambda lag, call, items: lag.visible_items('cnis', items, 'id', call.first_page),
    'list_magic_interconnects': lambda lag, call, result: {
        'interconnects': lag.visible_items('tunnels', result['interconnects'], 'virtual_port_reservation_id'),
    },
    'list_routes': lambda lag, call, result: {'routes': lag.visible_items('routes', result['routes'], 'id')},
    'list_filter_profiles': lambda lag, call, items: lag.visible_items('filter_profiles', items, 'id'),
    'list_webhooks': lambda lag, call, items: lag.visible_items('webhooks', items, 'id'),
    'list_policies': lambda lag, call, items: lag.visible_items('policies', items, 'id'),
    'get_interconnect_status': lambda lag, call, status: lag.status(call.params['icon'], status),
}
# operationId of a PUT: the operation that reads what it changes.
READS = {
    'update_cni': 'get_cni',
    'update_settings': 'get_settings',
    'update_magic_interconnect': 'get_magic_interconnect',
    'update_magic_interconnects': 'list_magic_interconnects',
    'update_route': 'get_route',
    'update_routes': 'list_routes',
    'update_filter_profile': 'get_filter_profile',
    'update_webhook': 'get_webhook',
    'update_policy': 'get_policy',
}
_TYPES = {'integer': int, 'number': float, 'boolean': 'true'.__eq__}


class Service:
    """Answers calls from a store. `checker` is None where nothing is to be checked against the contract."""

    def __init__(self, store: Store, checker: Checker | None, options):
        self.store = store
        self._checker = checker
        self._options = options
        self._lag = Lag(options)

    def answer(self, message: Message, operation: Operation, params: dict, body: object) -> web.Response:
        """The answer to a request that the gateway let through; raises GatewayError for a malformed id."""
        try:
            if self._options.not_entitled and not operation.is_enveloped:
                raise Refusal(403, 'account is not entitled to use Cloudflare Network Interconnect')
            if self._checker:
                self._check_request(operation, message, body)
            result = self._result(Call(operation, params, _typed(operation, message.query), body, _wants_objects(message)))
        except Refusal as refusal:
            return self._refused(operation, message, refusal)
        self._check_answer(message, answers.success(operation, result))
        return answers.chosen_form(operation, profile_file.as_in_profile(operation, result, self._options.profile), self._options)

    def _result(self, call: Call) -> object:
        name = call.operation.name
        if self._options.stale_puts and call.operation.method == 'PUT':
            return self._stale_put(call)
        result = HANDLERS[name](self.store, call)
        if name in SEEN_LATE:
            result = SEEN_LATE[name](self._lag, call, result)
        if name == 'create_route':
            return self._created(call, result)
        if isinstance(result, list) and not call.operation.is_enveloped:
            return answers.page(result, call.query, self._options.page_size, self._options.last_page, self._options.limits)
        return result

    def _stale_put(self, call: Call) -> dict:
        """Does the change; returns what the object was before."""
        before = copy.deepcopy(HANDLERS[READS[call.operation.name]](self.store, call))
        result = HANDLERS[call.operation.name](self.store, call)
        if 'modified' not in result:
            return before
        return {**result, **{f'modified_{key}': _of_the_same(result[f'modified_{key}'], value) for key, value in before.items()}}

    def _created(self, call: Call, result: dict) -> dict:
        """New routes in the form that the option `route_answers` chooses."""
        form = self._options.route_answers
        in_list = 'routes' in call.body if form == 'asked' else form == 'routes'
        return result if in_list or len(result['routes']) != 1 else result['routes'][0]

    def _refused(self, operation: Operation, message: Message, refusal: Refusal) -> web.Response:
        details = answers.details(refusal.field) if self._options.error_details else {}
        error = {'code': answers.SERVICE_CODE + refusal.status, 'message': refusal.message, **details}
        answer = answers.error(refusal.status, [error])
        if operation.declares(refusal.status):
            self._check_answer(message, answer)
        return answers.error_in_chosen_form(operation, answer, refusal.message, self._options)

    def _check_request(self, operation: Operation, message: Message, body: object) -> None:
        try:
            self._checker.check_request(operation, message, body)
        except Violation as violation:
            if violation.in_path:
                raise gateway.no_route(message.path) from violation
            raise Refusal(400, str(violation), violation.field) from violation

    def _check_answer(self, message: Message, answer: web.Response) -> None:
        if self._checker:
            self._checker.check_answer(message, answer.status, answer.content_type, answer.body)


def _of_the_same(after: list | dict, before: list | dict) -> list | dict:
    """What was before of the objects that are after."""
    if isinstance(after, dict):
        return before
    ids = {item['id'] for item in after}
    return [item for item in before if item['id'] in ids]


def _typed(operation: Operation, query: Mapping[str, str]) -> dict:
    return {name: _TYPES.get(schema['type'], str)(query[name]) for name, schema in operation.query.items() if name in query}


def _wants_objects(message: Message) -> bool:
    return message.headers.get('x-magic-new-hc-target') == 'true'
