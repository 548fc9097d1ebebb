# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of every module: connection options, results, and the only place where the process ends."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn
from urllib.parse import SplitResult, urlsplit

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client, bearer, global_key
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError, reported
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import allowed, guards_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import Refused, refused, secrets_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, World, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, read
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import (
    Change,
    Wanted,
    desire,
    given,
    in_turn,
    of_created,
    pick,
    plan,
    readdressed,
    schedule,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import HIDDEN, SHORT, Secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import API_URL, CONNECTION, WRITE_A_TEXT, Spec, not_texts
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import RequestsTransport

KEEP_EMPTY = ('md5_key', 'password')
LONG = 8  # characters; a credential is longer, and nothing else in the output is equal to one


class Task(NamedTuple):
    """What the work of a module gets. params: the options, None where nothing was said; report: makes an error of any exception.

    show: shows a line to the user while the work goes on; None where there is no way to.
    refused: {place in the list: why} of the items that are checked by themselves and can't be; params has only the others.
    """

    params: Mapping[str, Any]
    client: Client
    module: AnsibleModule
    report: Callable[[Exception], CniError] = reported
    show: Callable[[str], None] | None = None
    refused: Mapping[int, Refused] = {}


show: Callable[[str], None] | None = None  # of each Task; set where the module runs in the controller's process
Work = Callable[[Task], 'dict[str, Any]']


def run(work: Work, argument_spec: Mapping[str, Any], each: str = '', **constraints: Any) -> NoReturn:
    """Runs a module: work(task) returns its result; errors become fail_json, and nothing else ends the process.

    each: the option that is a list of which each item is checked by itself.
    """
    module = _Module(each, argument_spec={**CONNECTION, **argument_spec}, supports_check_mode=True, **constraints)
    client, failure = None, None
    try:
        if module.mistyped:
            raise InputError(', '.join(module.mistyped), WRITE_A_TEXT)
        client = connect(module.params, module.warn, module.secrets)
        result = work(Task(module.params, client, module, module.secrets.report, show, module.refused))
    except Exception as error:
        failure = module.secrets.report(error)
    more = {**({'api': client.counters} if client else {}), 'invocation': module.invocation}
    if failure:  # not while it is handled: Ansible would add its traceback
        done = written(failure.applied)
        module.fail_json(**failure.result(), **({'changed': True, **done} if done else {}), **more)
    module.exit_json(**result, **more)


class _Module(AnsibleModule):
    """AnsibleModule with two rules of its own.

    An empty string is nothing said: AWX surveys and the environment send those, also for numbers and choices.
    Secrets are left out by their place. By value only credentials are: no other output is equal to one, as an MTU is to the md5 key 1500.
    """

    def __init__(self, each: str = '', **frame: Any) -> None:
        self.secrets, self._each, self.refused = Secrets(), each, {}
        super().__init__(**frame)
        self._set_apart()

    @property
    def invocation(self) -> dict[str, Any]:
        """The options as they may be shown."""
        return {'module_args': _masked(self.argument_spec, self.params)}

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """Also for Ansible's own failures, as of options that are not valid: these come without an invocation, and may quote a secret."""
        if 'invocation' not in result:
            self._set_apart()
            msg = self.secrets.withhold(str(msg))
        super().fail_json(msg, **{'invocation': self.invocation, **result})

    def _load_params(self) -> None:
        super()._load_params()
        self.params = said(self.params)
        if isinstance(self.params.get(self._each), list):
            self._take_out(self.params[self._each], self.argument_spec[self._each]['options'])
        self.mistyped = not_texts(self.argument_spec, self.params, secret=True)  # later on each of them is a text

    def _take_out(self, items: list[Any], spec: Spec) -> None:
        """Takes the items out that can't be."""
        self.secrets.add(secrets_of(spec, items))
        self.refused = refused(self._each, items, spec, self.secrets.withhold)
        self.params[self._each] = [item for place, item in enumerate(items) if place not in self.refused]

    def _log_invocation(self) -> None:
        self._set_apart()
        params, self.params = self.params, self.invocation['module_args']
        super()._log_invocation()
        self.params = params

    def _set_apart(self) -> None:
        """Takes the secrets of the options out of what Ansible hides by value, as soon as it has found them."""
        if any(len(value) < SHORT for value in self.no_log_values):
            self.warn('A secret among the options is very short: it is easily guessed, and answers can not be searched for it.')
        self.secrets.add(self.no_log_values)
        credentials = {str(self.params.get(name) or '') for name in ('api_token', 'api_key')}
        self.no_log_values = {value for value in credentials if len(value) >= LONG}


def said(value: Any) -> Any:
    """The options without those that are an empty string, at any depth. An empty md5 key stays, to be refused."""
    if isinstance(value, dict):
        told = {name: said(inner) for name, inner in value.items()}
        return {name: inner for name, inner in told.items() if inner not in ('', ['']) or name.startswith('_') or name in KEEP_EMPTY}
    return [said(inner) for inner in value] if isinstance(value, list) else value


def connect(params: Mapping[str, Any], warn: Callable[[str], None], secrets: Secrets) -> Client:
    """The client that the connection options describe. Raises InputError."""
    if not params['account_id']:
        raise InputError('account_id', 'is not set, nor is CLOUDFLARE_ACCOUNT_ID.', 'the 32 hex digits in the address of the dashboard')
    for option in ('timeout', 'retry_timeout', 'requests_per_window'):
        if params[option] <= 0:
            raise InputError(option, f'{params[option]:g} is not possible.', 'more than 0')
    transport = secrets.guard(RequestsTransport(params['timeout'], _verify(params, warn)))
    return Client(transport, params['account_id'], _credentials(params), _base_url(params, warn), retry_timeout=params['retry_timeout'],
                  requests_per_window=params['requests_per_window'], warn=warn)


def _base_url(params: Mapping[str, Any], warn: Callable[[str], None]) -> str:
    url = _address(params['api_url'] or API_URL)
    if url is None or url.scheme not in ('http', 'https') or not url.hostname:
        raise InputError('api_url', f'{params["api_url"]!r} is not an address.', f'such as {API_URL}')
    if url.scheme == 'http' and not re.fullmatch(r'localhost|127\..*|::1', url.hostname):
        warn(f'api_url is plain http: the credentials travel to {url.hostname} in the clear.')
    return url.geturl()


def _address(text: str) -> SplitResult | None:
    """The parts of an address; None if requests, the resolver or Python can make nothing of it: each finds other mistakes."""
    from requests import PreparedRequest

    try:
        PreparedRequest().prepare_url(text, None)
        url = urlsplit(text)
        (url.hostname or '').encode('idna')
    except ValueError:
        return None
    return url


def _verify(params: Mapping[str, Any], warn: Callable[[str], None]) -> bool | str:
    if not params['validate_certs']:
        warn('validate_certs is false: anybody on the way can read the credentials and change the answers.')
        return False
    if params['ca_path'] and not os.path.exists(params['ca_path']):
        raise InputError('ca_path', f'{params["ca_path"]} does not exist.')
    return params['ca_path'] or True


def _credentials(params: Mapping[str, Any]) -> dict[str, str]:
    token, key, email = (params[name] for name in ('api_token', 'api_key', 'api_email'))
    for option in ('api_token', 'api_key', 'api_email'):
        if params[option] and not re.fullmatch(r'[!-~]+', params[option]):
            raise InputError(option, 'has a blank, a line end or another character that no credential has.')
    if token and key:
        raise InputError('api_token, api_key', 'both are set (see CLOUDFLARE_API_TOKEN and CLOUDFLARE_API_KEY too).', 'one of the two')
    if key and not email:
        raise InputError('api_email', 'is not set, nor is CLOUDFLARE_EMAIL; api_key needs it.')
    if token or key:
        return bearer(token) if token else global_key(email, key)
    raise InputError('api_token', 'is not set, nor is CLOUDFLARE_API_TOKEN.', 'an API token, or api_key with api_email')


# What a module does.

def one(row: Resource, **shown: str | None) -> Work:
    """The work of a module that manages one object. shown: {name in the result: path in the object, None for all of it}."""
    def work(task: Task) -> dict[str, Any]:
        wanted = desire(row, task.params)
        for text in wanted.warnings:
            task.module.warn(text)
        changes = converge(task, [wanted])
        last = next(change for change in reversed(changes) if change.row.name == row.name)
        final = hide(last.row, None if last.action == 'delete' else last.answer or last.after)
        addresses = readdressed(changes)
        warn_of_addresses(task.module.warn, wanted.label, addresses)
        result = {**outcome(changes), **({'addresses': addresses} if addresses else {})}
        return {**result, **{name: get(final, wire) if wire else final for name, wire in shown.items()}}
    return work


def warn_of_addresses(warn: Callable[[str], None], circuit: str, addresses: Mapping[str, Mapping[str, Any]] | None) -> None:
    """Warns that a circuit that was replaced has other addresses."""
    for end, pair in (addresses or {}).items():
        warn(f'{circuit}: replaced, so {end} changes from {pair["before"]} to {pair["after"]}. Change the router too.')


def listed(row: Resource, shown: str, *, filters: Sequence[str] = (), query: Mapping[str, str] | None = None, reveal: str = '') -> Work:
    """The work of a module that reads.

    filters: options to compare; query: {the API's own filter: option}; reveal: the option that shows secrets.
    """
    def work(task: Task) -> dict[str, Any]:
        keys = given(row.keys, task.params, [])
        ident = next((keys.get(key.option) for key in row.keys if key.wire == row.id and not key.via), None)
        asked = None if ident else {name: task.params[option] for name, option in (query or {}).items()}
        world = World({(row.name, None): read(task.client, row.name, ident, asked)})
        wanted = {option: task.params[option] for option in filters}
        objects = observe(task.client, lambda world: pick(row, keys, wanted, world), world)
        return {'changed': False, shown: objects if task.params.get(reveal) else [hide(row, obj) for obj in objects]}
    return work


def converge(task: Task, wanted: Sequence[Wanted]) -> list[Change]:
    """Reads, decides and, but for check mode, writes."""
    changes = observe(task.client, lambda world: allowed(schedule(plan(wanted, world, task.report)), guards_of(task.params), world))
    if task.module.check_mode or all(change.action == 'none' for change in changes):
        return changes
    from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply  # a task that changes nothing starts sooner

    now, later = in_turn(changes)
    done = apply(task.client, now, task.report)
    try:
        answered = [*done, *(converge(task, [of_created(change, done) for change in later]) if later else ())]
        # As they were decided: check mode has said the same.
        return [change._replace(answer=real.answer) for change, real in zip((*now, *later), answered, strict=True)]
    except Exception as error:
        failure = task.report(error)
        failure.applied = [*done, *failure.applied]
        raise failure from error


def outcome(changes: Sequence[Change]) -> dict[str, Any]:
    """changed and diff, read off the changes as they were decided, whether applied or not. A note goes with what it is on."""
    real = [change for change in changes if change.action != 'none']
    return {'changed': bool(real), 'diff': [_diff(change) for change in real if change.action != 'note']}


def _diff(change: Change) -> dict[str, Any]:
    before, after = (_content(change.row, obj) for obj in (change.before, change.after))
    for wire in change.row.secrets:
        if get(after, wire) and get(change.before, wire) and get(change.before, wire) != get(change.after, wire):
            after = merge(after, {wire: f'{HIDDEN[:-1]}, another one)'})
    header = f'{change.key} ({change.action})'
    return {'before_header': header, 'after_header': header, 'before': before, 'after': after}


def _content(row: Resource, obj: Object | None) -> Object | str:
    """What a diff shows of an object: all but its secrets, and of a file what is in it."""
    shown = hide(row, obj) or {}
    return shown.get('content', '') if row.store == 'file' else shown


def hide(row: Resource, obj: Object | None) -> Object | None:
    """The object without its secrets."""
    return merge(obj, {wire: HIDDEN for wire in row.secrets if get(obj, wire) is not None}) if obj else obj


# Ends.

def written(changes: Iterable[Change]) -> dict[str, Any]:
    """What was done before a failure; nothing if that is nothing."""
    applied = [{'action': change.action, 'object': change.key} for change in changes if change.action != 'none']
    return {'applied': applied} if applied else {}


def _masked(spec: Mapping[str, Any], value: Any) -> Any:
    """The value of options, at any depth, without those that are secret, or that the spec does not know: these may be misspelt ones."""
    if isinstance(value, list):
        return [_masked(spec, inner) for inner in value]
    if not isinstance(value, dict):
        return HIDDEN
    rows = {word: row for name, row in spec.items() for word in (name, *row.get('aliases', ()))}
    return {name: inner if inner is None else _shown(rows.get(name), inner) for name, inner in value.items()}


def _shown(row: Mapping[str, Any] | None, value: Any) -> Any:
    if row is None or row.get('no_log'):
        return HIDDEN
    return _masked(row['options'], value) if row.get('options') else value
