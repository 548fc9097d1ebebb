# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of each module as a user would copy them: a playbook, and environment variables for the connection."""

from __future__ import annotations

import os
import re
from importlib import import_module
from textwrap import indent

import pytest
import yaml
from support.ansible_runs import ROOT, SETTINGS, run

MODULES = sorted(path.stem for path in (ROOT / 'plugins/modules').glob('*.py'))
# Their examples speak of the circuits nyc-1 and nyc-2, and don't make them.
NEED_CIRCUITS = {
    'alert_history_info', 'alert_policy', 'bgp_filter_profile', 'health_check', 'loa', 'peer', 'static_route', 'status_info',
    'support_bundle', 'tunnel',
}


@pytest.mark.parametrize('module', MODULES)
def test_the_examples_run_as_they_stand(module, simulator, run_module, tmp_path):
    simulator.reset(activate_after=0, tunnel_version='1.5')
    if module in NEED_CIRCUITS:
        run_module('rollout', circuits=[{'name': name, 'slot': {'site': 'ewr-a'}} for name in ('nyc-1', 'nyc-2')])
    if module == 'alert_policy':
        run_module('alert_webhook', name='noc', url='https://noc.example.com/cloudflare')
    examples = import_module(f'ansible_collections.netops.cloudflare_cni.plugins.modules.{module}').EXAMPLES
    (tmp_path / 'site.yml').write_text('- hosts: localhost\n  gather_facts: false\n  tasks:\n' + indent(examples, '    '))

    environment = {**simulator.environment, **SETTINGS, 'PATH': os.environ['PATH'], 'HOME': str(tmp_path), 'LC_ALL': 'C.UTF-8',
                   'CLOUDFLARE_WEBHOOK_SECRET': 'planted'}
    done = run('ansible-playbook', 'site.yml', env=environment, cwd=tmp_path, merged=True)

    assert done.returncode == 0, done.stdout
    assert 'WARNING' not in done.stdout
    recap = dict(re.findall(r'(\w+)=(\d+)', done.stdout))
    assert (recap['failed'], int(recap['ok']) + int(recap['skipped'])) == ('0', len(yaml.safe_load(examples)))
