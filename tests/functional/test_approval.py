# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks and role with a plan that a change board has approved. What rollout makes of one is in tests/unit/test_approval.py."""

from __future__ import annotations

import re

import pytest
from support.playbook import Account

SLOT = {'site': 'ewr-a', 'speed': '10G'}


@pytest.fixture
def account(simulator, tmp_path):
    return Account(simulator, tmp_path)


def pair(**variables):
    return {'nyc-1': {'provision_slot': SLOT, **variables}, 'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['nyc-1']}}}


@pytest.mark.parametrize('way', ['true', 'false'], ids=['here', 'apart'])
def test_playbooks_plan_and_apply_with_the_file_and_the_digest(account, way):
    execution = ('-e', f'cni_in_process={way}')
    plan = account.play('provision', pair(), '--check', '-e', 'provision_plan_file=plan.md', *execution, ANSIBLE_SHOW_CUSTOM_STATS='true')
    (digest,) = re.findall(r'^Digest: (plan1\S+)$', plan.output, re.MULTILINE)
    assert (plan.status, plan.writes, f'"provision_approved_plan": "{digest}"' in plan.output) == (0, [], True)
    refused = account.play('provision', pair(provision_mtu=1476), '-e', 'provision_approved_plan=plan.md', *execution)
    assert 'nyc-1: Not as approved: mtu 1476 (approved: not declared)' in refused.output
    assert (refused.status != 0, set(account.circuits())) == (True, {'nyc-2'})
    done = account.play('provision', pair(), '-e', f'provision_approved_plan={digest}', *execution)
    assert (done.status, set(account.circuits())) == (0, {'nyc-1', 'nyc-2'}), done.output


def test_a_plan_of_several_runs_is_one_file_and_is_applied_in_batches(account):
    """Circuits with other options are runs of their own."""
    account.play('rollout', pair())
    hosts = {**pair(provision_mtu=1476, provision_loa_max_age=5), 'nyc-3': {'provision_slot': SLOT}}
    hosts['nyc-2']['provision_state'] = 'absent'
    account.play('rollout', hosts, '--check', '-e', 'provision_plan_file=plan.md')
    text = (account.folder / 'plan.md').read_text()
    assert re.findall(r'^## (\S+: \w+)$', text, re.MULTILINE) == ['nyc-1: updated', 'nyc-2: deleted', 'nyc-3: created']
    batches = account.play('provision', hosts, '--check', '-e', 'provision_plan_file=plan.md', '-e', 'provision_serial=1')
    assert (batches.status != 0, 'plan_file: each batch would overwrite the plan' in batches.output) == (True, True)
    done = account.play('provision', hosts, '-e', 'provision_approved_plan=plan.md', '-e', 'provision_serial=1')
    assert (done.status, set(account.circuits())) == (0, {'nyc-1', 'nyc-3'}), done.output


@pytest.mark.parametrize('order', [('nyc-1', 'nyc-2'), ('nyc-2', 'nyc-1')], ids=['in order', 'the other way round'])
def test_a_new_pair_is_ordered_in_batches_as_planned_if_the_one_that_is_avoided_comes_first(account, order):
    hosts = {name: pair()[name] for name in order}
    account.play('provision', hosts, '--check', '-e', 'provision_plan_file=plan.md')
    done = account.play('provision', hosts, '-e', 'provision_approved_plan=plan.md', '-e', 'provision_serial=1')
    if order[0] == 'nyc-1':
        assert (done.status, set(account.circuits())) == (0, {'nyc-1', 'nyc-2'}), done.output
    else:
        assert 'Its port is chosen before that of nyc-1, which was planned first.' in done.output
        assert account.play('provision', hosts, '-e', 'provision_approved_plan=plan.md').status == 0
        assert set(account.circuits()) == {'nyc-1', 'nyc-2'}


def test_a_decommissioning_is_planned_on_the_screen_and_approved(account):
    account.play('rollout', pair())
    plan = account.play('decommission', pair(), '--check', '--limit', 'nyc-2', '-e', 'provision_plan_file=-')
    (digest,) = re.findall(r'^Digest: `(plan1\S+)`$', plan.output, re.MULTILINE)
    assert '| nyc-2 | deleted | Pending | ' in plan.output
    refused = account.play('decommission', pair(), '--limit', 'nyc-1', '-e', f'provision_approved_plan={digest}')
    assert (refused.status != 0, len(account.circuits())) == (True, 2)
    account.play('decommission', pair(), '--limit', 'nyc-2', '-e', f'provision_approved_plan={digest}')
    assert set(account.circuits()) == {'nyc-1'}


def test_the_role_obeys_it_too(account):
    playbook = account.folder / 'role.yml'
    playbook.write_text('[{hosts: circuits, connection: local, gather_facts: false, roles: [netops.cloudflare_cni.provision]}]')
    account.play(str(playbook), pair(), '--check', '-e', '{"provision_plan_file": "{{ inventory_hostname }}.md"}')
    assert {file.name for file in account.folder.glob('nyc-*.md')} == {'nyc-1.md', 'nyc-2.md'}
    done = account.play(str(playbook), pair(), '-e', 'provision_approved_plan=nyc-1.md')
    assert (done.status != 0, set(account.circuits())) == (True, {'nyc-1'})
    assert 'approved: nothing of this circuit' in done.output
