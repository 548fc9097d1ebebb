# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin circuits, as ansible-inventory and ansible-playbook use it."""

from __future__ import annotations

import html
import json
import os
import re
from pathlib import Path

import pytest
import yaml
from simulator.process import Simulator
from support.ansible_runs import run
from support.playbook import ROOT, Account

# Read, not imported: with Ansible's own plugins in this process, modules that are run from it would take it for the controller.
EXAMPLE = (ROOT / 'plugins' / 'inventory' / 'circuits.py').read_text().split("EXAMPLES = r'''\n")[1].split("'''")[0]
PLUGIN = 'plugin: netops.cloudflare_cni.circuits\n'
KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
SLOT = {'site': 'ewr-a', 'speed': '10G'}
FLEET = {
    'nyc-1': {'provision_slot': SLOT, 'provision_bgp': {'customer_asn': 64512, 'md5_key': 'planted md5 key'}, 'provision_mtu': 1476},
    'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['nyc-1']}, 'provision_description': '!unsafe {{ 7 * 7 }}',
              'provision_health_check': {'rate': 'high'},
              'provision_routes': [{'prefix': '10.20.0.0/16', 'priority': 100, 'description': 'offices'}]},
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
def list_inventory(account, tmp_path):
    """list_inventory(text of the file, ...) -> what ansible-inventory makes of it: .groups, .hosts, .stderr, .status, .sent."""
    return lambda text, *arguments, name='cni.yml', **environment: Answer(account, tmp_path, text, arguments, name, environment)


class Answer:
    def __init__(self, account: Account, folder: Path, text: str, arguments: tuple[str, ...], name: str, environment: dict[str, str]):
        (folder / name).write_text(text)
        before = len(account.simulator.requests())
        done = run('ansible-inventory', '-i', name, '--list', *arguments, env=account.environment | environment, cwd=folder)
        self.status, self.stderr = done.returncode, ' '.join(done.stderr.split())  # older releases break lines
        self.groups = json.loads(done.stdout) if done.stdout else None
        self.hosts = (self.groups or {}).get('_meta', {}).get('hostvars')
        self.sent = [(request['path'].rpartition('/')[2], request['query']) for request in account.simulator.requests()[before:]]


def test_the_circuits_and_the_ports_without_one_are_hosts(account, list_inventory):
    found = list_inventory(EXAMPLE)
    assert found.status == 0, found.stderr
    assert set(found.hosts) == {*FLEET, account.spare}
    link, port = (account.circuits()['nyc-1'][name] for name in ('cni', 'interconnect'))
    variables = {name: value for name, value in found.hosts['nyc-1'].items() if name.startswith('cni_')}
    assert variables == {
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
    assert found.hosts['nyc-2']['provision_routes'] == FLEET['nyc-2']['provision_routes']
    assert 'planted' not in json.dumps(found.groups) + found.stderr


def test_a_rollout_over_it_changes_nothing(account, tmp_path):
    (tmp_path / 'cni.yml').write_text(PLUGIN)
    before = len(account.simulator.requests())
    command = ['ansible-playbook', '-i', 'cni.yml', 'netops.cloudflare_cni.rollout', '-e', 'rollout_state=overridden']
    for outcome in ('updated', 'unchanged'):  # its files are new
        done = run(*command, env=account.environment, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(re.findall(rf'^\S+ +{outcome} ', done.stdout, re.MULTILINE)) == 3, done.stdout
    assert {request['method'] for request in account.simulator.requests()[before:]} == {'GET'}
    assert account.circuits()['nyc-2']['cni']['magic']['description'] == '{{ 7 * 7 }}'


@pytest.mark.parametrize(('text', 'hosts', 'query'), [
    ('site: ewr-a', {'nyc-1', 'nyc-2'}, {'site': 'ewr-a'}),
    ('type: gcp_partner', {'gcp-1'}, {'type': 'gcp_partner'}),
    ('speed: 1g', {'gcp-1'}, {}),
    ('address_contains: london', set(), {}),
])
def test_filters(account, list_inventory, text, hosts, query):
    found = list_inventory(PLUGIN + text)
    assert (found.status, {name for name in found.hosts if name in FLEET}) == (0, hosts), found.stderr
    lists = [('interconnects', query), ('cnis', {}), ('cf_interconnects', {}), ('routes', {})]
    assert sorted(found.sent, key=str) == sorted(lists, key=str)


def test_a_status_costs_a_request_each_and_is_left_out_unless_asked_for(account, list_inventory):
    assert len(list_inventory(PLUGIN + 'status: true').sent) == 4 + 4
    assert 'cni_state' not in list_inventory(PLUGIN).hosts['nyc-1']


def test_credentials_may_be_templates_and_an_empty_variable_is_none(account, list_inventory):
    text = PLUGIN + 'api_token: "{{ lookup(\'env\', \'OWN\') }}"\n'
    assert list_inventory(text, OWN=account.simulator.token, CLOUDFLARE_API_TOKEN='wrong', CLOUDFLARE_API_KEY='').status == 0
    refused = list_inventory(text, OWN='', CLOUDFLARE_API_KEY='')
    assert (refused.status, refused.sent) == (1, [])
    assert 'api_token: is required' in refused.stderr


@pytest.mark.parametrize('source', ['alone', 'beside another'])
def test_an_api_that_can_not_be_read_is_no_empty_inventory(account, list_inventory, source):
    arguments = ['-i', 'localhost,'] if source == 'beside another' else []
    found = list_inventory(PLUGIN, *arguments, CLOUDFLARE_API_TOKEN='wrong-token')
    assert (found.status, found.groups) == (1, None)
    assert 'HTTP 403, Authentication error' in found.stderr
    assert 'wrong-token' not in found.stderr


def test_a_cache_spares_requests_and_serves_what_it_had_when_the_api_fails(account, list_inventory, tmp_path):
    text = PLUGIN + 'cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: kept\ncache_timeout: 3600\n'
    first = list_inventory(text)
    (file,) = (tmp_path / 'kept').iterdir()
    cached = list_inventory(text)
    assert (len(first.sent), cached.sent, cached.hosts) == (4, [], first.hosts)
    assert 'planted' not in file.read_text()
    os.utime(file, (0, 0))
    stale = list_inventory(text, CLOUDFLARE_API_TOKEN='wrong-token')
    assert (stale.status, stale.hosts) == (0, first.hosts)
    assert 'using the circuits of an earlier run from the cache' in stale.stderr
    assert len(list_inventory(text).sent) == 4
    (tmp_path / 'play.yml').write_text('[{hosts: all}]')
    before = len(account.simulator.requests())
    done = run('ansible-playbook', '-i', 'cni.yml', 'play.yml', '--list-hosts', '--flush-cache', env=account.environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(account.simulator.requests()) == before + 4


def test_a_file_of_another_name_is_refused_by_name(list_inventory):
    found = list_inventory(PLUGIN, name='circuits.yml')
    assert 'its name must end in cni.yml or cni.yaml' in found.stderr


def test_the_example_is_a_file_for_the_plugin():
    assert yaml.safe_load(EXAMPLE)['plugin'] == 'netops.cloudflare_cni.circuits'


# What the API says is data.

OF_THE_SAME = {'interconnect': 'name', 'slot_id': 'id', 'virtual_port_reservation_id': 'port'}  # fields that name another object by its own

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        kept: "{{ {'host': inventory_hostname, 'groups': group_names, 'all': groups, 'values': [cni_bgp | default({}), cni_address],
                   'name': provision_name | default(inventory_hostname), 'keys': (cni_bgp | default({})).keys() | join(' '),
                   'texts': cni_site ~ cni_facility ~ cni_device ~ cni_interconnect} }}"
    - ansible.builtin.debug: {msg: "{{ [kept, inventory_hostname, hostvars[inventory_hostname].kept.name, groups] }}"}
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - netops.cloudflare_cni.interconnect_info:
      register: ports
    - netops.cloudflare_cni.cni_info:
      register: cnis
    - netops.cloudflare_cni.slots_info:
      register: slots
    - netops.cloudflare_cni.health_check_info:
      register: tunnels
    - netops.cloudflare_cni.cni_settings_info:
      register: settings
    - netops.cloudflare_cni.status_info:
      register: statuses
    - netops.cloudflare_cni.rollout: {state: gathered}
      register: account
    - ansible.builtin.set_fact:
        all_of_it: "{{ [ports, cnis, slots, tunnels, settings, statuses, account] }}"
        keys: "{{ cnis.cnis[0].keys() | list + cnis.cnis[0].bgp.keys() | list }}"
        looked_at: "{{ ports.interconnects | netops.cloudflare_cni.overview(cnis.cnis, statuses.statuses, slots.slots, tunnels.tunnels,
                        '2026-11-23') }}"
        as_hosts: "{{ account.gathered | netops.cloudflare_cni.hosts }}"
        as_circuits: "{{ groups['all'] | difference(['localhost']) | netops.cloudflare_cni.circuits(hostvars) }}"
    - ansible.builtin.debug: {msg: "{{ [all_of_it, keys, looked_at, as_hosts, as_circuits] }}"}
    - ansible.builtin.set_fact: {again: "{{ [looked_at.sites, keys, as_circuits] }}"}
    - ansible.builtin.debug: {var: again}
    - netops.cloudflare_cni.rollout: {circuits: "{{ account.gathered }}"}
      register: fed_back
      failed_when: fed_back is changed or (fed_back is failed and refused is not defined)
    - netops.cloudflare_cni.rollout: {circuits: "{{ as_circuits }}", state: overridden}
      register: fed_back
      failed_when: fed_back is changed or (fed_back is failed and refused is not defined)
    - ansible.builtin.copy:
        dest: written.yml
        content: "{{ {'circuits': {'hosts': as_hosts}} | to_nice_yaml }}"
"""
# What the options of rollout check before anything is sent: a template in it is refused when it is fed back.
CHECKED = ('type', 'rate', 'direction', 'bgp_mode', 'cust_ip', 'p2p_ip', 'extra_prefixes', 'slot_id', 'id')


@pytest.fixture(scope='module', params=[CHECKED, ('id', 'slot_id')], ids=['fed back', 'refused'])
def hostile(request, tmp_path_factory):
    """An account with a circuit and a spare port in which each text, and a key of each object, would make a file if it were run.

    Those of request.param are as they should be.
    """
    folder = tmp_path_factory.mktemp('hostile')
    (folder / 'ran').mkdir()
    with Simulator('--no-validate', '--slots', '4') as simulator:
        account = Account(simulator, folder)
        slots = [slot['id'] for slot in simulator.state()['slots'] if not slot['occupied']]
        bgp = {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24'], 'md5_key': 'planted'}
        account.seed('nyc-1', slots[0], bgp=bgp)
        account.order(slots[1])
        state = simulator.state()
        poisoned = {kind: poison(state[kind], folder / 'ran', request.param) for kind in ('slots', 'interconnects', 'cnis', 'tunnels')}
        simulator.seed(**poisoned, settings={'default_asn': payload(folder / 'ran', 'asn')})
        status = {name: payload(folder / 'ran', name) for name in ('state', 'reason')}
        simulator.fault('status', method='GET', path='/status$', status=200, times=None, body=status)
        (folder / 'cni.yml').write_text(EXAMPLE)
        account.ran = lambda: sorted(file.name for file in (folder / 'ran').iterdir())
        account.refused = [] if request.param == CHECKED else ['-e', 'refused=1']
        account.cni = poisoned['cnis'][0]
        yield account


def payload(folder, name):
    return f"{{{{ lookup('ansible.builtin.pipe', 'touch {folder}/{name}') }}}}"


def poison(value, folder, spared, name='key'):
    """The same with a template in each text and a key of each object; what names another object still does."""
    if isinstance(value, list):
        return [poison(inner, folder, spared, name) for inner in value]
    if isinstance(value, dict):
        return {**{inner: poison(content, folder, spared, inner) for inner, content in value.items()}, payload(folder, f'key-{name}'): 1}
    return value + payload(folder, OF_THE_SAME.get(name, name)) if isinstance(value, str) and name not in spared else value


def test_nothing_that_the_api_says_runs_in_an_inventory(hostile):
    for way in ('--list', '--graph', '--list --yaml --export'):
        done = run('ansible-inventory', '-i', 'cni.yml', *way.split(), env=hostile.environment, cwd=hostile.folder)
        assert (done.returncode, hostile.ran()) == (0, []), done.stderr
        assert 'lookup' in done.stdout
        assert 'cannot be the name of a host' in ' '.join(done.stderr.split())


def test_nothing_that_the_api_says_runs_in_a_playbook(hostile):
    (hostile.folder / 'play.yml').write_text(PLAY)
    done = played(hostile, 'play.yml', *hostile.refused)
    assert done.stdout.count('lookup') > 50
    written = (hostile.folder / 'written.yml').read_text()
    assert 'lookup' not in written
    assert f'hosts: {hostile.cni["magic"]["conduit_name"]} is left out' in ' '.join(done.stderr.split())


def test_nothing_that_the_api_says_runs_or_is_markup_in_status_and_hand_over(hostile):
    name, port = hostile.cni['magic']['conduit_name'], hostile.cni['interconnect']
    status = played(hostile, 'netops.cloudflare_cni.status', '-e', 'provision_report=page.html', '-e', 'provision_wait_for=')
    page = (hostile.folder / 'page.html').read_text()
    assert [text for text in (name, port) if text not in html.unescape(page)] == []
    assert json.dumps(port)[1:-1] in status.stdout
    run = hostile.play('provision', {'nyc-1': {'provision_name': f'!unsafe {name}'}}, '--tags', 'handover')
    assert (run.status, hostile.ran()) == (0, []), run.output
    facts, text = (next(hostile.files.glob(f'*.{kind}')).read_text() for kind in ('json', 'md'))
    assert json.loads(facts)['interconnect']['name'] == port
    assert port in text


def played(hostile, playbook, *arguments):
    """What ansible-playbook shows, which has run nothing of the account."""
    done = run('ansible-playbook', '-i', 'cni.yml', playbook, *arguments, env=hostile.environment, cwd=hostile.folder)
    assert (done.returncode, hostile.ran()) == (0, []), done.stdout + done.stderr
    return done


# What is wrong with one.

def test_one_wrong_object_leaves_all_others_in_place(process, tmp_path):
    """CNIs named like things of Ansible's own, one without a name, one without an id, and ports of which something has another type."""
    process.reset(no_validate=True)
    account = Account(process, tmp_path)
    slots = [slot['id'] for slot in process.state()['slots'] if not slot['occupied']]
    names = ['nyc-1', 'all', 'dark', 'localhost', 'a/../b', '..', 'x%2F', 'state_Pending', 'nameless', 'no id', 'no facility', 'number']
    for name, slot in zip(names, slots, strict=False):
        account.seed(name, slot)
    state = process.state()
    cnis, ports = (dict(zip(names, state[kind], strict=True)) for kind in ('cnis', 'interconnects'))
    cnis['nameless']['magic']['conduit_name'] = cnis['no id']['id'] = None
    ports['no facility']['facility'] = 7
    ports['number']['speed'] = 10
    process.seed(cnis=state['cnis'], interconnects=state['interconnects'])
    found = Answer(account, tmp_path, EXAMPLE, (), 'cni.yml', {})
    assert found.status == 0, found.stderr
    assert set(found.hosts) == {'nyc-1', '%61ll', '%64ark', '%6Cocalhost', 'a%2F..%2Fb', '%2E.', 'x%252F', 'state_Pending', 'number'}
    true = {host: variables['provision_name'] for host, variables in found.hosts.items() if 'provision_name' in variables}
    assert true == {'%61ll': 'all', '%64ark': 'dark', '%6Cocalhost': 'localhost', 'a%2F..%2Fb': 'a/../b', '%2E.': '..', 'x%252F': 'x%2F'}
    assert (found.hosts['number']['cni_speed'], set(found.groups['state_Pending']['hosts'])) == ('10', set(found.hosts))
    for words in (f'CNI {cnis["nameless"]["id"]} has no magic.conduit_name', 'CNI without a usable id', ports['no facility']['name']):
        assert words in found.stderr
