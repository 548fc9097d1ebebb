# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover drill, without an account: what it would change, why it may not begin, what is to restore, what a ping has lost."""

from __future__ import annotations

import re

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._failover import drill_of, loss_of, restoration_of

PREFIX, HOPS = '10.20.0.0/16', {'nyc-1': '172.31.0.1', 'nyc-2': '172.31.0.3', 'nyc-3': '172.31.0.5'}


def route(hop: str, priority: int = 100, prefix: str = PREFIX, **fields: object) -> dict:
    return {'id': f'{hop} {prefix}', 'prefix': prefix, 'nexthop': HOPS.get(hop, hop), 'priority': priority, **fields}


def account(routes: list[dict], states: tuple[str, ...] = ('Healthy', 'Healthy'), bgp: object = None, probed: bool = True,
            **fields: object) -> dict:
    """A site with as many circuits as states, each on a device of its own."""
    names = list(HOPS)[:len(states)]
    return {
        'interconnects': [{'name': f'icon-{name}', 'site': 'ewr-a', 'ccr_device_name': f'edge-{name}'} for name in names],
        'cnis': [{'interconnect': f'icon-{name}', 'cust_ip': f'{HOPS[name]}/31', 'p2p_ip': f'172.31.0.{2 * number}/31', 'bgp': bgp,
                  'magic': {'conduit_name': name}} for number, name in enumerate(names)],
        'statuses': [{'interconnect': f'icon-{name}', 'state': state} for name, state in zip(names, states, strict=True)],
        'tunnels': {f'icon-{name}': [{'health_check': {'enabled': probed}}] for name in names},
        'routes': routes, **fields,
    }


@pytest.mark.parametrize(('routes', 'during'), [
    ([route('nyc-1'), route('nyc-2')], [101]),
    ([route('nyc-1', 50), route('nyc-2', '200')], [201]),
    ([route('nyc-1', 50), route('nyc-2', 200), route('nyc-3', 150)], [151]),
    ([route('nyc-1'), route('nyc-2'), route('10.255.0.1', 1000)], [101]),
    ([route('nyc-1', 300), route('nyc-2'), route('nyc-1', prefix='10.9.0.0/16'), route('nyc-2', prefix='10.9.0.0/16')], [None, 101]),
    ([route('nyc-1', scope={'colo_regions': ['ENAM']}), route('nyc-2', 7)], [None]),
])
def test_a_route_goes_just_behind_the_best_one_over_a_partner(routes, during):
    drill = drill_of(account(routes, ('Healthy',) * 3), 'nyc-1')
    assert [moved['during'] for moved in drill['routes']] == during
    assert [moved['priority'] for moved in drill['routes']] == [int(one['priority']) for one in routes if one['nexthop'] == HOPS['nyc-1']]


PAIR = [route('nyc-1'), route('nyc-2')]


@pytest.mark.parametrize(('given', 'why'), [
    (account(PAIR), []),
    (account([], bgp={'customer_asn': 64496}), []),
    (account(PAIR, change={'go': False, 'text': 'no go: why'}), ['no go: why']),
    (account(PAIR, ('Down', 'Healthy')), ['nyc-1 is Down, so it has no traffic to move']),
    (account(PAIR, ('Healthy', 'Unhealthy')), ['no other circuit at site ewr-a is Healthy on another device']),
    (account(PAIR, maintenance=[{'interconnect': 'icon-nyc-2'}]), ['no other circuit at site ewr-a']),
    (account(PAIR, probed=False), ['nyc-2: no health check probes icon-nyc-2']),
    (account([route('nyc-1')]), ['nyc-2: neither BGP nor a static route brings traffic to nyc-2',
                                 f'{PREFIX}: no static route leads over nyc-2, which would have to take over']),
    (account([route('nyc-1'), route('nyc-2', scope={'colo_regions': ['ENAM']})]), [f'{PREFIX}: no static route leads over nyc-2']),
    (account([route('nyc-1'), route('nyc-2', 200), route('10.255.0.1', 150)]), [f'{PREFIX}: the route to 10.255.0.1 would take over']),
    (account([route('nyc-1', 300), route('nyc-2')]), ['each static route over nyc-1 is a backup']),
    (account([route('nyc-2')]), ['neither BGP nor a static route brings traffic to nyc-1']),
])
def test_why_a_drill_may_not_begin(given, why):
    refusals = drill_of(given, 'nyc-1')['refusals']
    assert [text[:len(start)] for text, start in zip(refusals, why, strict=True)] == why


def test_a_circuit_that_does_not_exist():
    assert drill_of(account(PAIR), 'nyc-9')['refusals'] == ['the circuit nyc-9 does not exist in this account']


@pytest.mark.parametrize(('text', 'found'), [
    ('203.0.113.1 via 172.31.0.0 dev eth1', True), ('1  172.31.0.1  0.5 ms', True), ('via 172.31.0.12 dev eth2', False),
    ('via 172.31.0.2', False), ('1172.31.0.1', False),
])
def test_either_end_shows_the_circuit_in_an_output(text, found):
    assert bool(re.search(drill_of(account(PAIR), 'nyc-1')['addresses'], text)) == found


@pytest.mark.parametrize(('current', 'changes', 'left'), [
    ([route('nyc-1', 101)], [100], []),
    ([route('nyc-1', '101')], [100], []),
    ([route('nyc-1')], [], []),
    ([route('nyc-1', 150)], [], [f'{PREFIX}: somebody else set the priority to 150 during the drill; it was 100']),
    ([route('nyc-2')], [], [f'{PREFIX}: the route to 172.31.0.1 was deleted during the drill']),
])
def test_what_is_to_restore(current, changes, left):
    found = restoration_of([{**route('nyc-1'), 'during': 101}], current)
    assert ([change['priority'] for change in found['changes']], found['left']) == (changes, left)


def ping(*numbers: int, lost: tuple[int, ...] = (), end: str = '') -> str:
    lines = [(number, f'64 bytes from 203.0.113.1: icmp_seq={number} ttl=63 time=0.04 ms') for number in numbers]
    lines += [(number, f'no answer yet for icmp_seq={number}') for number in lost]
    return '\n'.join(['PING 203.0.113.1 (203.0.113.1) 56(84) bytes of data.', *(text for _number, text in sorted(lines)), end])


@pytest.mark.parametrize(('output', 'figures'), [
    (ping(1, 2, 3, 4), (4, 4, 0.0, 0.0)),
    (ping(1, 2, 6, lost=(3, 4, 5)), (6, 3, 50.0, 0.6)),
    (ping(1, 2, lost=(3, 4)), (4, 2, 50.0, 0.4)),
    (ping(3, 4, lost=(1, 2)), (4, 2, 50.0, 0.4)),
    (ping(1, 2, end='3 packets transmitted, 2 received, 33% packet loss, time 412ms'), (3, 2, 33.33, 0.2)),
    (ping(1, 1, 2), (2, 2, 0.0, 0.0)),
    ('From 172.31.0.1 icmp_seq=1 Destination Host Unreachable\n', (1, 0, 100.0, 0.2)),
    ('', (0, 0, 0.0, 0.0)),
])
def test_what_a_ping_has_lost(output, figures):
    assert tuple(loss_of(output, '0.2').values()) == figures
