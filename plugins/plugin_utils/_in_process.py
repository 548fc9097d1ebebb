# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules of the collection in the process of the task: main() as it is, without starting another Python.

Ansible loads an action plugin before it forks, so the imports here are paid once for a play. Importing opens and starts nothing.
"""

from __future__ import annotations

import importlib
import io
import json
import locale
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from types import ModuleType
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _module
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import Spec, drop_empty
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._types import type_error
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import (
    CONNECTION_VARIABLES,
    SPEC,
    connection_arguments,
    declared_connection,
)

try:
    import requests
except ImportError:  # the ordinary module may run with a Python that has it
    requests = None

COLLECTION = os.path.realpath(__file__).rpartition('plugins/')[0]
PROFILE = 'legacy'  # the serialisation of arguments and result since ansible-core 2.19
USUAL_INTERPRETER = '{{ ansible_playbook_python }}'  # the usual value: templating it costs a third of a task's time here
NO_PYTHON_NAMED = ('', 'auto', 'auto_silent', 'auto_legacy', 'auto_legacy_silent')

try:
    from ansible.executor.module_common import _BuiltModule
    from ansible.module_utils import _internal
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:  # before ansible-core 2.19
    from ansible.module_utils.common.json import AnsibleJSONEncoder

    _internal, ENCODING = None, {'cls': AnsibleJSONEncoder, 'vault_to_text': True}
else:
    ENCODING = {'cls': get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)}
    get_module_encoder(PROFILE, Direction.MODULE_TO_CONTROLLER)  # imports the encoder of results

for later in ('encodings.idna', 'ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply'):
    importlib.import_module(later)  # each task would import these for itself

display = Display()


class InProcess(ActionBase):
    """Runs the module of the same name. module: that module, imported."""

    module: ModuleType
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        return {**super().run(tmp, task_vars), **self.run_module(self.module, self._arguments(task_vars or {}), task_vars or {})}

    @property
    def _own_file(self) -> str:
        """The file of the task, of the playbooks or roles of the collection; empty if it is a task of the user's own."""
        file = os.path.realpath(str(self._task.get_path()).rpartition(':')[0])
        return file.removeprefix(COLLECTION) if file.startswith((f'{COLLECTION}playbooks/', f'{COLLECTION}roles/')) else ''

    def _arguments(self, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the task. Those of the collection's roles and playbooks connect as their host declares."""
        if not self._own_file:
            return self._task.args
        variables = {name: self._templar.template(task_vars[name]) for name in CONNECTION_VARIABLES if name in task_vars}
        if error := type_error({name: SPEC[name] for name in CONNECTION_VARIABLES}, drop_empty(variables)):
            raise AnsibleActionFail(str(error))
        return connection_arguments(self._task.args, declared_connection(variables))

    def checked_options(self, spec: Spec) -> dict[str, Any]:
        """The options of the task in their types. Raises InputError."""
        if error := type_error(spec, self._task.args):
            raise error
        return self.validate_argument_spec(spec)[1]

    def run_module(self, module: ModuleType, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The result of a module of this collection or of ansible.builtin: by its main() in this process, else as Ansible runs modules."""
        package, _dot, name = module.__name__.rpartition('.')
        namespace = 'ansible.legacy' if package == 'ansible.modules' else 'netops.cloudflare_cni'
        call = {'module_name': f'{namespace}.{name}', 'module_args': dict(arguments), 'task_vars': task_vars}
        if self._can_run_in_process(task_vars):
            return _InProcessAction(self, module.main)._execute_module(**call)
        own_process = self._task.async_val and not self._connection.has_native_async
        result = self._execute_module(**call, wrap_async=own_process)
        if not own_process:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        if not requests and 'requests is missing' in str(result.get('msg')):
            result['msg'] += f' The Python of the controller, {sys.executable}, does not have it either.'
        return result

    def _can_run_in_process(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the ordinary module would run on this machine, as this user, with this Python, and be waited for."""
        elsewhere = self._task.async_val or self._connection.become or self._connection.transport != 'local'
        return bool(self._allowed(task_vars) and requests and not elsewhere and self._is_this_python(task_vars))

    def _allowed(self, task_vars: Mapping[str, Any]) -> bool:
        value = self._templar.template(task_vars.get('cni_in_process'))
        try:
            return value in (None, '') or boolean(value)
        except TypeError as error:
            raise AnsibleActionFail(f'cni_in_process: {error}') from error

    def _is_this_python(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the interpreter is the running one, or none is named. Virtual environments share the file, and differ by the folder."""
        host = self._task.delegate_to
        variables = task_vars['ansible_delegated_vars'][host] if host else task_vars
        value = C.config.get_config_value('INTERPRETER_PYTHON', variables=variables)
        interpreter = sys.executable if value == USUAL_INTERPRETER else self._templar.template(value) or ''
        return interpreter in NO_PYTHON_NAMED or _real_location(shutil.which(interpreter)) == _real_location(sys.executable)


class _InProcessAction(ActionBase):
    """ActionBase, but it calls main() where Ansible would build a program and start it. Everything before and after stays Ansible's."""

    def __init__(self, action: ActionBase, main: Callable[[], None]) -> None:
        names = ('task', 'connection', 'play_context', 'loader', 'templar', 'shared_loader_obj')
        super().__init__(**{name: getattr(action, f'_{name}') for name in names})
        self._main, self._arguments = main, {}

    def run(self, tmp=None, task_vars=None):
        raise NotImplementedError

    def _is_pipelining_enabled(self, *_arguments: Any, **_options: Any) -> bool:
        return True  # no file is sent

    def _configure_module(self, module_name: str, module_args: dict[str, Any], task_vars: Mapping[str, Any]) -> tuple[Any, ...]:
        self._arguments = module_args
        path = f'{module_name}, in this process'
        if _internal is None:
            return 'new', '#!python', b'', path
        return _BuiltModule(module_style='new', shebang='#!python', b_module_data=b'', serialization_profile=PROFILE), path

    def _low_level_execute_command(self, *_arguments: Any, **_options: Any) -> dict[str, Any]:
        """What the process of the module would have printed. Relative paths start at the folder of the playbook."""
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        out, err = io.StringIO(), io.StringIO()
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='cni-', dir=C.DEFAULT_LOCAL_TMP))
            arguments = json.dumps({'ANSIBLE_MODULE_ARGS': {**self._arguments, '_ansible_tmpdir': folder}}, **ENCODING).encode()
            show_line = None if self._task.no_log else display.display
            for context in (_preserved_process_state(), _module_globals(arguments, show_line), redirect_stdout(out), redirect_stderr(err)):
                stack.enter_context(context)
            os.environ.update({str(name): str(value) for name, value in environment.items()})
            os.chdir(self._loader.get_basedir())
            status = _exit_status(self._main)
        return {'rc': status, 'stdout': out.getvalue(), 'stdout_lines': [], 'stderr': err.getvalue(), 'stderr_lines': []}


def show_warnings(result: Mapping[str, Any], reworded: Callable[[str], str] = str) -> None:
    """Shows the warnings of a module whose result is not that of the task. reworded: returns what is shown for one."""
    for warning in result.get('warnings', ()):
        display.warning(reworded(warning if isinstance(warning, str) else warning.event.msg))  # an object since ansible-core 2.19


def _real_location(python: str | None) -> tuple[str, str] | None:
    return python and (os.path.realpath(os.path.dirname(python)), os.path.realpath(python))


def _exit_status(main: Callable[[], None]) -> int:
    """Runs main() to its end. An exception fails the task only, as it would have ended only the module's process."""
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    except Exception as error:
        print(json.dumps({'failed': True, 'msg': f'Module failed: {error}', 'exception': traceback.format_exc()}))
    return 1


@contextmanager
def _module_globals(arguments: bytes, show_line: Callable[[str], None] | None) -> Iterator[None]:
    """Sets the globals of AnsibleModule and its helpers as in a new process, and restores them."""
    values = [
        (basic, '_ANSIBLE_ARGS', arguments), (basic, '_ANSIBLE_PROFILE', PROFILE), (basic, '_PARSED_MODULE_ARGS', None),
        *((warnings, name, type(getattr(warnings, name))()) for name in ('_global_warnings', '_global_deprecations')),
        (_internal, 'is_controller', False),
        (_module, 'show_line', show_line),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _value in values if hasattr(owner, name)]
    try:
        for owner, name, value in values:
            if hasattr(owner, name):
                setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


@contextmanager
def _preserved_process_state() -> Iterator[None]:
    """Restores what a module may change of its process: the items of a loop share one."""
    environment, language, mask = dict(os.environ), locale.setlocale(locale.LC_ALL), os.umask(0)
    os.umask(mask)
    folder = None
    with suppress(OSError):  # the folder may have been deleted
        folder = os.getcwd()
    try:
        yield
    finally:
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        locale.setlocale(locale.LC_ALL, language)
        os.umask(mask)
        if folder:
            os.chdir(folder)
