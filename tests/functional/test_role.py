# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role and its playbooks, run by ansible-playbook against a simulator: what is sent, what is stored, what is on disk and on screen."""

from __future__ import annotations

import io
import json
import re
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pypdf
import pytest
import yaml
from simulator.process import Simulator
from support.playbook import ROOT, Account, Run

MD5_KEY = 'planted md5 key'
PAIRING_KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
MARKUP = 'New York | n_y ![x](http://evil/x) <b> `c` *d* _e_ ~f~ &lt; www.evil.com noc@evil.com'
SLOT = {'site': 'ewr-a', 'speed': '10G'}
DEFAULTS = yaml.safe_load((ROOT / 'roles/provision/defaults/main.yml').read_text())
FACT = ('name', 'state', 'changed', 'interconnect', 'cni', 'health_check', 'settings', 'status', 'files')
BGP = {'customer_asn': 64496, 'extra_prefixes': ['203.0.113.0/24'], 'md5_key': MD5_KEY}
PAIR = {  # of the first, host and circuit have names of their own
    'first': {'provision_name': 'nyc-1', 'provision_slot': SLOT, 'provision_mtu': 1476, 'provision_health_check': {'rate': 'high'}},
    'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['first']}, 'provision_description': MARKUP},
}
for variables in PAIR.values():
    variables['provision_bgp'] = BGP


@pytest.fixture(scope='module')
def process():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def account(process, tmp_path):
    process.reset()
    return Account(process, tmp_path)


# A redundant pair, from nothing.

@dataclass(frozen=True)
class Journey:
    account: Account
    predicted: Run
    first: Run
    second: Run


@pytest.fixture(scope='module')
def journey(tmp_path_factory):
    with Simulator() as simulator:
        account = Account(simulator, tmp_path_factory.mktemp('pair'))
        predicted = account.play('provision', PAIR, '--check')
        assert account.remaining() == ([], [], [])
        first = account.play('provision', PAIR)
        yield Journey(account, predicted, first, account.play('provision', PAIR, '-vvvv', '-e', 'provision_serial=2'))


def test_check_mode_predicts_and_sends_no_write(journey):
    assert (journey.predicted.status, journey.predicted.writes) == (0, [])
    assert journey.predicted.changed == {('Report each circuit', 'first'), ('Report each circuit', 'nyc-2')}
    assert re.search(r'^nyc-2 +created +\(known after apply\)', journey.predicted.output, re.MULTILINE)


def test_a_pair_is_ordered_once_on_two_devices(journey):
    assert journey.first.status == 0, journey.first.output
    assert Counter(journey.first.writes) == {('POST', 'interconnects'): 2, ('POST', 'cnis'): 2, ('PUT', 'cf_interconnects'): 1}
    circuits = journey.account.circuits()
    assert len({circuit['interconnect']['ccr_device_name'] for circuit in circuits.values()}) == 2
    assert circuits['nyc-1']['cni']['magic'] == {'conduit_name': 'nyc-1', 'description': '', 'mtu': 1476}
    assert {circuit['cni']['bgp']['md5_key'] for circuit in circuits.values()} == {MD5_KEY}


def test_a_second_run_changes_nothing(journey):
    assert (journey.second.status, journey.second.writes, journey.second.changed) == (0, [], set())


def test_a_port_that_is_pending_is_no_failure_and_a_table_says_so(journey):
    port = journey.account.circuits()['nyc-2']['interconnect']['name']
    table = journey.first.output.split('TASK [Show the summary]')[1]
    lines = rf'^circuit +outcome +interconnect +status +message\nnyc-1 .*\nnyc-2 +created +{port} +Pending\nA port stays Pending until'
    assert re.search(lines, table, re.MULTILINE), table


def test_the_recap_counts_each_circuit_that_changes(journey):
    recaps = [dict(re.findall(r'^(\S+) +: .* changed=(\d+)', run.output, re.MULTILINE)) for run in (journey.first, journey.second)]
    assert recaps == [{'first': '1', 'nyc-2': '1'}, {'first': '0', 'nyc-2': '0'}]


def test_the_files_are_private_and_whole(journey):
    files = journey.account.files
    assert stat.S_IMODE(files.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in files.iterdir()} == {
        f'{name}{ending}': 0o600 for name in ('nyc-1', 'nyc-2') for ending in ('-loa.pdf', '.md', '.json')
    }
    port = journey.account.circuits()['nyc-1']['interconnect']
    assert port['name'] in loa_text(files / 'nyc-1-loa.pdf')


def test_the_hand_over_holds_what_was_ordered(journey):
    circuit = journey.account.circuits()['nyc-1']
    port, cni = circuit['interconnect'], circuit['cni']
    facts = json.loads((journey.account.files / 'nyc-1.json').read_text())
    assert facts['format'] == 1
    assert {name: facts['interconnect'][name] for name in ('name', 'slot_id', 'facility', 'device', 'optic', 'loa')} == {
        'name': port['name'], 'slot_id': port['slot_id'], 'facility': port['facility'], 'device': port['ccr_device_name'],
        'optic': '10GBASE-LR', 'loa': 'nyc-1-loa.pdf',
    }
    ends = {'customer_address': cni['cust_ip'].removesuffix('/31'), 'cloudflare_address': cni['p2p_ip'].removesuffix('/31')}
    assert facts['link'] == {**ends, 'prefix_length': 31, 'mtu': 1476}
    assert facts['bgp'] == {
        'customer_asn': 64496, 'cloudflare_asn': 13335, 'mode': 'dynamic_route_exchange', 'md5_key': 'set',
        'extra_prefixes': ['203.0.113.0/24'], 'hold_time': 240, 'keepalive': 80,
    }
    assert facts['health_check']['rate'] == 'high'
    text = (journey.account.files / 'nyc-1.md').read_text()
    expected = [port['name'], port['slot_id'], port['facility']['name'], *port['facility']['address'], cni['cust_ip'], cni['p2p_ip']]
    assert [value for value in [*expected, '64496', '13335', '203.0.113.0/24'] if value not in text] == []


def test_the_result_is_a_fact_for_the_tasks_that_follow(journey):
    text = journey.second.output
    start = text.index('{', text.index('ok: [nyc-2] => ', text.rindex('TASK [Report each circuit]')))
    result = json.JSONDecoder().raw_decode(text[start:])[0]
    circuit, files = journey.account.circuits()['nyc-2'], journey.account.files
    hidden = {**circuit['cni'], 'bgp': {**circuit['cni']['bgp'], 'md5_key': '(hidden)'}}
    assert {key: result[key] for key in FACT} == {
        'name': 'nyc-2', 'state': 'present', 'changed': False, 'interconnect': circuit['interconnect'], 'cni': hidden,
        'health_check': None, 'settings': {'default_asn': 13335},
        'status': {'interconnect': circuit['interconnect']['name'], 'state': 'Pending', 'reason': None},
        'files': {'loa': f'{files}/nyc-2-loa.pdf', 'markdown': f'{files}/nyc-2.md', 'json': f'{files}/nyc-2.json'},
    }
    assert result['outcome'] == 'unchanged'


def test_text_of_the_account_is_no_markup(journey):
    shown = (r'New York &#124; n_y !\[x](http:<!-- -->//evil/x) &lt;b> \`c\` \*d\* \_e\_ &#126;f&#126; &amp;lt; www<!-- -->.evil.com '
             'noc@<!-- -->evil.com')
    assert f'{shown}\n' in (journey.account.files / 'nyc-2.md').read_text()


def test_no_secret_is_on_screen_or_in_a_file(journey):
    files = journey.account.files
    texts = {'screen': journey.first.output + journey.second.output + journey.predicted.output}
    texts |= {file.name: file.read_text() for file in files.iterdir() if file.suffix != '.pdf'}
    for secret in (MD5_KEY, journey.account.simulator.token):
        assert [name for name, text in texts.items() if secret in text] == []


def test_steps_alone_do_theirs_and_send_no_write(journey):
    account, files = journey.account, journey.account.files
    sheet, facts = (files / 'nyc-1.md').read_bytes(), json.loads((files / 'nyc-1.json').read_text())
    for file in files.glob('nyc-1*'):
        file.unlink()
    run = account.play('provision', PAIR, '--limit', 'first', '--tags', 'loa,handover')
    assert (run.status, run.writes) == (0, [])
    assert run.changed == {('Report each circuit', 'first')}
    assert (files / 'nyc-1.md').read_bytes() == sheet
    # Each LOA is one of its own, as it was made.
    assert json.loads((files / 'nyc-1.json').read_text()) | {'loa': None} == facts | {'loa': None}
    assert account.circuits()['nyc-1']['interconnect']['name'] in loa_text(files / 'nyc-1-loa.pdf')


def test_status_shows_a_line_for_each_circuit_and_then_compares(journey):
    account = journey.account
    ports = {name: circuit['interconnect']['name'] for name, circuit in account.circuits().items()}
    account.simulator.set_status(ports['nyc-2'], 'Down', 'no light')
    run = account.play('status', {**PAIR, 'nyc-3': {}}, '-e', '{"provision_expect": [{"site": "ewr-a", "healthy": 2}]}')
    assert (run.status, run.writes, run.changed) == (2, [], set())
    assert 'provision_expect is not met: ewr-a: 0 of 2 healthy.' in run.output
    assert {request['path'].rpartition('/')[2] for request in run.sent} == {'cnis', 'interconnects', 'status'}  # no page was asked for
    expected = [
        ['nyc-1', ports['nyc-1'], 'ewr-a', 'Equinix NY1', 'edge01.ewr-a', 'Pending'],
        ['nyc-2', ports['nyc-2'], 'Down', 'no light'],
        ['nyc-3', 'absent'],
    ]
    assert [words for words in expected if not re.search('.*'.join(map(re.escape, words)), run.output)] == [], run.output


def test_check_mode_of_decommissioning_deletes_nothing(journey):
    before = journey.account.remaining()
    run = journey.account.play('decommission', {**PAIR, 'nyc-3': {}}, '--check', '-e', 'provision_hosts=all')
    assert (run.status, run.writes, journey.account.remaining()) == (0, [], before)
    assert run.changed == {('Report each circuit', host) for host in PAIR}


# Other circuits.

def test_names_templates_and_partners(account):
    """In one run: a hostile name, an interconnect of one's own, Google Cloud with the blanks of an AWX survey."""
    hostile, file = '../{{ 7*7 }}', '%2E.%2F%7B%7B%207%2A7%20%7D%7D'
    slots = free_slots(account)
    own = account.order(slots[0])
    blanks = ['state', 'name', 'description', 'interconnect', 'type', 'slot_id', 'speed', 'mtu', 'bgp_mode', 'default_asn', 'loa_name']
    blanks += ['on_immutable', 'shared', 'wait_for', 'wait_timeout']
    hosts = {
        'hostile': dict.fromkeys(('provision_name', 'provision_description'), f'!unsafe {hostile}') | {'provision_slot_id': slots[1]},
        'own': {'provision_interconnect': own},
        'gcp-1': {'provision_pairing_key': PAIRING_KEY, 'provision_bandwidth': '1G', **{f'provision_{name}': '' for name in blanks}},
    }
    run = account.play('provision', hosts, '-e', 'provision_serial=3', '-vvvv')
    assert run.status == 0, run.output
    assert PAIRING_KEY not in run.output
    circuits = account.circuits()
    assert set(circuits) == {hostile, 'own', 'gcp-1'}
    assert circuits[hostile]['cni']['magic']['description'] == hostile
    assert circuits['own']['interconnect']['name'] == own
    assert {file.name for file in account.folder.iterdir()} == {'files', 'inventory.yml'}
    endings = {file: ('-loa.pdf', '.md', '.json'), 'own': ('-loa.pdf', '.md', '.json'), 'gcp-1': ('.md', '.json')}
    assert {path.name for path in account.files.iterdir()} == {name + ending for name, some in endings.items() for ending in some}
    shown = hostile.replace('*', r'\*')
    assert f'# Circuit {shown}\n\n{shown}\n' in (account.files / f'{file}.md').read_text()
    partner = (account.files / 'gcp-1.md').read_text()
    assert 'us-east4' in partner
    assert 'cross-connect' not in partner
    # YAML and AWX have null for a blank, which Ansible itself refuses before 2.19 where there is a default.
    null = dict.fromkeys(name for name in hosts['gcp-1'] if hosts['gcp-1'][name] == '' and name not in DEFAULTS)
    second = account.play('provision', {'gcp-1': {**hosts['gcp-1'], **null}}, '--limit', 'gcp-1', '--tags', 'interconnect,cni')
    assert (second.status, second.writes, second.changed) == (0, [], set())
    gone = account.play('decommission', hosts, '-e', 'provision_hosts=all', '-e', 'provision_force=true')
    cnis, ports, files = account.remaining()
    assert (gone.status, cnis, [port['name'] for port in ports], files) == (0, [], [own], []), gone.output


def test_the_last_healthy_circuit_of_a_region_goes_by_force_only(account):
    hosts = {'gcp-1': {'provision_pairing_key': PAIRING_KEY, 'provision_bandwidth': '1G'}}  # an attachment is Healthy at once
    assert account.play('provision', hosts).status == 0
    refused = account.play('decommission', hosts, '--limit', 'gcp-1')
    assert (refused.status, refused.writes) == (2, [])
    assert 'site us-east4 would be left without a Healthy circuit' in refused.output
    gone = account.play('decommission', hosts, '--limit', 'gcp-1', '-e', 'provision_force=true')
    assert (gone.status, account.remaining()) == (0, ([], [], [])), gone.output


def test_an_interconnect_is_replaced_also_after_a_kill_and_gets_its_own_loa(account):
    slots = free_slots(account)
    old = account.seed('nyc-1', slots[0])
    account.files.mkdir()
    (account.files / 'nyc-1.json').write_text(json.dumps({'format': 1, 'name': 'nyc-1', 'interconnect': {'name': old}}))
    (account.files / 'nyc-1-loa.pdf').write_bytes(b'%PDF- the LOA of the old one %%EOF')
    account.simulator.fault('status', method='DELETE', path='/cni/interconnects/', status=403)
    hosts = {'nyc-1': {'provision_slot_id': slots[1], 'provision_on_immutable': 'replace'}}
    assert account.play('provision', hosts, '--tags', 'interconnect,loa,cni').status == 2
    run = account.play('provision', hosts, '--tags', 'interconnect,loa,cni')
    assert run.status == 0, run.output
    ports = account.simulator.state()['interconnects']
    assert [port['slot_id'] for port in ports] == [slots[1]]
    assert ports[0]['name'] in loa_text(account.files / 'nyc-1-loa.pdf')


def test_ports_that_wait_for_their_cnis_stay_with_their_circuits(account):
    """Ordered now, linked later: until then only the files tell whose a port is."""
    alike = {name: {'provision_slot': SLOT} for name in ('nyc-1', 'nyc-2')}
    ordered = account.play('provision', alike, '--tags', 'interconnect,loa')
    assert (ordered.status, ordered.writes) == (0, [('POST', 'interconnects')] * 2), ordered.output
    loas = {name: loa_text(account.files / f'{name}-loa.pdf') for name in alike}
    second = account.play('provision', alike, '--tags', 'interconnect,loa')
    assert (second.status, second.writes, second.changed) == (0, [], set()), second.output
    linked = account.play('provision', alike)
    assert (linked.status, linked.writes) == (0, [('POST', 'cnis')] * 2), linked.output
    assert [name for name, circuit in account.circuits().items() if circuit['interconnect']['name'] not in loas[name]] == []


# Decommissioning, also when it was killed on the way.

def test_a_decommissioning_that_was_killed_goes_on(account):
    account.seed('nyc-1', free_slots(account)[0])
    account.simulator.fault('status', method='DELETE', path='/cni/interconnects/', status=403)
    killed = account.play('decommission', {'nyc-1': {}}, '--limit', 'nyc-1')
    cnis, ports, files = account.remaining()
    assert (killed.status, cnis, len(ports), files) == (2, [], 1, ['nyc-1.json'])
    predicted, resumed = (account.play('decommission', {'nyc-1': {}}, '--limit', 'nyc-1', *check) for check in (['--check'], []))
    lines = [re.findall(r'^nyc-1 +(\w+) +(\S+)', run.output, re.MULTILINE) for run in (killed, predicted, resumed)]
    assert lines == [[(outcome, ports[0]['name'])] for outcome in ('failed', 'deleted', 'deleted')]
    assert (resumed.status, account.remaining()) == (0, ([], [], [])), resumed.output


def test_nothing_is_deleted_because_nothing_was_named(account):
    blank, null, other = (['-e', f'{{"provision_hosts": {value}}}'] for value in ('""', 'null', '"nyc-2"'))
    for nothing in ([], blank, null, other, ['--limit', ''], [*other, '--limit', 'nyc-1']):
        run = account.play('decommission', {'nyc-1': {}}, *nothing)
        assert (run.status, run.sent) == (2, []), nothing
        assert 'Name the circuits to delete' in run.output


def test_a_port_that_never_got_its_cni_is_deleted_too(account):
    assert account.play('provision', {'nyc-1': {'provision_slot': SLOT}}, '--tags', 'interconnect').status == 0
    cnis, ports, files = account.remaining()
    assert (cnis, len(ports), files) == ([], 1, ['nyc-1.json'])
    gone = account.play('decommission', {'nyc-1': {'provision_slot': SLOT}}, '--limit', 'nyc-1')
    assert (gone.status, account.remaining()) == (0, ([], [], [])), gone.output


# What bad input gets, before anything is ordered.

REFUSED = {
    'state': ({'provision_state': 'gone'}, 'value of provision_state must be one of: present, absent'),
    'selector': ({'provision_slot': {'sight': 'ewr-a'}}, 'provision_slot.sight. Supported parameters include'),
    'text': ({'provision_slot': 'gru-b'}, 'text: provision_slot: '),
    'nothing': ({}, 'slot_id or slot, or pairing_key with bandwidth'),
    'mtu': ({'provision_slot': SLOT, 'provision_mtu': 9000}, 'mtu: provision_mtu: 9000'),
    'key': ({'provision_slot': SLOT, 'provision_bgp': {'md5_key': 'planted?'}}, 'provision_bgp.md5_key: the value is not valid'),
    'LOA name': ({'provision_slot': SLOT, 'provision_loa_name': 'x' * 201}, 'at most 200 characters, not 201'),
    'digits': ({'provision_slot': SLOT, 'provision_bgp': {'md5_key': 42798}}, 'provision_bgp.md5_key: each of these must be text'),
    'typo': ({'provision_slot': SLOT, 'provision_bpg': {}}, 'typo: provision_bpg: unknown variable. Did you mean provision_b'),
    'undefined': ({'provision_slot': SLOT, 'provision_description': '{{ nope }}'}, "provision_description: 'nope' is undefined"),
    'twice-1': ({'provision_slot': SLOT, 'provision_name': 'twice'}, "provision_name: 'twice' is also declared by twice-2"),
    'twice-2': ({'provision_slot': SLOT, 'provision_name': 'twice'}, "provision_name: 'twice' is also declared by twice-1"),
}


def test_bad_input_is_refused_by_name_and_orders_nothing(account):
    account.files.mkdir()
    (account.files / 'mtu.json').write_text('{"interconnect": {"name": "long-gone"}}')
    hosts = {name: variables for name, (variables, _words) in REFUSED.items()}
    run = account.play('provision', hosts, '-vvvv')
    assert {name for name in REFUSED if f'fatal: [{name}]' in run.output} == set(REFUSED), run.output
    assert [words for _variables, words in REFUSED.values() if words not in run.output] == []
    assert run.writes == []


def test_one_wrong_host_fails_alone_but_with_fail_fast_nothing_begins(account):
    hosts = {'wrong': {'provision_slot': 'gru-b'}, 'nyc-1': {'provision_slot': SLOT, 'provision_team': 'network'}}
    own = ['-e', '{"provision_own_variables": ["provision_team"]}']
    fast = account.play('provision', hosts, '-e', 'provision_fail_fast=true', *own)
    assert (fast.status, fast.sent) == (2, [])
    run = account.play('provision', hosts, *own)
    assert (run.status, set(account.circuits()), run.changed) == (2, {'nyc-1'}, {('Report each circuit', 'nyc-1')}), run.output
    assert 'fatal: [wrong]' in run.output and 'fatal: [nyc-1]' not in run.output


def test_a_key_is_not_shown_where_its_variable_is_wrong(account):
    hosts = {'key': REFUSED['key'][0]}
    run = account.play('provision', hosts, '-vvvv')
    assert (run.status, run.sent) == (2, [])
    assert 'planted?' not in run.output


def test_a_wrong_token_is_reported_in_words(account):
    run = account.play('provision', {'nyc-1': {'provision_slot': SLOT}}, CLOUDFLARE_API_TOKEN='planted-wrong-token')
    assert run.status == 2
    assert 'The API token is not valid or lacks a permission' in run.output
    assert 'planted-wrong-token' not in run.output


def free_slots(account: Account) -> list[str]:
    """The ids of the slots that can be ordered."""
    return [slot['id'] for slot in account.simulator.state()['slots'] if not slot['occupied']]


def loa_text(path: Path) -> str:
    """The text of a PDF."""
    return pypdf.PdfReader(io.BytesIO(path.read_bytes())).pages[0].extract_text()
