# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests share: a simulator process, clean for each test, and modules run in processes of their own."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import tempfile
import traceback

import pytest
from ansible.module_utils import basic
from simulator.process import Simulator

importlib.import_module('requests')  # once, so that no child has to


@pytest.fixture(scope='session')
def process():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(process):
    process.reset()
    return process


@pytest.fixture
def run_module(simulator):
    """run_module(module, check=False, environment=None, **options) -> the JSON that the module's main() printed."""

    def run(module: str, /, check: bool = False, environment: dict[str, str] | None = None, **options) -> dict:
        arguments = {name: value for name, value in options.items() if value is not None}
        env = {'PATH': os.environ['PATH'], **simulator.environment, **(environment or {})}
        printed = in_child(module, {'ANSIBLE_MODULE_ARGS': {**arguments, '_ansible_check_mode': check}}, env)
        return json.loads(printed)

    return run


def in_child(module: str, arguments: dict, environment: dict[str, str]) -> str:
    """What a module's main() prints, run in a child of this process: as separate as Ansible runs it, without the time to start Python."""
    with tempfile.TemporaryFile('w+') as output:
        child = os.fork()
        if not child:
            status = 1
            try:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, 'w'), os.fdopen(2, 'w')
                os.environ.clear()
                os.environ.update(environment)
                basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = json.dumps(arguments).encode(), 'legacy'
                runpy.run_module(f'ansible_collections.netops.cloudflare_cni.plugins.modules.{module}', run_name='__main__')
            except SystemExit:
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(status)
        os.waitpid(child, 0)
        output.seek(0)
        return output.read()


@pytest.fixture
def writes(simulator):
    """writes() -> [(method, path below the account)] of all requests that write."""
    def writes() -> list[tuple[str, str]]:
        return [(r['method'], r['path'].split(simulator.account)[1]) for r in simulator.requests() if r['method'] != 'GET']
    return writes
