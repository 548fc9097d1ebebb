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

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client, key_headers, token_headers
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError, as_cni_error
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import allowed_changes, guards_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import InvalidItem, invalid_items, secrets_in
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Snapshot, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import (
    Change,
    Desired,
    changed_addresses,
    desired_object,
    filtered_objects,
    follow_up_of,
    given_values,
    plan_changes,
    schedule,
    split_follow_ups,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import HIDDEN, MIN_LENGTH, Secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import (
    API_URL,
    CONNECTION_OPTIONS,
    TEXT_ADVICE,
    Spec,
    non_text_options,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import RequestsTransport

KEEP_EMPTY = ('md5_key', 'password')
MIN_CREDENTIAL_LENGTH = 8  # characters; a credential is longer, and nothing else in the output is equal to one


class Task(NamedTuple):
    """What the work of a module gets. params: the options, None where nothing was said; to_error: makes an error of any exception.

    show_line: shows a line to the user while the work goes on; None where there is no way to.
    invalid_items: {place in the list: why} of the items that are checked by themselves and can't be; params has only the others.
    """

    params: Mapping[str, Any]
    client: Client
    module: AnsibleModule
    to_error: Callable[[Exception], CniError] = as_cni_error
    show_line: Callable[[str], None] | None = None
    invalid_items: Mapping[int, InvalidItem] = {}


show_line: Callable[[str], None] | None = None  # of each Task; set where the module runs in the controller's process
Work = Callable[[Task], 'dict[str, Any]']


def run(work: Work, argument_spec: Mapping[str, Any], list_option: str = '', **constraints: Any) -> NoReturn:
    """Runs a module: work(task) returns its result; errors become fail_json, and nothing else ends the process.

    list_option: the option that is a list of which each item is checked by itself.
    """
    module = _Module(list_option, argument_spec={**CONNECTION_OPTIONS, **argument_spec}, supports_check_mode=True, **constraints)
    client, failure = None, None
    try:
        if module.non_text_options:
            raise InputError(', '.join(module.non_text_options), TEXT_ADVICE)
        client = connect(module.params, module.warn, module.secrets)
        result = work(Task(module.params, client, module, module.secrets.to_error, show_line, module.invalid_items))
    except Exception as error:
        failure = module.secrets.to_error(error)
    common = {**({'api': client.counters} if client else {}), 'invocation': module.invocation}
    if failure:  # not while it is handled: Ansible would add its traceback
        applied = applied_result(failure.applied)
        module.fail_json(**failure.result(), **({'changed': True, **applied} if applied else {}), **common)
    module.exit_json(**result, **common)


class _Module(AnsibleModule):
    """AnsibleModule with two rules of its own.

    An empty string is nothing said: AWX surveys and the environment send those, also for numbers and choices.
    Secrets are left out by their place. By value only credentials are: no other output is equal to one, as an MTU is to the md5 key 1500.
    """

    def __init__(self, list_option: str = '', **frame: Any) -> None:
        self.secrets, self._list_option, self.invalid_items = Secrets(), list_option, {}
        super().__init__(**frame)
        self._separate_secrets()

    @property
    def invocation(self) -> dict[str, Any]:
        """The options as they may be shown."""
        return {'module_args': _masked_options(self.argument_spec, self.params)}

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """Also for Ansible's own failures, as of options that are not valid: these come without an invocation, and may quote a secret."""
        if 'invocation' not in result:
            self._separate_secrets()
            msg = self.secrets.redact(str(msg))
        super().fail_json(msg, **{'invocation': self.invocation, **result})

    def _load_params(self) -> None:
        super()._load_params()
        self.params = drop_empty(self.params)
        if isinstance(self.params.get(self._list_option), list):
            self._drop_invalid_items(self.params[self._list_option], self.argument_spec[self._list_option]['options'])
        self.non_text_options = non_text_options(self.argument_spec, self.params, secret=True)  # later on each of them is a text

    def _drop_invalid_items(self, items: list[Any], spec: Spec) -> None:
        """Takes the items out that can't be."""
        self.secrets.add(secrets_in(spec, items))
        self.invalid_items = invalid_items(self._list_option, items, spec, self.secrets.redact)
        self.params[self._list_option] = [item for position, item in enumerate(items) if position not in self.invalid_items]

    def _log_invocation(self) -> None:
        self._separate_secrets()
        params, self.params = self.params, self.invocation['module_args']
        super()._log_invocation()
        self.params = params

    def _separate_secrets(self) -> None:
        """Takes the secrets of the options out of what Ansible hides by value, as soon as it has found them."""
        if any(len(value) < MIN_LENGTH for value in self.no_log_values):
            self.warn('A secret among the options is very short: it is easily guessed, and answers can not be searched for it.')
        self.secrets.add(self.no_log_values)
        credentials = {str(self.params.get(name) or '') for name in ('api_token', 'api_key')}
        self.no_log_values = {value for value in credentials if len(value) >= MIN_CREDENTIAL_LENGTH}


def drop_empty(value: Any) -> Any:
    """The options without those that are an empty string, at any depth. An empty md5 key stays, to be refused."""
    if isinstance(value, dict):
        given = {name: drop_empty(inner) for name, inner in value.items()}
        return {name: inner for name, inner in given.items() if inner not in ('', ['']) or name.startswith('_') or name in KEEP_EMPTY}
    return [drop_empty(inner) for inner in value] if isinstance(value, list) else value


def connect(params: Mapping[str, Any], warn: Callable[[str], None], secrets: Secrets) -> Client:
    """The client that the connection options describe. Raises InputError."""
    if not params['account_id']:
        raise InputError('account_id', 'is not set, nor is CLOUDFLARE_ACCOUNT_ID.', 'the 32 hex digits in the address of the dashboard')
    for option in ('timeout', 'retry_timeout', 'requests_per_window'):
        if params[option] <= 0:
            raise InputError(option, f'{params[option]:g} is not possible.', 'more than 0')
    transport = secrets.redacting_transport(RequestsTransport(params['timeout'], _verify(params, warn)))
    return Client(transport, params['account_id'], _credentials(params), _base_url(params, warn), retry_timeout=params['retry_timeout'],
                  requests_per_window=params['requests_per_window'], warn=warn)


def _base_url(params: Mapping[str, Any], warn: Callable[[str], None]) -> str:
    url = _parsed_url(params['api_url'] or API_URL)
    if url is None or url.scheme not in ('http', 'https') or not url.hostname:
        raise InputError('api_url', f'{params["api_url"]!r} is not an address.', f'such as {API_URL}')
    if url.scheme == 'http' and not re.fullmatch(r'localhost|127\..*|::1', url.hostname):
        warn(f'api_url is plain http: the credentials travel to {url.hostname} in the clear.')
    return url.geturl()


def _parsed_url(text: str) -> SplitResult | None:
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
        return token_headers(token) if token else key_headers(email, key)
    raise InputError('api_token', 'is not set, nor is CLOUDFLARE_API_TOKEN.', 'an API token, or api_key with api_email')


# What a module does.

def manage_work(row: Resource, **returned: str | None) -> Work:
    """The work of a module that manages one object. returned: {name in the result: path in the object, None for all of it}."""
    def work(task: Task) -> dict[str, Any]:
        desired = desired_object(row, task.params)
        for text in desired.warnings:
            task.module.warn(text)
        changes = converge(task, [desired])
        last = next(change for change in reversed(changes) if change.row.name == row.name)
        final = without_secrets(last.row, None if last.action == 'delete' else last.answer or last.after)
        addresses = changed_addresses(changes)
        warn_changed_addresses(task.module.warn, desired.label, addresses)
        result = {**diff_result(changes), **({'addresses': addresses} if addresses else {})}
        return {**result, **{name: get(final, path) if path else final for name, path in returned.items()}}
    return work


def warn_changed_addresses(warn: Callable[[str], None], circuit: str, addresses: Mapping[str, Mapping[str, Any]] | None) -> None:
    """Warns that a circuit that was replaced has other addresses."""
    for field, pair in (addresses or {}).items():
        warn(f'{circuit}: replaced, so {field} changes from {pair["before"]} to {pair["after"]}. Change the router too.')


def info_work(row: Resource, returned: str, *, filters: Sequence[str] = (), query: Mapping[str, str]
              | None = None, reveal: str = '') -> Work:
    """The work of a module that reads.

    filters: options to compare; query: {the API's own filter: option}; reveal: the option that shows secrets.
    """
    def work(task: Task) -> dict[str, Any]:
        keys = given_values(row.keys, task.params, [])
        object_name = next((keys.get(key.option) for key in row.keys if key.path == row.id and not key.references), None)
        api_query = None if object_name else {name: task.params[option] for name, option in (query or {}).items()}
        snapshot = Snapshot({(row.name, None): read_objects(task.client, row.name, object_name, api_query)})
        filter_values = {option: task.params[option] for option in filters}
        objects = observe(task.client, lambda snapshot: filtered_objects(row, keys, filter_values, snapshot), snapshot)
        return {'changed': False, returned: objects if task.params.get(reveal) else [without_secrets(row, obj) for obj in objects]}
    return work


def converge(task: Task, desired: Sequence[Desired]) -> list[Change]:
    """Reads, decides and, but for check mode, writes."""
    def decide(snapshot: Snapshot) -> list[Change]:
        return allowed_changes(schedule(plan_changes(desired, snapshot, task.to_error)), guards_of(task.params), snapshot)

    changes = observe(task.client, decide)
    if task.module.check_mode or all(change.action == 'none' for change in changes):
        return changes
    from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import (
        apply_changes,  # a task that changes nothing starts sooner
    )

    first, follow_ups = split_follow_ups(changes)
    applied = apply_changes(task.client, first, task.to_error)
    try:
        results = [*applied, *(converge(task, [follow_up_of(change, applied) for change in follow_ups]) if follow_ups else ())]
        # As they were decided: check mode has said the same.
        return [change._replace(answer=written.answer) for change, written in zip((*first, *follow_ups), results, strict=True)]
    except Exception as error:
        failure = task.to_error(error)
        failure.applied = [*applied, *failure.applied]
        raise failure from error


def diff_result(changes: Sequence[Change]) -> dict[str, Any]:
    """changed and diff, read off the changes as they were decided, whether applied or not. A note goes with what it is on."""
    effective = [change for change in changes if change.action != 'none']
    return {'changed': bool(effective), 'diff': [_object_diff(change) for change in effective if change.action != 'note']}


def _object_diff(change: Change) -> dict[str, Any]:
    before, after = (_diff_content(change.row, obj) for obj in (change.before, change.after))
    for path in change.row.secret_paths:
        if get(after, path) and get(change.before, path) and get(change.before, path) != get(change.after, path):
            after = merge(after, {path: f'{HIDDEN[:-1]}, another one)'})
    header = f'{change.label} ({change.action})'
    return {'before_header': header, 'after_header': header, 'before': before, 'after': after}


def _diff_content(row: Resource, obj: Object | None) -> Object | str:
    """What a diff shows of an object: all but its secrets, and of a file what is in it."""
    visible = without_secrets(row, obj) or {}
    return visible.get('content', '') if row.store == 'file' else visible


def without_secrets(row: Resource, obj: Object | None) -> Object | None:
    """The object without its secrets."""
    return merge(obj, {path: HIDDEN for path in row.secret_paths if get(obj, path) is not None}) if obj else obj


# Ends.

def applied_result(changes: Iterable[Change]) -> dict[str, Any]:
    """What was done before a failure; nothing if that is nothing."""
    applied = [{'action': change.action, 'object': change.label} for change in changes if change.action != 'none']
    return {'applied': applied} if applied else {}


def _masked_options(spec: Mapping[str, Any], value: Any) -> Any:
    """The value of options, at any depth, without those that are secret, or that the spec does not know: these may be misspelt ones."""
    if isinstance(value, list):
        return [_masked_options(spec, inner) for inner in value]
    if not isinstance(value, dict):
        return HIDDEN
    option_specs = {alias: option_spec for name, option_spec in spec.items() for alias in (name, *option_spec.get('aliases', ()))}
    return {name: inner if inner is None else _masked_option(option_specs.get(name), inner) for name, inner in value.items()}


def _masked_option(option_spec: Mapping[str, Any] | None, value: Any) -> Any:
    if option_spec is None or option_spec.get('no_log'):
        return HIDDEN
    return _masked_options(option_spec['options'], value) if option_spec.get('options') else value
