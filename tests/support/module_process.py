# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's main() in a child of this process: as separate as Ansible runs it, without the time that starting Python takes."""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
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
    with tempfile.TemporaryFile('w+') as output, tempfile.TemporaryFile('w+') as took:
        gc.freeze()  # what there is so far: a child that looks through it would have to copy it
        child = os.fork()
        if not child:
            _be_the_module(module, arguments, environment, output.fileno(), took, hurried, before)
        _pid, status = os.waitpid(child, 0)
        for file in (output, took):
            file.seek(0)
        return Ended(output.read(), os.waitstatus_to_exitcode(status), float(took.read() or 0))


def _be_the_module(module, arguments, environment, output, took, hurried, before) -> None:
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
        if before:
            before()
        basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = json.dumps({'ANSIBLE_MODULE_ARGS': arguments}).encode(), 'legacy'
        runpy.run_module(f'ansible_collections.netops.cloudflare_cni.plugins.modules.{module}', run_name='__main__')
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        took.write(str(time.monotonic() - started + sum(slept)))
        took.flush()
        os._exit(status)
