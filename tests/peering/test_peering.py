# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that come up: what the role `peer` wrote, in FRR and BIRD, against another implementation of BGP as Cloudflare's end.

Each router is in a network namespace. Nothing waits for a time to pass: a test looks until what it wants has come about.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from peering.circuits import ALSO_BEHIND, BEHIND, CUSTOMERS, NEW, UNWANTED, WANTED, customer, ends, host, link, neighbors
from peering.lab import Cable, Ping, until
from peering.routers import Bird, Frr, GoBgp, Router
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
    until(lambda: 'bad peer as' in router.peers()[ends(numbered)[1]].error.lower(), 'Cloudflare refuses the AS number', 150)
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
    until(lambda: cloudflare.received(ends(pair.cnis[1])[0]) == {BEHIND: [64496] * 3}, 'the backup is announced with a longer path')
    assert cloudflare.received(ends(pair.cnis[0])[0]) == {BEHIND: [64496]}
    until(lambda: used(router, cloudflare) == ['eth1', 'eth1'], 'the first one is in use, both ways')

    ping = Ping(router.host, '192.0.2.1', '203.0.113.1')
    ping.goes_on()
    cables[0].cut()
    until(lambda: used(router, cloudflare) == ['eth2', 'eth2'], 'the second one is in use, both ways')
    ping.goes_on()
    ping.stop()
    assert ping.longest_gap() < (3 if hold_time == 240 else 10)  # seconds; Cloudflare's own detection counts too


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

    until(lambda: not down(), 'all are Established', 90)


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


# Every file is one that the router's own check finds nothing in.

@pytest.mark.parametrize(('platform', 'case'), [key for key in GOLDEN if key[0] in CUSTOMERS])
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
