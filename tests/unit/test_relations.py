# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between circuits, and of what is deleted, in whatever runs the hosts are: what a run does not see, it must not break.

Each row of WAYS brings the same hosts into other runs, each test is a guard or a relation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from properties.inprocess import Api
from support.provision_action import Play

SLOT = {'site': 'ewr-a', 'speed': '10G'}
PAIR = {'nyc-1': {'provision_slot': SLOT}, 'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['nyc-1']}}}
ABSENT = {name: {'provision_state': 'absent'} for name in PAIR}

Results = dict[str, dict[str, Any]]


class Account(Api):
    """The simulated account, and the plays on it."""

    def __init__(self) -> None:
        super().__init__()
        self.id, self.folder = self._simulation.options.account, ''

    def reset(self, folder: str) -> None:
        self.folder = folder
        self._simulation.reset(no_validate=True)

    def play(self, hosts: Mapping[str, Any], check: bool = False, tags: tuple[str, ...] = ('all',), **options: Any) -> Play:
        hosts = {host: {'provision_artifacts_dir': self.folder, **variables} for host, variables in hosts.items()}
        return Play({self.id: self}, hosts, options, tags, check)

    def make(self, hosts: Mapping[str, Any], state: str = 'Pending') -> None:
        """Has the circuits made, and their ports in that state."""
        assert not failed(self.play(hosts).playbook())
        for port in self.state['interconnects']:
            self._simulation.set_status(port['name'], state)

    @property
    def circuits(self) -> dict[str, dict[str, Any]]:
        """{circuit: its CNI}."""
        return {cni['magic']['conduit_name']: cni for cni in self.state['cnis']}

    @property
    def devices(self) -> list[str]:
        return [port['ccr_device_name'] for port in self.state['interconnects']]


ACCOUNT = Account()


def failed(results: Results) -> set[str]:
    return {host for host, result in results.items() if result.get('failed')}


def named_two_ways(hosts: Mapping[str, Any], **account: str) -> dict[str, Any]:
    """The second half of the hosts names the account of the environment."""
    return {host: {**variables, **(account if number % 2 else {})} for number, (host, variables) in enumerate(hosts.items())}


def in_two_folders(hosts: Mapping[str, Any]) -> dict[str, Any]:
    return {host: {**variables, 'provision_artifacts_dir': f'{ACCOUNT.folder}/{number % 2}'} for number, (host, variables) in
            enumerate(hosts.items())}


def each_alone(hosts: Mapping[str, Any], **options: Any) -> Results:
    return {host: result for host in hosts for host, result in ACCOUNT.play(hosts, **options).playbook(limit=[host]).items()}


def each_alone_backwards(hosts: Mapping[str, Any], **options: Any) -> Results:
    return {host: result for host in [*hosts][::-1] for host, result in ACCOUNT.play(hosts, **options).playbook(limit=[host]).items()}


# {way: what runs the hosts so}. The options are those of the task.
WAYS: dict[str, Callable[..., Results]] = {
    'one run': lambda hosts, **options: ACCOUNT.play(hosts, **options).playbook(),
    'limit': each_alone,
    'limit, the last first': each_alone_backwards,
    'serial': lambda hosts, **options: ACCOUNT.play(hosts, **options).playbook(serial=1),
    'role': lambda hosts, **options: ACCOUNT.play(hosts, **options).role(),
    'tags': lambda hosts, **options: ACCOUNT.play(hosts, tags=('interconnect', 'loa'), **options).playbook(),
    'account by variable and environment': lambda hosts, **options: ACCOUNT.play(
        named_two_ways(hosts, provision_account_id=ACCOUNT.id), **options).playbook(),
    'two tokens': lambda hosts, **options: ACCOUNT.play(
        named_two_ways(hosts, provision_account_id=ACCOUNT.id, provision_api_token='of-the-others'), **options).playbook(),
    'two folders': lambda hosts, **options: ACCOUNT.play(in_two_folders(hosts), **options).playbook(),
    'two folders, tags': lambda hosts, **options: ACCOUNT.play(in_two_folders(hosts), tags=('interconnect', 'loa'), **options).playbook(),
    'two folders, limit, tags': lambda hosts, **options: each_alone(in_two_folders(hosts), tags=('interconnect', 'loa'), **options),
}
BY_TAGS = ('tags', 'two folders, tags', 'two folders, limit, tags')
# Runs that do not read what other hosts declare, but for what they delete and order: see docs/provision.md.
ALONE = ('limit', 'limit, the last first', 'two folders, limit, tags', 'role')


@pytest.fixture(params=WAYS)
def way(request, tmp_path, monkeypatch):
    monkeypatch.setenv('CLOUDFLARE_ACCOUNT_ID', ACCOUNT.id)
    monkeypatch.setenv('CLOUDFLARE_API_TOKEN', 'of-the-environment')
    ACCOUNT.reset(str(tmp_path / 'files'))
    return request.param


def all_failed(results: Results) -> bool:
    """Whether all hosts failed that had their turn: after a batch of which all have failed, there is no other."""
    return failed(results) == {*results}


# A pair.

@pytest.mark.parametrize('declaring', ['nyc-1', 'nyc-2'])
def test_a_new_pair_is_on_two_devices_whichever_declares_it(way, declaring):
    (other,) = {*PAIR} - {declaring}
    hosts = {host: {'provision_slot': {**SLOT, **({'diverse_from': [other]} if host == declaring else {})}} for host in PAIR}
    results = WAYS[way](hosts)
    assert (failed(results), len(ACCOUNT.devices), len({*ACCOUNT.devices})) == (set(), 2, 2)


def test_one_of_a_pair_that_is_ordered_later_is_on_another_device(way):
    for host in PAIR:
        ACCOUNT.reset(f'{ACCOUNT.folder}/{host}')
        ACCOUNT.make({host: {'provision_slot': SLOT}})
        results = WAYS[way](PAIR)
        assert (failed(results), len(ACCOUNT.devices), len({*ACCOUNT.devices})) == (set(), 2, 2), host


# What contradicts itself.

see_all_hosts = pytest.mark.parametrize('way', [way for way in WAYS if way not in ALONE], indirect=True)


@see_all_hosts
def test_two_hosts_with_one_circuit_are_refused(way):
    hosts = {host: {'provision_name': 'nyc', 'provision_slot': SLOT, 'provision_mtu': mtu} for host, mtu in (('a', 1400), ('b', 1476))}
    results = WAYS[way](hosts)
    assert (all_failed(results), ACCOUNT.state['interconnects']) == (True, [])


@see_all_hosts
def test_two_as_numbers_of_an_account_are_refused(way):
    hosts = {host: {'provision_slot': SLOT, 'provision_default_asn': asn} for host, asn in (('a', 65000), ('b', '65001'))}
    before = ACCOUNT.state['settings']
    results = WAYS[way](hosts)
    assert (all_failed(results), ACCOUNT.state['settings']) == (True, before)


def test_batches_do_not_read_all_hosts_of_the_play_each(tmp_path, monkeypatch):
    monkeypatch.setenv('CLOUDFLARE_ACCOUNT_ID', ACCOUNT.id)
    monkeypatch.setenv('CLOUDFLARE_API_TOKEN', 'of-the-environment')
    ACCOUNT.reset(str(tmp_path))
    hosts = {f'nyc-{number}': {'provision_slot': SLOT} for number in range(8)}
    ACCOUNT.make(hosts)
    play = ACCOUNT.play({**hosts, 'twin': {'provision_name': 'nyc-1'}})
    results = play.playbook(serial=2)
    assert failed(results) == {'nyc-1', 'twin'}
    assert len(play.read) <= 3 * len(results), 'each batch has read all hosts'


# What is deleted and disturbed.

def test_what_is_healthy_stays_where_it_is_protected(way):
    ACCOUNT.make(PAIR, 'Healthy')
    results = WAYS[way](ABSENT, protect='healthy', max_deletes=2)
    assert (all_failed(results), {*ACCOUNT.circuits}) == (way not in BY_TAGS, {*PAIR})


def test_a_site_keeps_one_that_is_healthy(way):
    ACCOUNT.make(PAIR, 'Healthy')
    results = WAYS[way](ABSENT, max_deletes=2)
    assert (bool(failed(results)), bool(ACCOUNT.circuits)) == (way not in BY_TAGS, True)


def test_more_than_one_is_not_deleted_without_a_number(way):
    ACCOUNT.make(PAIR)
    results = WAYS[way](ABSENT)
    if way.startswith('limit'):  # the user names them one by one
        assert (failed(results), ACCOUNT.circuits) == (set(), {})
    else:
        assert (all_failed(results), {*ACCOUNT.circuits}) == (way not in BY_TAGS, {*PAIR})


# In a run for each, the second finds the first Healthy again. Other ways are refused, or have no step for it.
CHANGED = {'one run': 1, 'account by variable and environment': 1, 'limit': 2, 'limit, the last first': 2}


def test_one_of_a_site_is_changed_at_a_time(way):
    ACCOUNT.make(PAIR, 'Healthy')
    hosts = {host: {**variables, 'provision_mtu': 1400} for host, variables in PAIR.items()}
    results = WAYS[way](hosts, at_most_per_site=1)
    changed = sum(cni['magic']['mtu'] == 1400 for cni in ACCOUNT.circuits.values())
    assert (changed, all_failed(results)) == (CHANGED.get(way, 0), way not in (*CHANGED, 'tags', 'two folders, limit, tags'))


def test_overridden_takes_no_circuit_of_another_run_for_surplus(way):
    ACCOUNT.make(PAIR)
    ACCOUNT.make({'surplus': {'provision_slot': SLOT}})
    results = WAYS[way](PAIR, state='overridden', max_deletes=3)
    whole = way in ('one run', 'account by variable and environment')
    assert {*ACCOUNT.circuits} == {*PAIR, *(() if whole else ['surplus'])}
    assert all_failed(results) == (not whole and way not in ('tags', 'two folders, tags'))


# What was approved.

def test_a_plan_is_applied_as_it_was_approved_and_no_more(way, tmp_path):
    ACCOUNT.make(PAIR)
    approved = {host: {**variables, 'provision_mtu': 1400} for host, variables in PAIR.items()}
    plan = str(tmp_path / 'plan.md')
    ACCOUNT.play(approved, check=True, plan_file=plan).playbook()
    results = WAYS[way]({**approved, 'nyc-2': {**PAIR['nyc-2'], 'provision_mtu': 1476}}, approved_plan=plan)
    mtus = {name: cni['magic']['mtu'] for name, cni in ACCOUNT.circuits.items()}
    if way in BY_TAGS:
        assert (failed(results), mtus) == (set(), {'nyc-1': 1500, 'nyc-2': 1500})
    else:
        assert (failed(results), mtus) == ({'nyc-2'}, {'nyc-1': 1400, 'nyc-2': 1500})
        assert (failed(WAYS[way](approved, approved_plan=plan)), ACCOUNT.circuits['nyc-2']['magic']['mtu']) == (set(), 1400)
