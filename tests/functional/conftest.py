# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests share: a simulator process, clean for each test, and one more that runs modules."""

from __future__ import annotations

import os

import pytest
from simulator.process import Simulator
from support.browser import Browser
from support.module_process import ModuleProcess


@pytest.fixture(scope='session')
def process():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope='session')
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture
def simulator(process):
    process.reset()
    return process


@pytest.fixture(scope='module')
def module_process():
    with ModuleProcess() as process:
        yield process


@pytest.fixture
def run_module(simulator, module_process):
    """run_module(module, check=False, environment=None, **options) -> the JSON that the module's main() printed."""

    def run(module: str, /, check: bool = False, environment: dict[str, str] | None = None, **options) -> dict:
        arguments = {name: value for name, value in options.items() if value is not None}
        env = {'PATH': os.environ['PATH'], **simulator.environment, **(environment or {})}
        return module_process.run(module, {**arguments, '_ansible_check_mode': check}, env).result()

    return run


@pytest.fixture
def writes(simulator):
    """writes() -> [(method, path below the account)] of all requests that write."""
    def writes() -> list[tuple[str, str]]:
        return [(r['method'], r['path'].split(simulator.account)[1]) for r in simulator.requests() if r['method'] != 'GET'
                and not r['path'].endswith('/graphql')]
    return writes
