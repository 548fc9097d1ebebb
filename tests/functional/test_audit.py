# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Automation Platform counts of a job: extensions/audit/event_query.yml on results of the modules, as the controller runs it."""

from __future__ import annotations

import jq
import pytest
import yaml
from support.playbook import ROOT

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import declared_host, host_results

QUERIES = yaml.safe_load((ROOT / 'extensions/audit/event_query.yml').read_text())
SLOT = {'site': 'ewr-a', 'speed': '10G'}
FLEET = [{'name': 'nyc-1', 'slot': SLOT}, {'name': 'nyc-2', 'slot': SLOT}, {'name': 'nyc-3', 'slot': {'site': 'nowhere'}}]


def nodes(result: dict) -> list[dict]:
    """What the query of the collection, which is one for all modules, finds in a result."""
    return jq.compile(QUERIES['netops.cloudflare_cni.*']['query']).input_value(result).all()


def counted(*results: dict) -> set[str]:
    """The names of the nodes of a job. The controller counts different canonical facts."""
    found = [node for result in results for node in nodes(result)]
    assert len({str(node['canonical_facts']) for node in found}) == len({node['name'] for node in found})
    return {node['name'] for node in found}


def test_a_circuit_is_one_node_whichever_modules_name_it(run_module, tmp_path):
    assert set(QUERIES) == {'netops.cloudflare_cni.*'}
    port = run_module('interconnect', slot=SLOT)['interconnect']['name']
    predicted = run_module('cni', True, conduit_name='nyc-1', interconnect=port)
    made = run_module('cni', conduit_name='nyc-1', interconnect=port)
    rollout = run_module('rollout', circuits=[{'name': 'nyc-1', 'mtu': 1400}])
    results = {
        'cni': made,
        'cni_info': run_module('cni_info'),
        'status_info': run_module('status_info', conduit_name='nyc-1'),
        'rollout': rollout,
        'rollout, gathered': run_module('rollout', state='gathered'),
        'provision': host_results([declared_host('nyc-1', {})], rollout, {})['nyc-1'],
    }
    names = {module: [node['name'] for node in nodes(result)] for module, result in results.items()}
    assert names == {module: ['nyc-1'] for module in results}
    assert counted(*results.values()) == {'nyc-1'}
    none = {
        'cni, predicted': predicted,
        'interconnect': run_module('interconnect', conduit_name='nyc-1'),
        'interconnect_info': run_module('interconnect_info'),
        'health_check': run_module('health_check', conduit_name='nyc-1', rate='high'),
        'health_check_info': run_module('health_check_info'),
        'loa': run_module('loa', conduit_name='nyc-1', path=str(tmp_path / 'loa.pdf')),
        'slots_info': run_module('slots_info'),
        'cni_settings_info': run_module('cni_settings_info'),
    }
    assert [result.get('msg') for result in none.values() if result.get('failed')] == []
    assert {module for module, result in none.items() if nodes(result)} == set()


def test_a_fleet_is_its_circuits_but_those_that_are_predicted_failed_or_deleted(run_module):
    run_module('interconnect', slot={**SLOT, 'site': 'atl-a'})  # a spare port
    assert counted(run_module('rollout', True, circuits=FLEET)) == set()
    made = run_module('rollout', circuits=FLEET)
    assert made['summary'] == {'created': 2, 'failed': 1}
    assert counted(made) == {'nyc-1', 'nyc-2'}
    assert counted(run_module('cni_info'), run_module('status_info'), made) == {'nyc-1', 'nyc-2'}
    gone = run_module('rollout', circuits=FLEET[:2], state='deleted', max_deletes=2)
    assert gone['summary'] == {'deleted': 2}
    assert counted(gone, run_module('cni_info'), run_module('status_info')) == set()


@pytest.mark.parametrize('result', [
    {}, {'censored': 'the output has been hidden', 'changed': True}, {'failed': True, 'msg': 'why', 'error': {'kind': 'api'}},
    {'results': [{'cni': {'magic': {'conduit_name': 'of a loop: its items are events too'}}}]}, {'skipped': True, 'skip_reason': 'why'},
    {'interconnect': None, 'cni': None, 'circuits': [{'name': 'nyc-1', 'interconnect': None}], 'statuses': None},
    {'hosts': {'nyc-1': {'cni': {'magic': {'conduit_name': 'of all hosts at once, each of which has a result of its own'}}}}},
])
def test_a_result_without_circuits_is_no_node_and_no_error_that_would_end_the_count_of_the_job(result):
    assert nodes(result) == []
