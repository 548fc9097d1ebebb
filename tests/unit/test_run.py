# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test` counts, by the closing line of pytest however quiet it was asked to be, and how it reports what failed."""

from __future__ import annotations

import re
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def run():
    spec = spec_from_loader('run', SourceFileLoader('run', str(Path(__file__).parents[1] / 'run')))
    sys.modules['run'] = module = module_from_spec(spec)  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules['run']


@pytest.mark.parametrize(('closing', 'status', 'counts'), [
    ('====== 1947 passed in 301.20s (0:05:01) ======', 0, (1947, 0)),
    ('1947 passed in 301.20s (0:05:01)', 0, (1947, 0)),
    ('2 passed, 173 deselected in 2.39s', 0, (2, 0)),
    ('1 failed, 2 passed, 1 skipped, 1 error in 2.39s', 1, (2, 3)),
    ('==== 1 failed, 2 passed in 2.39s ====', 1, (2, 1)),
    ('3 passed, 1 warning in 0.10s', 0, (3, 0)),
    ('173 deselected in 2.39s', 5, (0, 1)),
    ('a test printed that 7 passed in 2.39s, and 8 failed', 0, (0, 1)),
    ('', 0, (0, 1)),
])
def test_the_closing_line_of_pytest_is_counted(run, closing, status, counts):
    result = run.judge(run.units('units'), status, 1.0, f'....  [100%]\n{closing}\n')
    assert (result.passed, result.failed) == counts


@pytest.mark.parametrize(('text', 'causes'), [
    ('E   assert 1\nFAILED tests/a.py::test_b - assert 1\nERROR tests/a.py::test_c - OSError\n1 failed, 1 error in 1s',
     ['FAILED tests/a.py::test_b - assert 1', 'ERROR tests/a.py::test_c - OSError']),
    ('Running sanity test "pep8"\nERROR: plugins/a.py:1:1: E501: line too long', ['ERROR: plugins/a.py:1:1: E501: line too long']),
    ('a tool that ends\nin words of its own', ['a tool that ends', 'in words of its own']),
])
def test_the_report_ends_with_what_failed(run, capsys, text, causes):
    step = run.Step('pages', '')
    run.report([run.judge(step, 1, 1.0, text), run.judge(run.Step('ruff', ''), 0, 1.0, 'ERROR in a name is no failure')], {})
    assert capsys.readouterr().out.endswith(''.join(f'pages: {cause}\n' for cause in causes) + '\ntotal: 1 passed, 1 failed\n')


def test_what_steps_name_is_there(run):
    """A step that names a file or a test that has another name by now runs nothing of it."""
    steps = {**run.STEPS, **run.WHOLE, **run.NETBOX, **run.MATRIX}
    named = {path for step in steps.values() for path in re.findall(r'\btests/[\w/]+\.py(?:::\w+)?', step.command)}
    missing = [path for path in named if not defines(*path.partition('::')[::2])]
    assert named
    assert missing == []


def defines(path: str, function: str) -> bool:
    file = ROOT / path
    return file.exists() and (not function or f'def {function}(' in file.read_text())
