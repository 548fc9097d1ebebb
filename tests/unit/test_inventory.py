# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin circuits, as ansible-inventory and ansible-playbook use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from playbook import ROOT, Account

# Read, not imported: with Ansible's own plugins in this process, modules that are run from it would take it for the controller.
EXAMPLE = (ROOT / 'plugins' / 'inventory' / 'circuits.py').read_text().split("EXAMPLES = r'''\n")[1].split("'''")[0]
PLUGIN = 'plugin: netops.cloudflare_cni.circuits\n'
KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
SLOT = {'site': 'ewr-a', 'speed': '10G'}
FLEET = {
    'nyc-1': {'provision_slot': SLOT, 'provision_bgp': {'customer_asn': 64512, 'md5_key': 'planted md5 key'}, 'provision_mtu': 1476},
    'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['nyc-1']}, 'provision_description': '!unsafe {{ 7 * 7 }}',
              'provision_health_check': {'rate': 'high'}},
    'gcp-1': {'provision_pairing_key': KEY, 'provision_bandwidth': '1G'},
}


@pytest.fixture(scope='module')
def account(process, tmp_path_factory):
    """An account with three circuits, and a port that carries none."""
    process.reset()
    account = Account(process, tmp_path_factory.mktemp('fleet'))
    made = account.play('rollout', FLEET)
    assert made.status == 0, made.output
    account.spare = account.order(next(slot['id'] for slot in process.state()['slots'] if slot['site'] == 'lhr-a' and not slot['occupied']))
    return account


@pytest.fixture
def ask(account, tmp_path):
    """ask(text of the file, ...) -> what ansible-inventory makes of it: .groups, .hosts, .said, .status, .sent."""
    return lambda text, *arguments, name='cni.yml', **environment: Answer(account, tmp_path, text, arguments, name, environment)


class Answer:
    def __init__(self, account: Account, folder: Path, text: str, arguments: tuple[str, ...], name: str, environment: dict[str, str]):
        (folder / name).write_text(text)
        before = len(account.simulator.requests())
        command = [Path(sys.executable).with_name('ansible-inventory'), '-i', name, '--list', *arguments]
        environment = {**account.environment, **environment}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        self.status, self.said = done.returncode, ' '.join(done.stderr.split())  # older releases break lines
        self.groups = json.loads(done.stdout) if done.stdout else None
        self.hosts = (self.groups or {}).get('_meta', {}).get('hostvars')
        self.sent = [(one['path'].rpartition('/')[2], one['query']) for one in account.simulator.requests()[before:]]


def test_the_circuits_and_the_ports_without_one_are_hosts(account, ask):
    found = ask(EXAMPLE)
    assert found.status == 0, found.said
    assert set(found.hosts) == {*FLEET, account.spare}
    link, port = (account.circuits()['nyc-1'][name] for name in ('cni', 'interconnect'))
    told = {name: value for name, value in found.hosts['nyc-1'].items() if name.startswith('cni_')}
    assert told == {
        'cni_id': link['id'], 'cni_description': '', 'cni_mtu': 1476, 'cni_bgp_mode': 'dynamic_route_exchange',
        'cni_bgp': {**link['bgp'], 'md5_key': '(hidden)'}, 'cni_cust_ip': link['cust_ip'], 'cni_p2p_ip': link['p2p_ip'],
        'cni_type': 'direct', 'cni_site': 'ewr-a', 'cni_speed': '10G', 'cni_facility': port['facility']['name'],
        'cni_address': port['facility']['address'], 'cni_device': port['ccr_device_name'], 'cni_slot_id': port['slot_id'],
        'cni_interconnect': port['name'], 'cni_state': 'Pending',
    }
    assert found.hosts['nyc-1']['ansible_connection'] == 'local'
    assert set(found.groups['site_ewr_a']['hosts']) == {'nyc-1', 'nyc-2'}
    assert (found.groups['type_gcp_partner']['hosts'], found.groups['unused']['hosts']) == (['gcp-1'], [account.spare])
    assert set(found.groups['dark']['hosts']) == {'nyc-1', 'nyc-2', account.spare}
    assert 'Healthy' in json.dumps(found.hosts['nyc-2']['provision_wait_for'])
    assert found.hosts['nyc-2']['cni_description'] == {'__ansible_unsafe': '{{ 7 * 7 }}'}
    assert 'planted' not in json.dumps(found.groups) + found.said


def test_a_rollout_over_it_changes_nothing(account, tmp_path):
    (tmp_path / 'cni.yml').write_text(PLUGIN)
    before = len(account.simulator.requests())
    command = [Path(sys.executable).with_name('ansible-playbook'), '-i', 'cni.yml', 'netops.cloudflare_cni.rollout']
    command += ['-e', 'rollout_state=overridden']
    done = subprocess.run(command, cwd=tmp_path, env=account.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'unchanged': 3" in done.stdout or '"unchanged": 3' in done.stdout
    assert {one['method'] for one in account.simulator.requests()[before:]} == {'GET'}
    assert account.circuits()['nyc-2']['cni']['magic']['description'] == '{{ 7 * 7 }}'


@pytest.mark.parametrize(('text', 'hosts', 'asked'), [
    ('site: ewr-a', {'nyc-1', 'nyc-2'}, {'site': 'ewr-a'}),
    ('type: gcp_partner', {'gcp-1'}, {'type': 'gcp_partner'}),
    ('speed: 1g', {'gcp-1'}, {}),
    ('address_contains: london', set(), {}),
])
def test_filters(account, ask, text, hosts, asked):
    found = ask(PLUGIN + text)
    assert (found.status, {name for name in found.hosts if name in FLEET}) == (0, hosts), found.said
    assert sorted(found.sent, key=str) == sorted([('interconnects', asked), ('cnis', {}), ('cf_interconnects', {})], key=str)


def test_a_status_costs_a_request_each_and_is_left_out_unless_asked_for(account, ask):
    assert len(ask(PLUGIN + 'status: true').sent) == 3 + 4
    assert 'cni_state' not in ask(PLUGIN).hosts['nyc-1']


def test_credentials_may_be_templates_and_an_empty_variable_is_none(account, ask):
    text = PLUGIN + 'api_token: "{{ lookup(\'env\', \'OWN\') }}"\n'
    assert ask(text, OWN=account.simulator.token, CLOUDFLARE_API_TOKEN='wrong', CLOUDFLARE_API_KEY='').status == 0
    refused = ask(text, OWN='', CLOUDFLARE_API_KEY='')
    assert (refused.status, refused.sent) == (1, [])
    assert 'api_token: is not set' in refused.said


@pytest.mark.parametrize('source', ['alone', 'beside another'])
def test_an_api_that_can_not_be_read_is_no_empty_inventory(account, ask, source):
    arguments = ['-i', 'localhost,'] if source == 'beside another' else []
    found = ask(PLUGIN, *arguments, CLOUDFLARE_API_TOKEN='wrong-token')
    assert (found.status, found.groups) == (1, None)
    assert 'HTTP 403, Authentication error' in found.said
    assert 'wrong-token' not in found.said


def test_a_cache_spares_requests_and_serves_what_it_had_when_the_api_fails(account, ask, tmp_path):
    text = PLUGIN + 'cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: kept\ncache_timeout: 3600\n'
    first = ask(text)
    (file,) = (tmp_path / 'kept').iterdir()
    again = ask(text)
    assert (len(first.sent), again.sent, again.hosts) == (3, [], first.hosts)
    assert 'planted' not in file.read_text()
    os.utime(file, (0, 0))
    stale = ask(text, CLOUDFLARE_API_TOKEN='wrong-token')
    assert (stale.status, stale.hosts) == (0, first.hosts)
    assert 'the circuits are those of an earlier run' in stale.said
    assert len(ask(text).sent) == 3
    (tmp_path / 'play.yml').write_text('[{hosts: all}]')
    before = len(account.simulator.requests())
    command = [Path(sys.executable).with_name('ansible-playbook'), '-i', 'cni.yml', 'play.yml', '--list-hosts', '--flush-cache']
    subprocess.run(command, cwd=tmp_path, env=account.environment, stdout=subprocess.DEVNULL, check=True)
    assert len(account.simulator.requests()) == before + 3


def test_a_file_of_another_name_is_told_so(ask):
    found = ask(PLUGIN, name='circuits.yml')
    assert 'let its name end in cni.yml or cni.yaml' in found.said


def test_the_example_is_a_file_for_the_plugin():
    assert yaml.safe_load(EXAMPLE)['plugin'] == 'netops.cloudflare_cni.circuits'
