# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of answers. The contract fixes one; for its open points the options choose another."""

from __future__ import annotations

import json

from aiohttp import web

from alerting import NumberedPage
from contract import Operation
from rules import require

DOCUMENTATION = 'https://developers.cloudflare.com/api/'
SERVICE_CODE = 1000  # plus the status: what codes the service uses is not documented


def json_response(body: object, status: int = 200, headers: dict | None = None) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type='application/json', headers=headers)


def envelope(result: object) -> dict:
    if isinstance(result, NumberedPage):
        info = {'count': len(result.items), 'page': result.number, 'per_page': result.size, 'total_count': result.total}
        return {**envelope(result.items), 'result_info': info}
    return {'success': True, 'errors': [], 'messages': [], 'result': result}


def error(status: int, errors: list[dict], headers: dict | None = None) -> web.Response:
    """An error as the contract writes it, and as the gateway always answers."""
    return json_response({'success': False, 'errors': errors, 'messages': [], 'result': None}, status, headers)


def details(field: str) -> dict:
    """What an error item may carry besides code and message. field: where in the body the fault is, dotted."""
    pointer = {'source': {'pointer': f'/{field.replace(".", "/")}'}} if field else {}
    return {'documentation_url': DOCUMENTATION, **pointer}


def page(items: list[dict], query: dict, page_size: int, last_page: str, limits: str) -> dict:
    """One page of a list. The cursor is the number of items before it; limit 0 is taken as no limit."""
    start, limit = query.get('cursor', 0), query.get('limit')
    require(not limit or limits != 'refused', 'limit is not supported')
    end = start + min((limits == 'kept' and limit) or page_size, page_size)
    if end < len(items):
        return {'items': items[start:end], 'next': end}
    last = {'null': {'next': None}, 'absent': {}, 'zero': {'next': 0}, 'stuck': {'next': start}}[last_page]
    return {'items': items[start:], **last}


def success(operation: Operation, result: object) -> web.Response:
    """A success as the contract writes it: None is a deletion, bytes are a PDF."""
    if result is None and not operation.is_enveloped:
        return web.Response()
    if isinstance(result, bytes):
        return web.Response(body=result, content_type='application/pdf')
    return json_response(envelope(result) if operation.is_enveloped else result)


def chosen_form(operation: Operation, result: object, options) -> web.Response:
    """A success in the form that the options `deletes`, `envelope`, `created_status` and `changed_status` choose."""
    if result is None and not operation.is_enveloped:
        return _DELETES[options.deletes]()
    status = {'POST': options.created_status, 'PUT': options.changed_status}.get(operation.method, 200)
    if status == 204:
        return web.Response(status=204)
    wrapped = options.envelope == 'wrapped' and not operation.is_enveloped and not isinstance(result, bytes)
    answer = json_response(envelope(result)) if wrapped else success(operation, result)
    answer.set_status(status)
    return answer


def error_in_chosen_form(operation: Operation, answer: web.Response, message: str, options) -> web.Response:
    """An error of the service in the form that the option `errors` chooses; all but those of /cni/ are documented as enveloped."""
    form = 'envelope' if operation.is_enveloped else options.errors
    return _ERRORS[form](answer, message)


_DELETES = {
    'empty': web.Response,
    'object': lambda: json_response({}),
    'null': lambda: json_response(None),
    'envelope': lambda: json_response(envelope(None)),
    'no-content': lambda: web.Response(status=204),
    'accepted': lambda: web.Response(status=202),
}
_ERRORS = {
    'envelope': lambda answer, message: answer,
    'json': lambda answer, message: json_response({'error': message}, answer.status),
    'plain': lambda answer, message: web.Response(status=answer.status, text=message),
    'html': lambda answer, message: web.Response(
        status=answer.status, text=f'<!DOCTYPE html>\n<html><body><h1>{answer.status}</h1></body></html>\n', content_type='text/html'
    ),
    'empty': lambda answer, message: web.Response(status=answer.status),
}
