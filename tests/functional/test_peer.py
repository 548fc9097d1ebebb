# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `peer`, run by ansible-playbook: what it writes, refuses and shows. The sessions themselves are in tests/peering."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass

import pytest
from simulator.process import Simulator
from support.playbook import Account, Run
from support.rendered import INTERFACES, checklist, render

KEY, NEW_KEY = 'planted-key-1', 'planted-key-2'

# The role itself: a router for each of the three that a circuit is known from, and some that are refused.

PLAY = '''
- hosts: all
  connection: local
  gather_facts: false
  roles:
    - netops.cloudflare_cni.peer
'''
ROUTERS = ('frr', 'bird', 'junos')  # from the account, from a hand-over, from what the role provision returned


@dataclass(frozen=True)
class Journey:
    account: Account
    files: dict[str, tuple[str, int]]  # as the first run left them: text and mode
    predicted: Run
    first: Run
    second: Run
    gone: Run
    gone_again: Run


@pytest.fixture(scope='module')
def journey(tmp_path_factory):
    with Simulator() as simulator:
        account = Account(simulator, tmp_path_factory.mktemp('peer'))
        (account.folder / 'site.yml').write_text(PLAY)
        site = str(account.folder / 'site.yml')
        free = [slot['id'] for slot in simulator.state()['slots'] if slot['speed'] == '10G' and not slot['occupied']]
        for name, slot in zip(ROUTERS, free, strict=False):
            account.seed(name, slot, bgp={'customer_asn': 64496, 'extra_prefixes': ['203.0.113.0/24'], 'md5_key': KEY})
        account.seed('plain', free[len(ROUTERS)])
        cni = account.circuits()['junos']['cni']
        hosts = {name: {
            'peer_platform': name, 'peer_interface': INTERFACES[name], 'peer_announce': ['192.0.2.0/24'], 'peer_md5_key': KEY,
            'peer_description': '', 'ansible_python_interpreter': '{{ ansible_playbook_python }}',
        } for name in ROUTERS}
        hosts['bird'] |= {'peer_handover': str(account.folder / 'bird.json'), 'cni_in_process': False}
        account.hand_over('bird', account.folder / 'bird.json')
        hosts['junos']['provision_result'] = {
            'name': 'junos', 'settings': {'default_asn': 13335},
            'cni': {**cni, 'bgp': {**cni['bgp'], 'md5_key': '(hidden)'}},
        }
        refused = {
            'no-announce': {name: value for name, value in {**hosts['frr'], 'peer_name': 'frr'}.items() if name != 'peer_announce'},
            'no-platform': {**hosts['frr'], 'peer_platform': 'ios'},
            'no-key': {**hosts['bird'], 'peer_platform': 'frr', 'peer_label': 'no-key', 'peer_md5_key': f'{KEY} with spaces'},
            'no-circuit': {**hosts['frr'], 'peer_name': 'nowhere'},
            'no-routes': {**hosts['frr'], 'peer_name': 'plain'},
        }
        predicted = account.play(site, {'frr': hosts['frr']}, '--check', '--diff')
        assert not account.files.exists()
        hosts['plain'] = {
            'peer_platform': 'iproute2', 'peer_interface': 'eth1', 'peer_static_prefixes': ['203.0.113.0/24'],
            'ansible_python_interpreter': '{{ ansible_playbook_python }}',
        }
        first = account.play(site, hosts | refused, '--diff', '-vvvv', '--forks', '8')
        hosts['bird']['peer_md5_key'] = NEW_KEY
        hosts['frr']['peer_announce'] = ['192.0.2.0/24', '198.51.100.0/24']
        second = account.play(site, hosts, '--check', '--diff')
        files = {file.name: (file.read_text(), stat.S_IMODE(file.stat().st_mode)) for file in sorted(account.files.iterdir())}
        gone = {name: {**hosts[name], 'peer_state': 'absent', 'peer_md5_key': ''} for name in ('junos', 'plain')}
        last = account.play(site, gone, '--diff')
        yield Journey(account, files, predicted, first, second, last, account.play(site, {'plain': gone['plain']}))


WRITING = 'Write the configuration'
WRITTEN = {f'{name}-{name}.{ending}' for name in ROUTERS for ending in ('conf', 'txt')} | {
    'plain-iproute2.sh', 'plain-iproute2.txt', *(f'{name}-check.md' for name in (*ROUTERS, 'plain')),
}


def test_check_mode_predicts_and_writes_nothing(journey):
    assert journey.predicted.status == 0, journey.predicted.output
    assert journey.predicted.changed == {(WRITING, 'frr')}
    assert journey.predicted.writes == journey.first.writes == []


@pytest.mark.parametrize('platform', ROUTERS)
def test_the_role_writes_what_is_rendered_here(journey, platform):
    text = render(platform, journey.account.circuits()[platform]['cni'], md5_key=KEY)
    assert journey.files[f'{platform}-{platform}.conf'][0] == text
    assert journey.files[f'{platform}-{platform}.txt'][0] == text.replace(KEY, '(hidden)')


def test_a_circuit_without_bgp_is_routed_statically(journey):
    cni = journey.account.circuits()['plain']['cni']
    assert journey.files['plain-iproute2.sh'][0] == render('iproute2', cni, static_prefixes=['203.0.113.0/24'])
    assert journey.files['plain-check.md'][0] == checklist('iproute2', cni, static_prefixes=['203.0.113.0/24'])


def test_a_circuit_that_goes_leaves_what_takes_it_off_the_router(journey):
    for run in (journey.gone, journey.gone_again):
        assert run.status == 0 and KEY not in run.output and NEW_KEY not in run.output, run.output
    assert not journey.gone_again.changed
    files = {file.name: file.read_text() for file in journey.account.files.iterdir()}
    of_others = {name for name in WRITTEN if not name.startswith(('junos', 'plain'))}
    assert set(files) == of_others | {'junos-junos-remove.conf', 'plain-iproute2-remove.sh'}
    cni = journey.account.circuits()['junos']['cni']
    assert files['junos-junos-remove.conf'] == render('junos', cni, state='absent')


def test_the_files_are_private_and_none_is_written_for_what_is_refused(journey):
    assert {name: mode for name, (_text, mode) in journey.files.items()} == dict.fromkeys(WRITTEN, 0o600)
    assert stat.S_IMODE(journey.account.files.stat().st_mode) == 0o700


def test_a_second_run_changes_what_has_changed_and_shows_it(journey):
    assert journey.second.status == 0, journey.second.output
    assert journey.second.changed == {(WRITING, 'bird'), (WRITING, 'frr')}
    shown = {path.rpartition('/')[2] for path in re.findall(r'^--- before: (\S+)', journey.second.output, re.MULTILINE)}
    assert shown == {'frr-frr.txt', 'frr-check.md'}  # of bird only the key
    assert re.search(r'^\+ip prefix-list CNI-frr-out seq 10 permit 198.51.100.0/24$', journey.second.output, re.MULTILINE)


def test_no_key_is_on_screen(journey):
    for run in (journey.predicted, journey.first, journey.second):
        assert KEY not in run.output and NEW_KEY not in run.output
    assert '(hidden)' in journey.predicted.output  # where it stands in the diff


def test_the_role_refuses_by_name(journey):
    assert journey.first.status == 2
    fatal = dict(re.findall(r'^fatal: \[(\S+)\]: FAILED! => (\{.*?^\})', journey.first.output, re.MULTILINE | re.DOTALL))
    words = {
        'no-announce': 'peer_announce: is required', 'no-platform': 'value of peer_platform must be one of',
        'no-key': 'peer_md5_key: the value cannot be represented', 'no-circuit': 'peer_name: the circuit nowhere does not exist',
        'no-routes': 'peer_static_prefixes: is required: the CNI of this circuit has no BGP session',
    }
    assert {host: text in fatal[host] for host, text in words.items()} == dict.fromkeys(words, True), fatal


def test_the_result_is_a_fact_for_the_tasks_that_follow(journey):
    assert f'"configuration": "{journey.account.files}/junos-junos.conf"' in journey.first.output
