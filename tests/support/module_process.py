# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's main() in a child of this process: as separate as Ansible runs it, without the time that starting Python takes."""

from __future__ import annotations

import gc
import importlib
import io
import json
import multiprocessing
import os
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from ansible.module_utils import basic
from ansible.module_utils.common import warnings

try:
    from ansible.module_utils import _internal
except ImportError:  # before ansible-core 2.19 nothing tells a module's process from the controller's
    _internal = None

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _client, _handover

# What a module needs is imported and made once, so that no child has to.
_handover.compiled_sheet()
for shared in ('requests', 'concurrent.futures.thread', f'{_client.__package__}._flow', f'{_client.__package__}._module'):
    importlib.import_module(shared)
for way in ('c2m', 'm2c') if _internal else ():
    importlib.import_module(f'{_internal.__name__}._json._profiles._module_legacy_{way}')
REAL_CLOCK = dict(_client.Client.__init__.__kwdefaults__)


@dataclass(frozen=True)
class Ended:
    """How a module ended. printed: all that it printed; status: of the process; seconds: by its own clock; slept: so many of them."""

    printed: str
    status: int
    seconds: float
    slept: float = 0

    def result(self) -> dict[str, Any]:
        """The JSON of exit_json or fail_json. Raises AssertionError for anything else, such as a traceback."""
        try:
            return json.loads(self.printed)
        except ValueError:
            raise AssertionError(f'status {self.status}, and not one JSON object: {self.printed}') from None


class ModuleProcess:
    """A child that runs modules one after the other, as Ansible runs the items of a loop: a further one costs a fifth of the first.

    It starts with the first module; what this process changes in itself after that is not seen by the child. before: called in the child
    before each module, as to patch it.
    """

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self._before, self._child = before, 0

    def run(self, module: str, arguments: Mapping[str, Any], environment: Mapping[str, str], *, hurried: bool = False) -> Ended:
        """Runs a module. hurried: its client sleeps by moving its clock only."""
        if not self._child:
            self._start()
        try:
            self._pipe.send((module, dict(arguments), dict(environment), os.getcwd(), hurried))
            return Ended(*self._pipe.recv())
        except (EOFError, ConnectionError):  # it has not ended as a module does
            return Ended('', os.waitstatus_to_exitcode(self._wait()), 0)

    def stop(self) -> None:
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            self._wait()

    def __enter__(self) -> ModuleProcess:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _start(self) -> None:
        self._pipe, child_end = multiprocessing.Pipe()
        gc.freeze()  # what there is so far: a child that looks through it would have to copy it
        self._child = os.fork()
        if not self._child:
            try:
                self._pipe.close()  # or it would not see that this process has ended
                self._serve(child_end)
            finally:
                os._exit(70)
        child_end.close()

    def _wait(self) -> int:
        child, self._child = self._child, 0
        self._pipe.close()
        return os.waitpid(child, 0)[1]

    def _serve(self, pipe: Connection) -> None:
        if _internal:
            _internal.is_controller = False  # whatever a test has imported
        while True:
            pipe.send(_run_module(*pipe.recv(), self._before))


def run_in_child(module: str, arguments: Mapping[str, Any], environment: Mapping[str, str], *, hurried: bool = False,
                 before: Callable[[], None] = lambda: None) -> Ended:
    """Runs a module in a child of its own."""
    with ModuleProcess(before) as process:
        return process.run(module, arguments, environment, hurried=hurried)


def _run_module(module: str, arguments: Mapping[str, Any], environment: Mapping[str, str], folder: str, hurried: bool,
                before: Callable[[], None]) -> tuple[str, int, float, float]:
    """Runs a module in this process, with the globals of a new one; returns the fields of Ended."""
    started, slept, status = time.monotonic(), [0.0], 70
    sys.stdout = sys.stderr = output = io.StringIO()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    clock = {'sleep': slept.append, 'clock': lambda: time.monotonic() + sum(slept)}
    _client.Client.__init__.__kwdefaults__.update(clock if hurried else REAL_CLOCK)
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = json.dumps({'ANSIBLE_MODULE_ARGS': arguments}).encode(), 'legacy'
    basic._PARSED_MODULE_ARGS = None
    for name in ('_global_warnings', '_global_deprecations'):
        setattr(warnings, name, type(getattr(warnings, name))())
    try:
        before()
        name = f'ansible_collections.netops.cloudflare_cni.plugins.modules.{module}'
        sys.modules.pop(name, None)  # runpy warns of a module that this process has imported
        runpy.run_module(name, run_name='__main__')
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    return output.getvalue(), status, time.monotonic() - started + sum(slept), sum(slept)
