# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that show a new object some reads later: who runs again in between orders nothing twice, and finds by its name what is there."""

from __future__ import annotations

import os

import pytest

SLOT = {'site': 'ewr-a', 'speed': '10G'}
READS = 4  # of a list that don't show a new object


@pytest.fixture
def late(simulator, module_process):
    """late(module, **options) -> the result of the module on a service whose lists lag behind. Its waits take no time."""
    simulator.reset(stale_lists=READS)

    def run(module: str, **options) -> dict:
        return module_process.run(module, options, {'PATH': os.environ['PATH'], **simulator.environment}, hurried=True).result()
    return run


def free_slot(simulator) -> str:
    return next(slot['id'] for slot in simulator.state()['slots'] if not slot['occupied'])


@pytest.mark.parametrize('order', [
    lambda _simulator: {'slot': SLOT},
    lambda _simulator: {'slot': SLOT, 'conduit_name': 'nyc-1'},
    lambda simulator: {'slot_id': free_slot(simulator)},
], ids=['by selector', 'for a circuit', 'by slot_id'])
def test_an_order_that_runs_again_before_it_is_listed_orders_nothing(simulator, late, order):
    options = order(simulator)
    first, second = late('interconnect', **options), late('interconnect', **options)
    assert (first['changed'], second.get('changed'), second.get('interconnect')) == (True, False, first['interconnect'])
    assert len(simulator.state()['interconnects']) == 1
    assert second['api']['waited'] > 0


def test_a_rollout_that_runs_again_before_its_ports_are_listed_orders_none(simulator, late):
    circuits = [{'name': name, 'slot': SLOT, 'bgp': {'customer_asn': 64512}} for name in ('nyc-1', 'nyc-2')]
    for circuit in circuits:
        late('interconnect', conduit_name=circuit['name'], slot=SLOT)
    assert late('rollout', circuits=circuits)['summary'] == {'created': 2}
    assert len(simulator.state()['interconnects']) == 2
    assert len({cni['interconnect'] for cni in simulator.state()['cnis']}) == 2


def test_a_circuit_that_runs_again_before_any_of_it_is_listed_is_unchanged(simulator, late):
    link = {'bgp': {'customer_asn': 64512}}
    circuits = [{'name': name, 'slot': SLOT, **link} for name in ('nyc-1', 'nyc-2')]
    assert [late('rollout', circuits=circuits)['summary'] for _run in range(2)] == [{'created': 2}, {'unchanged': 2}]
    port = late('interconnect', slot_id=free_slot(simulator))['interconnect']['name']
    first, second = (late('cni', conduit_name='nyc-3', interconnect=port, **link)['cni']['id'] for _run in range(2))
    assert (first, len(simulator.state()['interconnects']), len(simulator.state()['cnis'])) == (second, 3, 3)


def test_a_route_that_runs_again_before_it_is_listed_is_found(simulator, late):
    route = {'prefix': '10.20.0.0/16', 'nexthop': '192.0.2.1'}
    first, second = (late('static_route', **route) for _run in range(2))
    assert (first['route']['id'], len(simulator.state()['routes'])) == (second['route']['id'], 1)
    circuit = {'name': 'nyc-1', 'slot': SLOT, 'routes': [{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16', 'priority': 7}]}
    assert [late('rollout', circuits=[circuit]).get('failed', False) for _run in range(2)] == [False, False]
    assert len(simulator.state()['routes']) == 3


def test_what_is_not_listed_yet_is_found_by_its_name(simulator, late):
    port = late('interconnect', slot=SLOT)['interconnect']['name']
    assert late('interconnect_info', name=port)['interconnects'] != []
    assert late('status_info', interconnects=[port])['statuses'] != []
    assert late('cni', conduit_name='nyc-1', interconnect=port, bgp={'customer_asn': 64512})['changed']
    simulator.reset(stale_lists=READS)
    port = late('interconnect', slot=SLOT)['interconnect']['name']
    assert late('health_check', interconnect=port, rate='high')['changed']
    assert late('interconnect', slot={**SLOT, 'diverse_from': [port]})['changed']
    assert late('interconnect', name=port, state='absent')['changed']
    assert [interconnect['name'] for interconnect in simulator.state()['interconnects']] != [port]
    assert len(simulator.state()['interconnects']) == 1


def test_an_order_that_never_is_listed_is_an_error_and_nothing_is_ordered_beside_it(simulator, late):
    simulator.reset(stale_lists=1000)
    slot = late('interconnect', slot=SLOT)['interconnect']['slot_id']
    second = late('interconnect', slot=SLOT)
    assert second['failed']
    assert [second['error'][name] for name in ('kind', 'retryable', 'slot_id')] == ['not_yet', True, slot]
    assert f'Slot {slot}' in second['msg']
    assert second['api']['waited'] > 500  # of the 600 s of retry_timeout, less what was spent on reads
    assert len(simulator.state()['interconnects']) == 1
    other = next(slot['id'] for slot in simulator.state()['slots'] if not slot['occupied'])
    assert late('interconnect', slot_id=other)['changed']
