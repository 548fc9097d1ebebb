# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that come up: what the role `peer` wrote, in FRR and BIRD, against another implementation of BGP as Cloudflare's end.

Each router is in a network namespace. Nothing waits for a time to pass: a test looks until what it wants has come about.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from peering.circuits import (
    ALSO_BEHIND,
    BEHIND,
    CUSTOMERS,
    NEW,
    ROUTERS,
    UNWANTED,
    WANTED,
    customer,
    ends,
    host,
    link,
    neighbors,
    static_link,
)
from peering.lab import Cable, Lab, Ping, until
from peering.routers import OTHERS, Bird, Frr, GoBgp, Router
from simulator.process import Simulator
from support.playbook import ROOT, Account
from support.rendered import CASES, GOLDEN, render

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError

KEY, NEW_KEY = "it's-#1|`!", "{new};'key'"


# What a playbook writes for the first one of a redundant pair, and what it writes once the key and the prefixes of its CNI have changed.

PLAY = '''
- hosts: circuits
  connection: local
  gather_facts: false
  tasks:
    - netops.cloudflare_cni.rollout:
        circuits: "{{ ansible_play_hosts | netops.cloudflare_cni.circuits(hostvars) }}"
      run_once: true
      when: not changed

    - netops.cloudflare_cni.cni:
        conduit_name: nyc-1
        bgp: "{{ provision_bgp }}"
      when: changed

    - ansible.builtin.include_role:
        name: netops.cloudflare_cni.peer
      loop: [frr, bird]
      loop_control:
        loop_var: peer_platform
      when: inventory_hostname == 'nyc-1'
'''


class Played(NamedTuple):
    """The CNIs of a pair as Cloudflare has them, and what the role wrote for the first one, by platform."""

    cnis: list[dict]
    files: dict[str, str]


@pytest.fixture(scope='module')
def account(tmp_path_factory):
    with Simulator() as simulator:
        account = Account(simulator, tmp_path_factory.mktemp('account'))
        (account.folder / 'site.yml').write_text(PLAY)
        yield account


def played(account: Account, key: str, announce: list[str], extra: list[str], changed: bool) -> Played:
    circuit = {
        'ansible_python_interpreter': '{{ ansible_playbook_python }}', 'changed': changed, 'provision_mtu': 1476,
        'provision_bgp': {'customer_asn': 64496, 'extra_prefixes': extra, 'md5_key': f'!unsafe {key}'},
        'provision_slot': {'site': 'ewr-a', 'speed': '10G'}, 'peer_interface': 'eth1', 'peer_announce': announce,
    }
    second = {**circuit, 'provision_slot': {'site': 'lhr-a', 'speed': '10G'}}
    run = account.play(str(account.folder / 'site.yml'), {'nyc-1': circuit, 'nyc-2': second}, '--limit', 'nyc-1' if changed else 'all')
    assert run.status == 0, run.output
    circuits = account.circuits()
    return Played(
        [circuits[name]['cni'] for name in ('nyc-1', 'nyc-2')],
        {platform: (account.files / f'nyc-1-{platform}.conf').read_text() for platform in CUSTOMERS},
    )


@pytest.fixture(scope='module')
def pair(account):
    return played(account, KEY, [BEHIND], [WANTED], changed=False)


@pytest.fixture(scope='module')
def changed(account, pair):
    return played(account, NEW_KEY, [BEHIND, ALSO_BEHIND], [WANTED, NEW], changed=True)


# The proof.

@pytest.mark.parametrize('platform', CUSTOMERS)
def test_a_session_comes_up_and_follows_its_cni(lab, platform, pair, changed):
    cni, other = pair.cnis[0], changed.cnis[0]
    inside, outside = ends(cni)
    router, cloudflare = customer(lab, platform), GoBgp(host(lab, 'cloudflare'))
    Cable(router.host, cloudflare.host, 'eth1').address(cni)
    cloudflare.start(13335, neighbors(cni), (WANTED, *UNWANTED))
    router.start(pair.files[platform])

    until(lambda: cloudflare.peers()[inside].established and router.peers()[outside].established, 'Established')
    assert cloudflare.peers()[inside].hold_time == router.peers()[outside].hold_time == 240
    until(lambda: cloudflare.received(inside) and router.installed(), 'prefixes come and go')
    assert cloudflare.received(inside) == {BEHIND: [64496]}
    assert router.received(outside) == {WANTED: [13335]}
    assert router.installed() == {WANTED: 'eth1'}

    cloudflare.reload(13335, neighbors(other))
    cloudflare.announce(NEW)
    router.reload(changed.files[platform])
    until(lambda: set(router.installed()) == {WANTED, NEW}, 'the new prefix is installed over the session with the new key')
    until(lambda: set(cloudflare.received(inside)) == {BEHIND, ALSO_BEHIND}, 'the new prefix is announced')

    router.reload(render(platform, other, md5_key=NEW_KEY, announce=[ALSO_BEHIND], accept=[NEW]))
    until(lambda: set(router.installed()) == {NEW}, 'what is not accepted any more is gone')
    until(lambda: set(cloudflare.received(inside)) == {ALSO_BEHIND}, 'what is not announced any more is withdrawn')


def test_a_router_in_another_as_shows_that_of_the_cni(lab):
    cni = link(0)
    router, cloudflare = customer(lab, 'frr'), GoBgp(host(lab, 'cloudflare'))
    Cable(router.host, cloudflare.host, 'eth1').address(cni)
    cloudflare.start(13335, neighbors(cni), (WANTED,))
    router.start(render('frr', cni, router_asn='64500', router_id='192.0.2.1', prepend='1'))
    until(lambda: cloudflare.peers()[ends(cni)[0]].established, 'Established')
    until(lambda: cloudflare.received(ends(cni)[0]) and router.installed(), 'routes are exchanged')
    assert cloudflare.received(ends(cni)[0]) == {BEHIND: [64496, 64496]}  # 64500 is not to be seen
    assert router.received(ends(cni)[1]) == {WANTED: [13335]}
    own = router.ask('show bgp summary')['ipv4Unicast']
    assert (own['as'], own['routerId']) == (64500, '192.0.2.1')


@pytest.mark.parametrize('platform', CUSTOMERS)
def test_a_wrong_key_and_a_wrong_number_stay_down(lab, platform):
    right, keyed, numbered = link(0, md5_key=KEY), link(1, md5_key=KEY), link(2, md5_key=KEY)
    router, cloudflare = customer(lab, platform), GoBgp(host(lab, 'cloudflare'))
    for number, cni in enumerate((right, keyed, numbered), 1):
        Cable(router.host, cloudflare.host, f'eth{number}').address(cni)
    cloudflare.start(13335, neighbors(right) | neighbors(keyed, key=f'{KEY}.') | neighbors(numbered, asn=64497))
    router.start(*(
        render(platform, cni, md5_key=KEY, interface=f'eth{number}') for number, cni in enumerate((right, keyed, numbered), 1)
    ))

    until(lambda: router.peers()[ends(right)[1]].established, 'the right one is Established')
    until(lambda: min(end.host.counter('TCPMD5Failure') for end in (router, cloudflare)) >= 3, 'three packets are refused for their key')
    # A router whose first attempt came too early tries again after up to 120 s.
    until(lambda: 'bad peer as' in router.peers()[ends(numbered)[1]].error.lower(), 'Cloudflare refuses the AS number')
    assert {address for address, peer in router.peers().items() if peer.established} == {ends(right)[1]}
    assert {address for address, peer in cloudflare.peers().items() if peer.established} == {ends(right)[0]}


@pytest.mark.parametrize('platform', CUSTOMERS)
def test_more_prefixes_than_allowed_end_the_session(lab, platform):
    cni = link(0)
    router, cloudflare = customer(lab, platform), GoBgp(host(lab, 'cloudflare'))
    Cable(router.host, cloudflare.host, 'eth1').address(cni)
    router.start(render(platform, cni, max_prefixes='2'))  # first: FRR 8.4 counts wrong while it is still being told
    cloudflare.start(13335, neighbors(cni), (WANTED, UNWANTED[1]))
    until(lambda: router.installed() == {WANTED: 'eth1'}, 'two prefixes are fine, one of them accepted')
    cloudflare.announce(UNWANTED[2])
    if OTHERS and platform == 'frr':  # FRR 10.3 looks at the limit when a prefix comes that is accepted
        cloudflare.withdraw(WANTED)
        until(lambda: not router.installed(), 'it is withdrawn')
        cloudflare.announce(WANTED)
    until(lambda: not router.installed() and not router.peers()[ends(cni)[1]].established, 'the third one ends the session')


CLOUDFLARE = {
    'bird': (Bird, '', '''
protocol bgp {{
  local {own} as 13335; neighbor {other} as 64496; password "{key}"; hold time 240; graceful restart on;
  ipv4 {{ import all; export where source = RTS_DEVICE; }};
}}
'''),
    'frr': (Frr, '''
router bgp 13335
 no bgp ebgp-requires-policy
 bgp graceful-restart
 address-family ipv4 unicast
  network 203.0.113.0/24
''', '''
router bgp 13335
 neighbor {other} remote-as 64496
 neighbor {other} password {key}
 neighbor {other} timers 80 240
'''),
}


def used(router: Router, cloudflare: Router) -> list[str | None]:
    """The interfaces that the customer sends by, and Cloudflare."""
    return [router.installed().get(WANTED), cloudflare.installed().get(BEHIND)]


# As Cloudflare documents its own end, it offers to restart gracefully within 120 seconds.
@pytest.mark.parametrize('hold_time', [240, 3], ids=['light goes', 'light stays'])
@pytest.mark.parametrize(('platform', 'other'), [('frr', 'bird'), ('bird', 'frr')])
def test_a_pair_fails_over(lab, platform, other, hold_time, pair):
    kind, first, each = CLOUDFLARE[other]
    router, cloudflare = customer(lab, platform), kind(host(lab, 'cloudflare', '203.0.113.1/24'))
    converter = host(lab, 'converter') if hold_time == 3 else None
    cables = [Cable(router.host, cloudflare.host, f'eth{number}', converter) for number in (1, 2)]
    for cable, cni in zip(cables, pair.cnis, strict=True):
        cable.address(cni)
    cloudflare.start(first, *(each.format(own=ends(cni)[1], other=ends(cni)[0], key=KEY) for cni in pair.cnis))
    router.start(
        pair.files[platform] if hold_time == 240 else render(platform, pair.cnis[0], md5_key=KEY, hold_time='3'),
        render(platform, pair.cnis[1], md5_key=KEY, hold_time=str(hold_time), interface='eth2', local_preference='50', prepend='2'),
    )
    until(lambda: sum(peer.established for peer in router.peers().values()) == 2, 'both are Established')
    assert {peer.hold_time for peer in router.peers().values()} == {hold_time}
    until(lambda: cloudflare.installed() and router.installed(), 'routes are installed')
    until(lambda: [cloudflare.received(ends(cni)[0]) for cni in pair.cnis] == [{BEHIND: [64496]}, {BEHIND: [64496] * 3}],
          'the backup is announced with a longer path')
    until(lambda: used(router, cloudflare) == ['eth1', 'eth1'], 'the first one is in use, both ways')

    ping = Ping(router.host, '192.0.2.1', '203.0.113.1')
    ping.goes_on()
    cables[0].cut()
    until(lambda: used(router, cloudflare) == ['eth2', 'eth2'], 'the second one is in use, both ways')
    ping.goes_on()  # long before the hold time of 240 s has passed, as nothing here is waited for that long
    ping.stop()


@pytest.mark.parametrize(('platform', 'other'), [('frr', 'bird'), ('bird', 'frr')])
def test_a_router_restarts_gracefully_where_it_was_asked_to(lab, platform, other):
    kind, first, each = CLOUDFLARE[other]
    cni = link(0, md5_key=KEY)
    router, cloudflare = customer(lab, platform), kind(host(lab, 'cloudflare', '203.0.113.1/24'))
    Cable(router.host, cloudflare.host, 'eth1').address(cni)
    file = render(platform, cni, md5_key=KEY, graceful_restart='true')
    cloudflare.start(first, each.format(own=ends(cni)[1], other=ends(cni)[0], key=KEY))
    router.start(file)
    until(lambda: used(router, cloudflare) == ['eth1', 'eth1'], 'routes are installed, both ways')
    router.kill()
    until(lambda: not cloudflare.peers()[ends(cni)[0]].established, 'the session is gone')
    assert cloudflare.installed() == {BEHIND: 'eth1'}
    router.start(file)
    until(lambda: cloudflare.peers()[ends(cni)[0]].established, 'the session is back')
    assert cloudflare.installed() == {BEHIND: 'eth1'}


# Static routes: what a CNI without BGP carries its traffic by.

def static_edge(lab: Lab, *cables: Cable, cnis: list[dict]) -> None:
    """Cloudflare's end of a pair: it sends to the customer by both links, as its own equal routes have it."""
    cloudflare = cables[0].far
    hops = [word for cable, cni in zip(cables, cnis, strict=True) for word in ('nexthop', 'via', ends(cni)[0], 'dev', cable.interface)]
    cloudflare.ip('route', 'add', BEHIND, *hops)


@pytest.mark.parametrize('distance', ['', '10'], ids=['pair', 'backup'])
@pytest.mark.parametrize('platform', ROUTERS)
def test_static_routes_carry_traffic_and_fail_over(lab, platform, distance):
    cnis = [static_link(0), static_link(1)]
    router, cloudflare = customer(lab, platform), host(lab, 'cloudflare', '203.0.113.1/24')
    cables = [Cable(router.host, cloudflare, f'eth{number}') for number in (1, 2)]
    for cable, cni in zip(cables, cnis, strict=True):
        cable.address(cni)
    static_edge(lab, *cables, cnis=cnis)
    files = [
        render(platform, cni, interface=cable.interface, static_prefixes=[WANTED], static_distance=distance if number else '')
        for number, (cable, cni) in enumerate(zip(cables, cnis, strict=True))
    ]
    router.start(*files)
    both = {'eth1', 'eth2'}
    until(lambda: router.host.hops(WANTED) == ({'eth1'} if distance else both), 'the routes are there')
    if platform in CUSTOMERS:
        router.reload(*files)
        assert router.host.hops(WANTED) == ({'eth1'} if distance else both)

    ping = Ping(router.host, '192.0.2.1', '203.0.113.1')
    ping.goes_on()
    used = router.host.leaves_by('203.0.113.1', '192.0.2.1')
    cables[int(used[-1]) - 1].cut()
    until(lambda: router.host.hops(WANTED) == both - {used}, 'the other one is in use')
    ping.goes_on()
    ping.stop()


@pytest.mark.parametrize('platform', ['frr', 'iproute2'])
def test_what_takes_a_circuit_away_leaves_the_other_one(lab, platform):
    cnis = [link(0, md5_key=KEY), link(1, md5_key=KEY)] if platform == 'frr' else [static_link(0), static_link(1)]
    router, cloudflare = customer(lab, platform), host(lab, 'cloudflare')
    cables = [Cable(router.host, cloudflare, f'eth{number}') for number in (1, 2)]
    for cable, cni in zip(cables, cnis, strict=True):
        cable.address(cni)
        router.host.ip('address', 'flush', 'dev', cable.interface)  # it puts its own
    options = [{'interface': cable.interface, 'static_prefixes': [WANTED], 'md5_key': KEY, 'description': 'Some text'} for cable in cables]
    files = [render(platform, cni, **peer_options) for cni, peer_options in zip(cnis, options, strict=True)]
    router.start(*files)
    until(lambda: router.host.hops(WANTED) == {'eth1', 'eth2'}, 'the routes are there')
    router.remove(render(platform, cnis[0], state='absent', **options[0]))
    until(lambda: router.host.hops(WANTED) == {'eth2'}, 'that of the first one is gone')
    until(lambda: cnis[0]['cust_ip'] not in router.host.ip('address', 'show', 'dev', 'eth1'), 'its address is gone')
    if platform == 'frr':
        own = router.configured()
        assert not re.search(r'link-0|172\.31\.0\.[01]\b|eth1', own) and 'link-1-in' in own and '172.31.0.2' in own
    router.remove(render(platform, cnis[1], state='absent', **options[1]))
    until(lambda: router.host.hops(WANTED) == set(), 'that of the second one, too')


def test_an_mss_is_clamped_where_the_mtu_asks_for_it(lab):
    cni = static_link(0)
    cni['magic']['mtu'] = 1300
    router, cloudflare, inside = customer(lab, 'iproute2'), host(lab, 'cloudflare', '203.0.113.1/24'), lab.namespace('inside')
    Cable(router.host, cloudflare, 'eth1').address({**cni, 'magic': {'mtu': 1500}})
    Cable(router.host, inside, 'lan').address({'cust_ip': '100.64.9.1/24', 'p2p_ip': '100.64.9.2/24', 'magic': {'mtu': 1500}})
    inside.ip('route', 'add', 'default', 'via', '100.64.9.1')
    cloudflare.ip('route', 'add', '100.64.9.0/24', 'via', ends(cni)[0])
    router.host.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward')
    router.start(render('iproute2', cni, static_prefixes=[WANTED]))
    log = cloudflare.folder / 'python.log'
    cloudflare.start('python', '-uc', (
        "import socket; server = socket.create_server(('203.0.113.1', 7)); print('listens');"
        'print(server.accept()[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))'))
    until(lambda: log.read_text() == 'listens\n', 'it listens')
    inside.run('python', '-c', "import socket; socket.create_connection(('203.0.113.1', 7), 10)")
    until(lambda: len(log.read_text().split()) == 2, 'it has been called')
    assert int(log.read_text().split()[1]) == 1300 - 40 - 12  # less the option for timestamps


# What BGP has besides.

@pytest.mark.parametrize('platform', CUSTOMERS)
def test_a_priority_at_cloudflare_is_a_community(lab, platform):
    cni = link(0)
    router, cloudflare = customer(lab, platform), GoBgp(host(lab, 'cloudflare'))
    Cable(router.host, cloudflare.host, 'eth1').address(cni)
    cloudflare.start(13335, neighbors(cni))
    router.start(render(platform, cni, route_priority='150', prepend='1', announce=['100.0.0.0/8', BEHIND], discard_routes=['100.0.0.0/8']))
    inside = ends(cni)[0]
    until(lambda: cloudflare.peers()[inside].established, 'Established')
    until(lambda: len(cloudflare.received(inside)) == 2, 'both prefixes are announced')
    assert cloudflare.communities(inside) == {prefix: ['13335:60150'] for prefix in (BEHIND, '100.0.0.0/8')}
    assert cloudflare.received(inside) == {prefix: [64496, 64496] for prefix in (BEHIND, '100.0.0.0/8')}

    # Without its discard route nothing stands for the aggregate.
    router.reload(render(platform, cni, route_priority='10', announce=['100.0.0.0/8', BEHIND]))
    until(lambda: cloudflare.communities(inside) == {BEHIND: ['13335:60010']}, 'the aggregate is withdrawn, and the community another one')


# Another site of the customer, with the same AS number, announces this to Cloudflare.
OTHER_SITE = {
    'bird': ('protocol static { ipv4; route 10.20.0.0/16 blackhole; }', CLOUDFLARE['bird'][2].replace(
        'export where source = RTS_DEVICE', 'export filter {{ bgp_path.prepend(64496); accept; }}')),
    'frr': (f'''ip route 10.20.0.0/16 blackhole
route-map other-site permit 10
 set as-path prepend 64496
exit
{CLOUDFLARE["frr"][1]}  network 10.20.0.0/16
''', CLOUDFLARE['frr'][2] + ''' address-family ipv4 unicast
  neighbor {other} route-map other-site out
'''),
}


@pytest.mark.parametrize(('platform', 'other'), [('frr', 'bird'), ('bird', 'frr')])
def test_sites_of_one_as_have_the_routes_of_each_other(lab, platform, other):
    first, each = OTHER_SITE[other]
    cni = link(0, md5_key=KEY)
    router, cloudflare = customer(lab, platform), CLOUDFLARE[other][0](host(lab, 'cloudflare', '203.0.113.1/24'))
    Cable(router.host, cloudflare.host, 'eth1').address(cni)
    cloudflare.start(first, each.format(own=ends(cni)[1], other=ends(cni)[0], key=KEY))
    router.start(render(platform, cni, md5_key=KEY, accept=[NEW], allowas_in='1'))
    until(lambda: router.host.hops(NEW) == {'eth1'}, 'the route of the other site is in use')
    router.reload(render(platform, cni, md5_key=KEY, accept=[NEW]))
    until(lambda: not router.host.hops(NEW), 'without that it is no longer')


@pytest.mark.parametrize(('platform', 'options'), [('frr', {'maximum_paths': '2'}), ('bird', {})])
def test_a_pair_shares_the_load(lab, platform, options):
    cnis = [link(0), link(1)]
    router, cloudflare = customer(lab, platform), GoBgp(host(lab, 'cloudflare'))
    for number, cni in enumerate(cnis, 1):
        Cable(router.host, cloudflare.host, f'eth{number}').address(cni)
    cloudflare.start(13335, neighbors(*cnis), (WANTED,))
    files = [render(platform, cni, interface=f'eth{number}', **options) for number, cni in enumerate(cnis, 1)]
    router.start(*files)
    until(lambda: router.host.hops(WANTED) == {'eth1', 'eth2'}, 'both are in use')
    if options:
        router.reload(*(file.replace('maximum-paths 2', 'maximum-paths 1') for file in files))
        until(lambda: len(router.host.hops(WANTED)) == 1, 'one is, when one is what was asked for')


# Keys: each that Cloudflare allows brings a session up, or is refused by name before there is a file.

SPECIAL = [chr(code) for code in range(32, 127) if not chr(code).isalnum() and chr(code) not in '"?']
KEYS = [
    *SPECIAL, *(f'{sign}a{sign}b{sign}' for sign in SPECIAL), 'a', 'k' * 80, "two words and a ' quote", '{{7*7}}', '{%raw%}', '$9$abc',
    '7 0822455D', '0', '%s%n', r'\x41\n', '$(id)', '&&', '<!--', '  ',
]


@pytest.mark.parametrize('platform', CUSTOMERS)
def test_each_key_brings_a_session_up_or_is_refused_by_name(lab, platform):
    router, cloudflare = customer(lab, platform), GoBgp(host(lab, 'cloudflare'))
    cable = Cable(router.host, cloudflare.host, 'eth1')
    taken, refused, files = [], [], []
    for number, key in enumerate(KEYS):
        cni = link(number, md5_key=key)
        try:
            files.append(render(platform, cni, md5_key=key))
            taken.append(cni)
        except InputError as error:
            assert str(error).startswith('peer_md5_key: ')
            refused.append(key)
    assert refused == ([key for key in KEYS if ' ' in key] if platform == 'frr' else [])
    for cni in taken:
        cable.address(cni)
    router.start(*files)
    cloudflare.start(13335, neighbors(*taken))

    def down() -> list[str]:
        peers = cloudflare.peers()
        return [cni['bgp']['md5_key'] for cni in taken if not peers[ends(cni)[0]].established]

    until(lambda: not down(), 'all are Established')


# The playbooks of the guide bring a file to the router.

@pytest.mark.parametrize('platform', CUSTOMERS)
def test_the_playbook_of_the_guide_brings_a_circuit_to_the_router(lab, platform, tmp_path):
    cni = link(0, md5_key=KEY)
    router, cloudflare = customer(lab, platform), GoBgp(host(lab, 'cloudflare'))
    Cable(router.host, cloudflare.host, 'eth1').address(cni)
    cloudflare.start(13335, neighbors(cni), (WANTED,))
    router.start_for_the_playbook()
    file = tmp_path / f'nyc-1-{platform}.conf'
    file.write_text(render(platform, cni, md5_key=KEY))
    first, second = (router.play(ROOT / f'docs/examples/{platform}.yml', file) for _run in range(2))
    assert f'RUNNING HANDLER [Reload {router.called}]' in first and 'changed=0' in second
    until(lambda: router.installed() == {WANTED: 'eth1'}, 'the session is up, and the prefix installed')
    router.play(ROOT / f'docs/examples/{platform}.yml', file, gone=True)
    until(lambda: not router.installed(), 'the session is gone')


def test_the_playbook_of_the_guide_brings_a_circuit_to_linux(lab, tmp_path):
    cni = static_link(0)
    router, cloudflare = customer(lab, 'iproute2'), host(lab, 'cloudflare', '203.0.113.1/24')
    Cable(router.host, cloudflare, 'eth1').address(cni)
    file = tmp_path / 'nyc-1-iproute2.sh'
    file.write_text(render('iproute2', cni, static_prefixes=[WANTED]))
    first, second = (router.play(ROOT / 'docs/examples/iproute2.yml', file) for _run in range(2))
    assert 'RUNNING HANDLER [Run the scripts]' in first and 'changed=0' in second
    assert router.host.hops(WANTED) == {'eth1'}


# Every file is one that the router's own check finds nothing in. What takes a circuit away from BIRD is a comment.

@pytest.mark.parametrize(('platform', 'case'), [
    key for key in GOLDEN if key[0] in CUSTOMERS and not (key[0] == 'bird' and key[1].endswith('remove'))
])
def test_the_router_itself_finds_a_golden_file_right(platform, case):
    CUSTOMERS[platform].check(GOLDEN[platform, case])


@pytest.mark.parametrize('platform', CUSTOMERS)
@pytest.mark.parametrize(('option', 'value'), [
    ('description', "All that is taken .,:/_()+@=&'*-"), ('description', 'x' * 80), ('label', 'x' * 32), ('label', '-_-'), ('label', '1'),
    ('interface', 'a.b_c-d'), ('hold_time', '3'), ('local_preference', str(2**32 - 1)), ('prepend', '10'), ('max_prefixes', str(2**32 - 1)),
])
def test_the_router_itself_takes_what_the_role_takes(platform, option, value, tmp_path):
    cni, options = CASES['backup']
    file = Path(tmp_path / 'circuit.conf')
    file.write_text(render(platform, cni, **options | {option: value}))
    CUSTOMERS[platform].check(file)
