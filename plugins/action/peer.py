# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's side of a circuit: reads the variables of the host and the circuit, renders the files for the router, and writes them."""

from __future__ import annotations

import base64
import json
import os
from types import ModuleType
from typing import Any

from ansible.modules import slurp
from ansible.plugins.action import ActionBase

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import CLOUDFLARE_ASN, cni_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import CONNECTION_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._peer import session_model
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import drop_empty
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._types import type_error
from ansible_collections.netops.cloudflare_cni.plugins.modules import cni_info, cni_settings_info, peer
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _peer_files
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import SPECS, own_variables, unknown_variables
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._in_process import InProcess, show_warnings

PREFIX = 'peer_'

_peer_files.compile_templates()  # once, before the fork


class ReadError(Exception):
    """The circuit cannot be read. result: that of the module that failed."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get('msg'))
        self.result = result


class ActionModule(InProcess):
    module = peer
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._task.args = drop_empty(dict(self._task.args))
        if {'files', 'absent'} & {*self._task.args}:
            return super().run(tmp, task_vars)
        result, self._vars = ActionBase.run(self, tmp, task_vars), task_vars or {}
        try:
            self.checked_options(peer.ARGUMENT_SPEC)
            return {**result, **self._result()}
        except InputError as error:
            return {**result, 'failed': True, 'changed': False, **error.result()}
        except ReadError as error:
            return {**result, **error.result}

    def _result(self) -> dict[str, Any]:
        names = [name for name in self._vars if name.startswith(PREFIX)]
        if text := unknown_variables(names, own_variables(self._variable('peer_own_variables'), PREFIX), PREFIX):
            raise InputError(*text.split(': ', 1))
        variables = {name: self._variable(name) for name in SPECS[PREFIX]}
        if error := type_error(SPECS[PREFIX], drop_empty(variables)):
            raise error
        options = {name.removeprefix(PREFIX): value for name, value in variables.items()}
        name = str(options['name'] or self._vars['inventory_hostname'])
        session = session_model(*self._circuit(name, options['handover']), options)
        folder = os.path.realpath(os.path.expanduser(options['artifacts_dir'] or 'artifacts'))
        files = _peer_files.router_files(session, folder)
        result = self.run_module(peer, {'files': files.written, 'absent': files.outdated}, self._vars)
        return {'name': name, 'platform': session['platform'], 'state': session['state'], 'files': files.paths, **result}

    def _variable(self, name: str) -> Any:
        """The value of a variable of the host, None if it has none."""
        return self._templar.template(self._vars.get(name))

    def _circuit(self, name: str, handover: str | None) -> tuple[dict[str, Any], int]:
        """The CNI and Cloudflare's AS number: of the hand-over, of what the role provision has returned, or of the account."""
        if handover:
            return self._handed_over(handover)
        provisioned = self._variable('provision_result')
        cni, settings = get(provisioned, 'cni'), get(provisioned, 'settings')
        if get(provisioned, 'name') != name or not cni or (cni.get('bgp') and not settings):
            cni, settings = self._read_account(name)
        return cni, get(settings, 'default_asn') or CLOUDFLARE_ASN

    def _handed_over(self, path: str) -> tuple[dict[str, Any], int]:
        content = base64.b64decode(self._read(slurp, src=path)['content'])
        try:
            return cni_of(json.loads(content))
        except (ValueError, KeyError, TypeError):
            raise InputError('peer_handover', f'{path} is not a complete hand-over.', 'the NAME.json of a circuit with a CNI') from None

    def _read_account(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The CNI of a circuit, and the settings of its account."""
        connection = {option: value for option, value in self._arguments(self._vars).items() if option in CONNECTION_OPTIONS}
        cnis = self._read(cni_info, conduit_name=name, **connection)['cnis']
        if not cnis:
            raise InputError('peer_name', f'the circuit {name} does not exist in this account. Check the name, or provision the circuit '
                                          'first.')
        return cnis[0], self._read(cni_settings_info, **connection)['settings']

    def _read(self, module: ModuleType, **arguments: Any) -> dict[str, Any]:
        """The result of a module that reads. Raises ReadError."""
        result = self.run_module(module, arguments, self._vars)
        if result.get('failed'):
            raise ReadError(result)
        show_warnings(result)
        return result
