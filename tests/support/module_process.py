# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's main() in a child of this process: as separate as Ansible runs it, without the time that starting Python takes."""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import runpy
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible.module_utils import basic

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


@dataclass(frozen=True)
class Ended:
    """How a module ended. printed: all that it printed; status: of the process; seconds: by its own clock, slept or not."""

    printed: str
    status: int
    seconds: float

    def result(self) -> dict[str, Any]:
        """The JSON of exit_json or fail_json. Raises AssertionError for anything else, such as a traceback."""
        try:
            return json.loads(self.printed)
        except ValueError:
            raise AssertionError(f'not one JSON object: {self.printed}') from None


def run_in_child(module: str, arguments: Mapping[str, Any], environment: Mapping[str, str], *, hurried: bool = False,
                 before: Callable[[], None] | None = None) -> Ended:
    """Runs a module. hurried: its client sleeps by moving its clock only. before: called in the child first, as to patch it."""
    return _child(lambda: _run_module(module, arguments, before), environment, hurried)


def run_in_turn(calls: Callable[[], Generator[tuple[str, Mapping[str, Any]], dict[str, Any], None]],
                environment: Mapping[str, str]) -> dict[str, Any]:
    """Runs modules in one child, hurried, one after the other as Ansible runs the items of a loop; returns the last result.

    calls: yields (module, arguments) and is sent the result.
    """
    def run_all() -> None:
        turn, result, stdout = calls(), None, sys.stdout
        with suppress(StopIteration):
            while True:
                module, arguments = turn.send(result)
                sys.stdout, basic._PARSED_MODULE_ARGS = io.StringIO(), None
                try:
                    _run_module(module, arguments)
                except SystemExit:
                    result = Ended(sys.stdout.getvalue(), 0, 0).result()
                finally:
                    sys.stdout = stdout
        print(json.dumps(result))

    return _child(run_all, environment, hurried=True).result()


def _child(do: Callable[[], None], environment: Mapping[str, str], hurried: bool) -> Ended:
    with tempfile.TemporaryFile('w+') as output, tempfile.TemporaryFile('w+') as took:
        gc.freeze()  # what there is so far: a child that looks through it would have to copy it
        child = os.fork()
        if not child:
            _be_the_child(do, environment, output.fileno(), took, hurried)
        _pid, status = os.waitpid(child, 0)
        for file in (output, took):
            file.seek(0)
        return Ended(output.read(), os.waitstatus_to_exitcode(status), float(took.read() or 0))


def _run_module(module: str, arguments: Mapping[str, Any], before: Callable[[], None] | None = None) -> None:
    if before:
        before()
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = json.dumps({'ANSIBLE_MODULE_ARGS': arguments}).encode(), 'legacy'
    runpy.run_module(f'ansible_collections.netops.cloudflare_cni.plugins.modules.{module}', run_name='__main__')


def _be_the_child(do, environment, output, took, hurried) -> None:
    started, slept, status = time.monotonic(), [0.0], 70
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = os.fdopen(1, 'w'), os.fdopen(2, 'w')
        if _internal:
            _internal.is_controller = False  # whatever a test has imported
        os.environ.clear()
        os.environ.update(environment)
        if hurried:
            _client.Client.__init__.__kwdefaults__.update(sleep=slept.append, clock=lambda: time.monotonic() + sum(slept))
        do()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        took.write(str(time.monotonic() - started + sum(slept)))
        took.flush()
        os._exit(status)
