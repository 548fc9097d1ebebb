# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of every module: run() is the only place where the process ends. Empty options are dropped, secrets hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._connection import connect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, as_cni_error
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import InvalidItem, invalid_items, secrets_in
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._results import applied_result
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import HIDDEN, MIN_LENGTH, Secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import CONNECTION_OPTIONS, Spec, drop_empty
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._types import type_error

MIN_CREDENTIAL_LENGTH = 8  # characters; a credential is longer, and no other output equals one


class Task(NamedTuple):
    """What the work of a module gets. params: the options, None where none is given; to_error: makes a CniError of any exception.

    client: None for work that sends nothing. show_line: shows a line to the user during the work; None where that is impossible.
    invalid_items: {position: the item} of a list whose items are checked one by one; params has only the valid ones.
    """

    params: Mapping[str, Any]
    client: Client | None
    module: AnsibleModule
    to_error: Callable[[Exception], CniError] = as_cni_error
    show_line: Callable[[str], None] | None = None
    invalid_items: Mapping[int, InvalidItem] = {}


show_line: Callable[[str], None] | None = None  # of each Task; set if the module runs in the controller's process
Work = Callable[[Task], 'dict[str, Any]']


def run(work: Work, argument_spec: Mapping[str, Any], list_option: str = '', offline: bool = False, **constraints: Any) -> NoReturn:
    """Runs a module: work(task) returns its result; errors become fail_json, and nothing else ends the process.

    list_option: the option that is a list whose items are checked one by one. offline: whether the work sends nothing, and gets no client.
    """
    module = _Module(list_option, argument_spec={**CONNECTION_OPTIONS, **argument_spec}, supports_check_mode=True, **constraints)
    client, failure = None, None
    try:
        client = None if offline else connect(module.params, module.warn, module.secrets)
        result = work(Task(module.params, client, module, module.secrets.to_error, show_line, module.invalid_items))
    except Exception as error:
        failure = module.secrets.to_error(error)
    common = {**({'api': client.counters} if client else {}), 'invocation': module.invocation}
    if failure:  # not in the except block: Ansible would add its traceback
        applied = applied_result(failure.applied)
        module.fail_json(**failure.result(), **({'changed': True, **applied} if applied else {}), **common)
    module.exit_json(**result, **common)


class _Module(AnsibleModule):
    """AnsibleModule with two rules of its own.

    An empty string counts as not given: AWX surveys and the environment send those, also for numbers and choices.
    Secrets are left out by their place. Only credentials and the secret of a webhook, which its URL may hold, are hidden by value: no other
    output equals one, as an MTU equals the md5 key 1500.
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
        """Also for Ansible's own failures, such as invalid options: these come without an invocation, and may quote a secret."""
        if 'invocation' not in result:
            self._separate_secrets()
            msg = self.secrets.redact(str(msg))
        super().fail_json(msg, **{'invocation': self.invocation, **result})

    def _load_params(self) -> None:
        super()._load_params()
        self.params = drop_empty(self.params)
        self.secrets.add(secrets_in(self.argument_spec, self.params))
        if isinstance(self.params.get(self._list_option), list):
            self._drop_invalid_items(self.params[self._list_option], self.argument_spec[self._list_option]['options'])

    def _set_internal_properties(self, *arguments: Any) -> None:
        """Fails for options of a wrong type: it is the last that Ansible calls before its own validation."""
        super()._set_internal_properties(*arguments)
        if error := type_error(self.argument_spec, self.params):
            self.fail_json(**error.result())

    def _drop_invalid_items(self, items: list[Any], spec: Spec) -> None:
        """Moves the invalid items out of the options."""
        self.invalid_items = invalid_items(self._list_option, items, spec, self.secrets.redact)
        self.params[self._list_option] = [item for position, item in enumerate(items) if position not in self.invalid_items]

    def _log_invocation(self) -> None:
        self._separate_secrets()
        params, self.params = self.params, self.invocation['module_args']
        super()._log_invocation()
        self.params = params

    def _separate_secrets(self) -> None:
        """Moves the secrets of the options out of what Ansible hides by value, as soon as it has found them."""
        if any(len(value) < MIN_LENGTH for value in self.no_log_values):
            self.warn('A secret in the options is very short: it is easy to guess, and responses cannot be searched for it.')
        self.secrets.add(self.no_log_values)
        credentials = {str(self.params.get(name) or '') for name in ('api_token', 'api_key', 'secret')}
        self.no_log_values = {value for value in credentials if len(value) >= MIN_CREDENTIAL_LENGTH}


def _masked_options(spec: Mapping[str, Any], value: Any) -> Any:
    """The value of options, at any depth. Secret options are hidden, and unknown ones, which may be misspelt secrets."""
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
