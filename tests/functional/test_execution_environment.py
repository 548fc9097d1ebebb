# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder makes of the collection, and of the example for an execution environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.playbook import ROOT

BUILDER = Path(sys.executable).with_name('ansible-builder')


def test_an_execution_environment_gets_what_the_collection_needs():
    done = subprocess.run([BUILDER, 'introspect', ROOT / '.build'], capture_output=True, text=True, check=True)
    found = yaml.safe_load(done.stdout)
    needed = [line for line in (ROOT / 'requirements.txt').read_text().splitlines() if line and not line.startswith('#')]
    assert [line.split('  #')[0] for line in found['python']] == needed
    assert found['system'] == []


@pytest.mark.parametrize('name', ['execution-environment', 'decision-environment'])
def test_the_example_makes_a_context_with_the_collection(name, tmp_path):
    example = ROOT / 'docs' / 'examples' / f'{name}.yml'
    command = [BUILDER, 'create', '-f', example, '-c', tmp_path, '--output-filename', 'Containerfile']
    subprocess.run(command, check=True, capture_output=True)
    assert 'ansible-galaxy collection install' in (tmp_path / 'Containerfile').read_text()
    assert yaml.safe_load((tmp_path / '_build' / 'requirements.yml').read_text()) == {'collections': ['netops.cloudflare_cni']}
