# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to the traffic if something fails, and faults in the design: small accounts, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.filter.overview import overview
from ansible_collections.netops.cloudflare_cni.plugins.filter.what_if import what_if

GRE = '10.255.0.1'  # the next hop of a tunnel over the Internet
# circuit: device, facility, site
PLACES = {
    'nyc-1': ('edge01.ewr-a', 'Equinix NY1', 'ewr-a'),
    'nyc-2': ('edge02.ewr-a', 'Equinix NY5', 'ewr-a'),
    'nyc-3': ('edge01.ewr-a', 'Equinix NY1', 'ewr-a'),
    'nyc-4': ('edge03.ewr-a', 'Equinix NY1', 'ewr-a'),
    'nyc-5': ('edge01.ewr-b', 'Equinix NY9', 'ewr-b'),
    'lon-1': ('edge01.lhr-a', 'Equinix LD8', 'lhr-a'),
}
P, Q = '10.20.0.0/16', '10.30.0.0/16'


def address(hop: str) -> str:
    return f'172.31.0.{[*PLACES].index(hop) * 2 + 1}' if hop in PLACES else hop


def route(hop: str, prefix: str = P, priority: int = 100, **fields: Any) -> dict:
    return {'id': f'{prefix}-{hop}-{priority}-{fields}', 'prefix': prefix, 'nexthop': address(hop), 'priority': priority, **fields}


def account(*routes: dict, circuits: dict[str, dict] | None = None, **states: str) -> dict:
    """The overview of an account. circuits: changes of each, all that routes lead to if not given; states: where it is not Healthy."""
    hops = {route['nexthop'] for route in routes}
    names = circuits if circuits is not None else {name: {} for name in PLACES if address(name) in hops}
    ports, cnis, statuses, tunnels = [], [], [], []
    for name, changes in names.items():
        device, facility, site = PLACES[name]
        ports.append({'name': f'port-{name}', 'type': 'direct', 'site': site, 'ccr_device_name': device, 'facility': {'name': facility},
                      'speed': '10G', 'virtual_port_reservation_id': name, **changes.get('port', {})})
        cnis.append({'interconnect': f'port-{name}', 'cust_ip': f'{address(name)}/31', 'p2p_ip': '', 'bgp': changes.get('bgp'),
                     'magic': {'conduit_name': name, 'mtu': changes.get('mtu', 1500)}})
        statuses.append({'interconnect': f'port-{name}', 'state': states.get(name.replace('-', '_'), 'Healthy'), 'reason': None,
                         'traffic': changes.get('traffic')})
        tunnels.append({'virtual_port_reservation_id': name, 'mtu': changes.get('tunnel_mtu', 1476),
                        'health_check': {'enabled': changes.get('checked', True)}})
    return overview(ports, cnis, statuses, [], tunnels, '2026-11-23', routes)


def failure_of(found: dict, kind: str, name: str) -> dict:
    (failure,) = [failure for failure in found['failures'] if {'kind': kind, 'name': name} in failure['domains']]
    return failure


def rate(megabits: float) -> dict:
    """The traffic of a circuit, with so much on average to the customer."""
    return {'bits_in': 0, 'bits_out': megabits * 1e6 * 900, 'since': '', 'seconds': 900, 'text': ''}


# What becomes of the traffic.

PAIR = (route('nyc-1'), route('nyc-2'))
PRIMARY = (route('nyc-1'), route('nyc-2', priority=200))
MOVES = [(P, ['nyc-1'], ['nyc-2'])]
UNCHECKED = {'nyc-1': {'checked': False}, 'nyc-2': {}}
STEERED = {  # account, what fails: lost, blackholed, moved
    'the only next hop': (account(route('nyc-1')), 'nyc-1', [P], [], []),
    'one that shares the traffic': (account(*PAIR), 'nyc-1', [], [], MOVES),
    'the primary': (account(*PRIMARY), 'nyc-1', [], [], MOVES),
    'the backup': (account(*PRIMARY), 'nyc-2', [], [], []),
    'both': (account(*PAIR), 'nyc-1,nyc-2', [P], [], []),
    'both, at their site': (account(*PAIR), 'ewr-a', [P], [], []),
    'both, with a tunnel over the Internet': (account(*PAIR, route(GRE, priority=1000)), 'EWR', [], [], [(P, ['nyc-1', 'nyc-2'], [GRE])]),
    'the device of one': (account(*PAIR), 'edge02.ewr-a', [], [], [(P, ['nyc-2'], ['nyc-1'])]),
    'the facility of both': (account(route('nyc-1'), route('nyc-4')), 'Equinix NY1', [P], [], []),
    'the interconnect of one': (account(*PAIR), 'port-nyc-1', [], [], MOVES),
    'one whose backup is down': (account(*PRIMARY, nyc_2='Down'), 'nyc-1', [P], [], []),
    'one whose backup is pending': (account(*PAIR, nyc_2='Pending'), 'nyc-1', [P], [], []),
    'one that is down already': (account(*PRIMARY, nyc_1='Down'), 'nyc-1', [], [], []),
    'the backup, after the primary': (account(*PRIMARY, nyc_1='Unhealthy'), 'nyc-2', [P], [], []),
    'one of two that are down': (account(*PAIR, nyc_1='Down', nyc_2='Down'), 'nyc-1', [], [], []),
    'one without a health check': (account(*PAIR, circuits=UNCHECKED), 'nyc-1', [], [P], []),
    'a primary without a health check': (account(*PRIMARY, circuits=UNCHECKED), 'nyc-1', [], [P], []),
    'a backup without a health check': (account(*reversed([route('nyc-1', priority=200), route('nyc-2')]), circuits=UNCHECKED), 'nyc-1',
                                        [], [], []),
    'one with an unknown health check': (account(*PAIR, circuits={'nyc-1': {'checked': None}, 'nyc-2': {}}), 'nyc-1', [], [], MOVES),
    'one with a backup out of reach': (account(route('nyc-1'), route('nyc-2', priority=1_000_101)), 'nyc-1', [], [P], []),
    'one with a backup just in reach': (account(route('nyc-1'), route('nyc-2', priority=1_000_099)), 'nyc-1', [], [], MOVES),
    'the first of three': (account(route('nyc-1'), route('nyc-2', priority=300), route('lon-1', priority=200)), 'nyc-1',
                           [], [], [(P, ['nyc-1'], ['lon-1'])]),
    'one with a route for a shorter prefix': (account(route('nyc-1'), route('nyc-2', '10.0.0.0/8')), 'nyc-1', [P], [], []),
    'one of a region': (account(route('nyc-1', scope={'colo_regions': ['ENAM']}), route('lon-1', scope={'colo_regions': ['WEUR']})),
                        'nyc-1', [f'{P} from ENAM'], [], []),
    'one of a region, another for all': (account(route('nyc-1', scope={'colo_regions': ['ENAM']}), route('lon-1', priority=200)), 'nyc-1',
                                         [], [], [(f'{P} from ENAM', ['nyc-1'], ['lon-1'])]),
    'that for all': (account(route('nyc-1', scope={'colo_names': ['den01']}), route('lon-1')), 'lon-1',
                     [f'{P} from elsewhere'], [], [(f'{P} from den01', ['lon-1'], ['nyc-1'])]),
    'a circuit with BGP only': (account(circuits={'nyc-1': {'bgp': {'customer_asn': 1}}}), 'nyc-1', [], [], []),
}


@pytest.mark.parametrize('name', STEERED)
def test_the_traffic_loses_its_path_or_moves(name):
    read, fails, *expected = STEERED[name]
    (failure,) = what_if(read, fails)['failures']
    moved = [(move['prefix'], move['from'], move['to']) for move in failure['moved']]
    assert [failure['lost'], failure['blackholed'], moved] == expected
    assert failure['single_point_of_failure'] == bool(failure['lost'] or failure['blackholed'])


def test_each_failure_domain_fails_by_itself_the_worst_first():
    read = account(*PAIR, route('nyc-1', Q), route('nyc-3', Q), route('lon-1', '10.40.0.0/16'))
    found = what_if(read)['failures']
    assert [([f'{domain["kind"]} {domain["name"]}' for domain in failure['domains']], failure['lost']) for failure in found] == [
        (['site ewr-a', 'airport EWR'], [P, Q]),
        (['device edge01.ewr-a', 'facility Equinix NY1'], [Q]),
        (['circuit lon-1', 'interconnect port-lon-1', 'device edge01.lhr-a', 'facility Equinix LD8', 'site lhr-a', 'airport LHR'],
         ['10.40.0.0/16']),
        (['circuit nyc-1', 'interconnect port-nyc-1'], []),
        (['circuit nyc-2', 'interconnect port-nyc-2', 'device edge02.ewr-a', 'facility Equinix NY5'], []),
        (['circuit nyc-3', 'interconnect port-nyc-3'], []),
    ]


def test_an_airport_has_several_sites():
    found = what_if(account(route('nyc-1'), route('nyc-5')))
    assert failure_of(found, 'site', 'ewr-a')['lost'] == []
    assert failure_of(found, 'airport', 'EWR')['lost'] == [P]


def test_what_the_api_does_not_report_is_in_no_failure_domain_and_is_named():
    port = {'ccr_device_name': None, 'facility': None}
    found = what_if(account(*PAIR, circuits={'nyc-1': {'port': port}, 'nyc-2': {}}))
    assert {domain['kind'] for domain in failure_of(found, 'circuit', 'nyc-1')['domains']} == {'circuit', 'interconnect'}
    assert found['unknown'] == ['The API reports no device of nyc-1.', 'The API reports no facility of nyc-1.']


def test_a_prefix_that_has_no_path_now_is_reported_once():
    found = what_if(account(*PAIR, route('lon-1', Q), nyc_1='Down', nyc_2='Pending'))
    assert (found['without_path'], failure_of(found, 'site', 'ewr-a')['lost']) == ([P], [])
    assert found['lines'].count(f'no path now: {P}') == 1


def test_what_bgp_has_learned_is_not_known():
    found = what_if(account(*PAIR, circuits={'nyc-1': {'bgp': {'customer_asn': 64496}}, 'nyc-2': {}}))
    assert failure_of(found, 'circuit', 'nyc-1')['bgp'] == ['nyc-1']
    assert [text.partition(':')[0] for text in found['unknown']] == ['The API shows no prefixes that BGP has learned']


# Whether what remains can carry it.

def loaded(first: float | None, second: float | None, **port: Any) -> dict[str, dict]:
    loads = {'nyc-1': first, 'nyc-2': second}
    return {name: {'traffic': None if load is None else rate(load), 'port': port if name == 'nyc-2' else {}}
            for name, load in loads.items()}


@pytest.mark.parametrize(('circuits', 'options', 'enough', 'text'), [
    (loaded(3000, 2000), {}, True, '5G on 10G'),
    (loaded(6000, 4000), {}, True, '10G on 10G'),
    (loaded(6000, 4001), {}, False, '10G on 10G: not enough'),
    (loaded(300, 200, speed='400M'), {}, False, '500M on 400M: not enough'),
    (loaded(None, 2000), {}, None, 'unknown: no traffic of nyc-1'),
    (loaded(None, None), {}, None, 'unknown: no traffic of nyc-1, nyc-2'),
    (loaded(None, None, speed='fast'), {}, None, 'unknown: no speed of nyc-2, no traffic of nyc-1, nyc-2'),
    (loaded(None, None), {'commit_rates': {'nyc-1': '7G', 'nyc-2': '4G'}}, False, '11G on 10G: not enough'),
    (loaded(1, 4000), {'commit_rates': {'nyc-1': '500M'}}, True, '4.5G on 10G'),  # a rate that is committed to counts more
])
def test_the_circuits_that_take_over_can_carry_it_or_not_or_that_is_not_known(circuits, options, enough, text):
    failure = failure_of(what_if(account(*PAIR, circuits=circuits), **options), 'circuit', 'nyc-1')
    assert (failure['capacity']['enough'], failure['capacity']['text'], failure['survives']) == (enough, text, enough is not False)


def test_the_room_in_a_tunnel_over_the_internet_is_not_known():
    read = account(route('nyc-1'), route(GRE, priority=1000), circuits={'nyc-1': {'traffic': rate(1)}})
    failure = failure_of(what_if(read), 'circuit', 'nyc-1')
    assert (failure['capacity']['enough'], failure['capacity']['text']) == (None, f'unknown: {GRE} is no CNI')


def test_nothing_moves_so_nothing_is_reported_of_capacity():
    assert failure_of(what_if(account(route('nyc-1'))), 'circuit', 'nyc-1')['capacity']['text'] == ''


def test_what_a_site_sends_is_compared_with_the_circuits_that_remain():
    found = what_if(account(*PAIR), site_demand={'ewr-a': '2G', 'lhr-a': '9G'})
    failure = failure_of(found, 'circuit', 'nyc-1')
    assert failure['shortages'] == ['ewr-a needs 2G to Cloudflare, but has 1 circuit for 1G: Cloudflare accepts at most 1G on each CNI of '
                                    'dataplane v2.']
    assert (failure['survives'], failure['single_point_of_failure']) == (False, False)
    assert failure_of(found, 'site', 'ewr-a')['shortages'] == []  # nothing of it remains


# Options.

@pytest.mark.parametrize(('options', 'message'), [
    ({'fails': 'edge01.ewr'}, "fails: there is no circuit, interconnect, device, facility, site or airport 'edge01.ewr'. "
                              'Did you mean edge01.ewr-a?'),
    ({'fails': ['nyc-1', 'x']}, "fails: there is no circuit, interconnect, device, facility, site or airport 'x'."),
    ({'commit_rates': {'nyc-9': '1G'}}, "commit_rates: there is no circuit 'nyc-9'. Did you mean nyc-2?"),
    ({'commit_rates': {'nyc-1': 5}}, 'commit_rates: 5, for nyc-1, is not valid. Allowed: a bandwidth such as 3G or 500M.'),
    ({'site_demand': {'ewr-a': 'much'}}, "site_demand: 'much', for ewr-a, is not valid."),
    ({'must_survive': 'circuit,devise'}, "must_survive: there is no failure domain 'devise'. Did you mean device?"),
])
def test_a_typo_is_an_error(options, message):
    with pytest.raises(AnsibleFilterError) as refused:
        what_if(account(*PAIR), **options)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(('kinds', 'met', 'text'), [
    ('circuit, device', True, ''),
    ([], True, ''),
    (['facility'], True, ''),
    (['site'], False, f'site ewr-a (nyc-1, nyc-2): no path left for {P}'),
])
def test_the_verdict_is_on_the_kinds_that_have_to_be_survived(kinds, met, text):
    assert what_if(account(*PAIR), must_survive=kinds)['verdict'] == {'met': met, 'text': text}


def test_the_verdict_fails_on_little_capacity_and_on_what_is_down_already():
    read = account(*PAIR, route('lon-1', Q), circuits={**loaded(9000, 100), 'lon-1': {}}, lon_1='Down')
    failing = what_if(read, commit_rates={'nyc-1': '9.5G', 'nyc-2': '1G'}, must_survive='circuit')['verdict']
    assert failing == {'met': False, 'text': 'circuit nyc-1, device edge01.ewr-a, facility Equinix NY1: 10.5G on 10G: not enough; '
                                             'circuit nyc-2, device edge02.ewr-a, facility Equinix NY5: 10.5G on 10G: not enough; '
                                             f'no path now: {Q}'}


# Faults in the design.

def two(**second: Any) -> dict[str, dict]:
    return {'nyc-1': {}, 'nyc-2': second}


FAULTS = {
    'single_next_hop': (account(route('nyc-1'), route('nyc-1', Q)), [P, Q], f'{P}, {Q} have one next hop only, nyc-1.'),
    'shared': (account(route('nyc-1'), route('nyc-3')), [P], f'All next hops of {P} are on the device edge01.ewr-a.'),
    'shared ': (account(route('nyc-1'), route('nyc-4')), [P], f'All next hops of {P} are in the facility Equinix NY1.'),
    'no_health_check': (account(*PAIR, circuits=two(checked=False)), ['nyc-2'],
                        'nyc-2 has no health check: Cloudflare does not notice a failure, and keeps sending.'),
    'no_health_check ': (account(*PAIR, circuits=two(checked=None)), ['nyc-2'],
                         'The API shows no health check of nyc-2: whether Cloudflare would notice a failure is not known.'),
    'not_healthy': (account(*PAIR, nyc_1='Pending', nyc_2='Pending'), ['nyc-1', 'nyc-2'],
                    'nyc-1, nyc-2 are Pending, but have routes or BGP.'),
    'unreachable_backup': (account(route('nyc-1'), route('nyc-2', priority=2_000_000)), [P],
                           f'{P} has a backup that is never used: its priority is more than 1000000 above the first one, which is what a '
                           'failing health check adds.'),
    'partial_scope': (account(route('nyc-1', scope={'colo_regions': ['ENAM']}), route('lon-1', scope={'colo_regions': ['WEUR']})), [P],
                      f'All routes of {P} have a scope: what arrives elsewhere than ENAM, WEUR has none.'),
    'unequal_mtu': (account(*PRIMARY, circuits=two(mtu=1400)), [P],
                    f'The MTU is not the same on the circuits of {P}: nyc-1 1500, nyc-2 1400.'),
    'unequal_mtu ': (account(*PRIMARY, circuits=two(tunnel_mtu=1400)), [P],
                     f'The MTU of the tunnel is not the same on the circuits of {P}: nyc-1 1476, nyc-2 1400.'),
    'mixed_bgp': (account(*PRIMARY, circuits=two(bgp={'customer_asn': 64496})), ['ewr-a'],
                  'At ewr-a, BGP is on nyc-2 and not on nyc-1: a static route wins over one that BGP has learned, if prefix and priority '
                  'are the same.'),
    'no_circuit': (account(route('nyc-1'), route(GRE, priority=1000)), [P],
                   f'The next hop {GRE} of {P} is no CNI. It may be a GRE or IPsec tunnel, or not exist.'),
    'no_routes': (account(*PRIMARY, circuits={**two(), 'lon-1': {}}), ['lon-1'],
                  'lon-1 has neither BGP nor a static route: nothing is sent there, even if other circuits fail.'),
    'no_backup': (account(*PAIR), [P], f'All routes of {P} have one priority: there is no backup if all of their circuits fail together.'),
}


@pytest.mark.parametrize('kind', FAULTS)
def test_a_fault_in_the_design_is_found(kind):
    read, names, text = FAULTS[kind]
    assert [(fault['names'], fault['text']) for fault in what_if(read)['faults'] if fault['kind'] == kind.strip()] == [(names, text)]


def test_a_sound_design_has_no_fault():
    read = account(*PRIMARY, route('nyc-2', Q), route('nyc-1', Q, priority=200))
    assert (what_if(read)['faults'], what_if(read)['unknown'], what_if(read)['without_path']) == ([], [], [])


def test_names_are_data():
    read = account(route('nyc-1'), circuits={'nyc-1': {}})
    for circuit in read['circuits']:
        circuit['name'] = circuit['state'] = '{names} {0} %s'
    assert [fault['text'] for fault in what_if(read)['faults']] == [
        f'{P} has one next hop only, {{names}} {{0}} %s.', '{names} {0} %s is {names} {0} %s, but has routes or BGP.']


# For people.

def test_the_table_is_short_and_says_what_happens():
    prefixes = [f'10.{number}.0.0/16' for number in range(5)]
    read = account(*PAIR, *(route('nyc-1', prefix) for prefix in prefixes), circuits=loaded(3000, 2000))
    assert what_if(read)['lines'][:5] == [
        'fails                                                     no path left                                   blackholed  takes over  '
        'capacity',
        'site ewr-a (nyc-1, nyc-2)                                 10.0.0.0/16, 10.1.0.0/16, 10.2.0.0/16, 3 more  -           -           '
        '-',
        'circuit nyc-1, device edge01.ewr-a, facility Equinix NY1  10.0.0.0/16, 10.1.0.0/16, 10.2.0.0/16, 2 more  -           nyc-2       '
        '5G on 10G',
        'circuit nyc-2, device edge02.ewr-a, facility Equinix NY5  -                                              -           nyc-1       '
        '5G on 10G',
        '2 circuits, 10 failure domains: 2 single points of failure, 0 more without the capacity, 0 that change nothing',
    ]


def test_what_fails_by_name_is_shown_with_each_prefix_that_moves():
    read = account(*PAIR, route('nyc-1', Q), route('lon-1', Q, 200))
    lines = what_if(read, 'Equinix NY1')['lines']
    assert lines[1:] == [
        'facility Equinix NY1 (nyc-1)  -             -           nyc-2, lon-1  unknown: no traffic of nyc-1, nyc-2, lon-1',
        f'moves: {P} from nyc-1 to nyc-2',
        f'moves: {Q} from nyc-1 to lon-1',
    ]
