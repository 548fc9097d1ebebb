# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account a playbook works on: that of its hosts, whatever the environment names. Hosts of several accounts in one run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from simulator.process import Simulator
from support.drills import PREFIXES, Pair
from support.netbox_double import NetboxDouble, planned_circuit
from support.playbook import ROOT, Account, Run

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._events import new_event

SLOT = {'site': 'ewr-a', 'speed': '10G'}
PLAYBOOKS = sorted(path.stem for path in (ROOT / 'playbooks').glob('*.yml'))
EMAIL = {'alerts_emails': ['noc@example.com'], 'alerts_types': ['magic_tunnel_health_check_event']}
# What a playbook needs besides circuits. Those that are not here need nothing.
ARGUMENTS = {'decommission': ('--limit', 'nyc-1'), 'alerts': ('-e', json.dumps(EMAIL)), 'failover': ('-e', 'failover_circuit=nyc-1')}
OFFLINE = {'netbox_fields', 'on_event'}  # work on no account


@pytest.fixture(scope='module')
def named() -> Iterator[Simulator]:
    """The account that the hosts name. The one of the environment is another."""
    with Simulator('--account', 'b' * 32) as simulator:
        yield simulator


def connection(simulator: Simulator) -> dict[str, str]:
    return {'provision_account_id': simulator.account, 'provision_api_url': simulator.url, 'provision_api_token': simulator.token}


def event(account: str | None = None) -> tuple[str, str]:
    """An event that concerns nyc-1, as ansible-rulebook passes it on."""
    found = new_event('status', 'nyc-1: Pending -> Healthy', at=1_796_000_000.0, via='poll', account=account, circuits=['nyc-1'],
                      status={'interconnect': 'ewr-a-icon-1', 'state': 'Healthy'})
    return '-e', json.dumps({'ansible_eda': {'event': found}, 'support_dir': 'support'})


def play(account: Account, playbook: str, hosts: dict[str, dict], variables: dict[str, str], *arguments: str) -> Run:
    """Runs a playbook over hosts, those of NetBox, or on localhost. All of them have the variables."""
    common = account.folder / 'all.yml'
    common.write_text(json.dumps({'all': {'hosts': {'localhost': {'ansible_connection': 'local'}}, 'vars': variables}}))
    arguments = ('-i', str(common), *ARGUMENTS.get(playbook, ()), *arguments)
    if not playbook.startswith('netbox'):
        return account.play(playbook, hosts, *arguments)
    netbox = NetboxDouble(account.folder, [planned_circuit(1, 'nyc-1')])
    try:
        return account.play(playbook, {}, *arguments, **netbox.environment)
    finally:
        netbox.stop()


@pytest.mark.parametrize('playbook', PLAYBOOKS)
def test_a_playbook_works_on_the_account_that_its_hosts_name_and_on_no_other(process, named, playbook, tmp_path):
    process.reset()
    named.reset()
    pair = Pair(named, tmp_path)
    pair.route((PREFIXES[0], 'nyc-1', 100), (PREFIXES[0], 'nyc-2', 100))
    seeded = len(named.requests())
    arguments = event() if playbook.startswith('on_') else ()
    run = play(Account(process, tmp_path), playbook, {'nyc-1': {'provision_slot': SLOT}, 'nyc-2': {'provision_slot': SLOT}},
               connection(named), *arguments)
    assert run.sent == [], run.output
    assert bool(named.requests()[seeded:]) == (playbook not in OFFLINE), run.output


def test_hosts_of_netbox_whose_group_names_another_account_are_refused_before_a_write(process, named, tmp_path):
    process.reset()
    account = Account(process, tmp_path)
    (tmp_path / 'group.yml').write_text(json.dumps({'circuits': {'vars': connection(named)}}))
    netbox = NetboxDouble(tmp_path, [planned_circuit(1, 'nyc-1')])
    before = netbox.file.read_text()
    try:
        run = account.play('netbox_provision', {}, '-i', str(tmp_path / 'group.yml'), **netbox.environment)
    finally:
        netbox.stop()
    assert (run.status, run.writes, netbox.file.read_text()) == (2, [], before), run.output
    assert 'nyc-1 is of another account than localhost' in run.output


def test_the_role_peer_reads_the_account_of_its_host(process, named, tmp_path):
    process.reset()
    named.reset()
    Pair(named, tmp_path)
    router = {'peer_platform': 'frr', 'peer_interface': 'eth1', 'peer_artifacts_dir': str(tmp_path), 'peer_static_prefixes': []}
    (tmp_path / 'site.yml').write_text(json.dumps([
        {'hosts': 'circuits', 'connection': 'local', 'gather_facts': False, 'roles': ['netops.cloudflare_cni.peer']}]))
    run = Account(process, tmp_path).play(str(tmp_path / 'site.yml'), {'nyc-1': connection(named) | router})
    assert (run.status, run.sent) == (0, []), run.output


def test_an_event_of_another_account_than_that_of_the_environment_is_looked_at_there(process, named, tmp_path):
    process.reset()
    run = Account(process, tmp_path).play('on_maintenance', {}, *event(named.account))
    assert {request['path'].split('/')[4] for request in run.sent} == {named.account}, run.output


def test_the_hosts_of_an_inventory_source_are_of_its_account(process, named, tmp_path):
    process.reset()
    named.reset()
    Pair(named, tmp_path)
    names = connection(named)
    (tmp_path / 'cni.yml').write_text('\n'.join(['plugin: netops.cloudflare_cni.circuits', *(
        f'{name.removeprefix("provision_")}: {value}' for name, value in names.items())]))
    run = Account(process, tmp_path).play('provision', {}, '-i', str(tmp_path / 'cni.yml'), '-e', json.dumps(
        {'provision_api_token': named.token, 'provision_artifacts_dir': str(tmp_path / 'new')}), '--tags', 'status')
    assert (run.status, run.sent) == (0, []), run.output


# Two accounts in one run.

@pytest.fixture
def both(process, named, tmp_path) -> Account:
    """An account with nyc-1 and one with lon-1, both of which have further circuits."""
    process.reset()
    named.reset()
    for simulator, name, site in ((process, 'nyc-1', 'ewr-a'), (named, 'lon-1', 'lhr-a'), (named, 'lon-2', 'lhr-a')):
        free = [slot['id'] for slot in simulator.state()['slots'] if not slot['occupied'] and slot['site'] == site]
        simulator.set_status(Account(simulator, tmp_path).seed(name, free[0]), 'Healthy')
    return Account(process, tmp_path)


@pytest.fixture
def hosts(both, named) -> dict[str, dict]:
    """The second names the account of the environment by a variable, which is no other account."""
    return {'lon-1': connection(named), 'nyc-1': {'provision_account_id': both.simulator.account}, 'nyc-9': {},
            'lon-2': connection(named)}


def test_status_shows_each_circuit_as_it_is_in_its_account(both, hosts, named, tmp_path):
    run = both.play('status', hosts, '-e', 'provision_wait_timeout=1')
    assert run.status == 0, run.output
    shown = dict(re.findall(r'(nyc-1|nyc-9|lon-1|lon-2) +(\S+) +\S+ +.*?(?:Healthy|absent)', run.output))
    cnis = both.simulator.state()['cnis'] + named.state()['cnis']
    ports = {cni['magic']['conduit_name']: cni['interconnect'] for cni in cnis}
    assert shown == {**ports, 'nyc-9': '-'}, run.output
    alone = both.play('status', {name: hosts[name] for name in ('nyc-1', 'nyc-9')}, '-e', 'provision_wait_timeout=1')
    assert len(run.sent) == len(alone.sent), 'the account was read more than once'


def test_a_file_of_one_account_is_not_overwritten_with_that_of_another(both, hosts, tmp_path):
    page = {'provision_report': str(tmp_path / 'page.html')}
    run = both.play('status', {name: own | page for name, own in hosts.items()}, ANSIBLE_FORKS='1')  # the first host fails before the next
    assert (run.status, run.sent, (tmp_path / 'page.html').exists()) == (2, [], False), run.output
    assert 'provision_report, provision_metrics: several accounts would write the same file, those of lon-1, nyc-1.' in run.output
    run = both.play('status', {name: own | {'provision_report': str(tmp_path / f'{name[:3]}.html')} for name, own in hosts.items()})
    pages = {name: (tmp_path / f'{name}.html').read_text() for name in ('nyc', 'lon')}
    assert (run.status, *('lon-1' in page for page in pages.values())) == (0, False, True), run.output


def test_cross_connects_are_those_of_each_account_in_a_folder_of_its_own(both, hosts, named, tmp_path):
    refused = both.play('cross_connects', hosts, ANSIBLE_FORKS='1')
    assert (refused.status, refused.sent) == (2, []), refused.output
    assert 'Set it for the hosts of each account' in refused.output
    folders = {name: own | {'provision_cross_connects_dir': str(tmp_path / name[:3])} for name, own in hosts.items()}
    run = both.play('cross_connects', folders)
    tables = [{*re.findall(r'^"(\w+-\d)"', (tmp_path / name / 'cross-connects.csv').read_text(), re.MULTILINE)} for name in ('nyc', 'lon')]
    assert (run.status, tables) == (0, [{'nyc-1', 'nyc-9'}, {'lon-1', 'lon-2'}]), run.output


def test_preflight_checks_each_account_once_and_keeps_a_profile_of_each(both, hosts, named, tmp_path):
    refused = both.play('preflight', hosts, ANSIBLE_FORKS='1')
    assert (refused.status, refused.sent, (tmp_path / 'preflight.json').exists()) == (2, [], False), refused.output
    assert 'preflight_profile: several accounts would write the same file, those of lon-1, nyc-1.' in refused.output
    own = {name: {'provision_slot': SLOT, 'preflight_profile': str(tmp_path / f'{name[:3]}.json'), **variables}
           for name, variables in hosts.items()}
    run = both.play('preflight', own)
    assert run.changed == {('Write the profile', 'lon-1'), ('Write the profile', 'nyc-1')} and run.writes == [], run.output
    for simulator in (both.simulator, named):
        assert [request['path'] for request in simulator.requests()].count('/client/v4/user/tokens/verify') == 1
    named.fault('status', path='/cni/slots', status=403, times=None, body={'success': False, 'errors': [{'code': 10000, 'message': 'no'}]})
    run = both.play('preflight', own)
    assert run.status == 2, run.output
    assert 'fatal: [lon-1]' in run.output and 'PLAY [Check the circuits]' not in run.output, run.output


def test_alerts_of_an_account_are_about_its_circuits(both, hosts, named):
    del hosts['nyc-9']
    run = both.play('alerts', hosts, *ARGUMENTS['alerts'])
    about = [policy['filters'] for simulator in (both.simulator, named) for policy in simulator.state()['policies']]
    assert run.status == 0, run.output
    assert [len(filters['tunnel_name']) for filters in about] == [1, 2]
