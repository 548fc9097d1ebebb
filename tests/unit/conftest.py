# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests here start no process, so that they cost little: they run while code is written, and for each mutant."""

from __future__ import annotations

import importlib
import os
import subprocess

import pytest


@pytest.fixture(scope='module', autouse=True)  # no longer than that: tests of other folders may follow
def no_process():
    def refuse(*_arguments, **_options):
        pytest.fail('A test of tests/unit starts a process: it belongs in tests/functional.')

    importlib.import_module('ansible.utils.display')  # which starts one, to find the C library
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, 'fork', refuse)
        patch.setattr(subprocess.Popen, '__init__', refuse)
        yield
