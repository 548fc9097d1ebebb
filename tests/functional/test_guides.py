# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides: every command, playbook, task and inventory in them, as a reader would run it, on an account with their circuits."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import pytest
import yaml
from support import ansible_runs
from support.playbook import ROOT, Account

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import CircuitFacts, handover_of, sheet_renderer

PAGES = sorted([*(ROOT / 'docs').glob('*.md'), ROOT / 'README.md'])
# Seen elsewhere, apply.yml by test_awx, rulebooks by tests/eda and NetBox by test_netbox and tests/netbox, or not ours.
NOT_HERE = ('make', 'ansible-rulebook', 'export', 'python tests/simulator', 'pip', 'ansible-galaxy collection install',
            'ansible-playbook apply.yml', 'ansible-playbook netops.cloudflare_cni.netbox_')
ELSEWHERE = ('awx.awx.', 'sources:', 'cni_state_dir:', 'cloudflare_cni.netbox_')  # in a block
BGP = {'customer_asn': 64496, 'extra_prefixes': [], 'md5_key': 'for-the-demo-only'}
KNOWN = {
    'notice': {'kind': 'none of those', 'summary': '', 'details': []},
    'ansible_eda': {'event': {'id': ''}},
    'pagerduty_key': '',
    'rollout_result': {'circuits': [{'name': 'nyc-1', 'outcome': 'failed', 'msg': 'why'}]},
    'vault_cloudflare_account': '{{ lookup("env", "CLOUDFLARE_ACCOUNT_ID") }}',
    'vault_cloudflare_token': '{{ lookup("env", "CLOUDFLARE_API_TOKEN") }}',
}


def blocks(language: str) -> dict[str, str]:
    """{text: where} of the blocks in a language. Once what stands in several places, and nothing of what is run elsewhere:

    awx.awx by test_awx, rulebooks and their variables by tests/eda, NetBox by test_netbox.
    """
    return {text: f'{page.stem}: {number}' for page in PAGES
            for number, text in enumerate(re.findall(rf'(?s)```{language}\n(.*?)```', page.read_text()), 1)
            if not any(mark in text for mark in ELSEWHERE)}


def commands() -> list[str]:
    """Each line that a reader types. A block that shows output is shown once, by `make demo`, and not typed."""
    typed = [block.splitlines() for block in blocks('console') if all(line.startswith('$ ') for line in block.splitlines())]
    lines = [line.removeprefix('$ ').partition('  #')[0].strip() for block in typed for line in block]
    return [line for line in dict.fromkeys(lines) if not line.startswith(NOT_HERE)]


@pytest.fixture
def reader(process, tmp_path, request):
    """An account with a redundant pair that has light, and a folder with the inventories of the guides.

    The pair has BGP, so that all of it can be changed, except for a text about a router with static routes.
    """
    text = request.node.callspec.params.get('text', '') if hasattr(request.node, 'callspec') else ''
    process.reset(activate_after=0, tunnel_version='1.5')
    account = Account(process, tmp_path)
    free = {slot['ccr_device_name']: slot['id'] for slot in process.state()['slots'] if slot['speed'] == '10G' and not slot['occupied']}
    for name, device in (('nyc-1', 'edge01.ewr-a'), ('nyc-2', 'edge02.ewr-a')):
        account.seed(name, free[device], **({} if 'peer_static_prefixes' in text else {'bgp': BGP}))
    for name in ('nyc-1', 'lon-1'):
        account.hand_over('nyc-1', tmp_path / 'artifacts' / f'{name}.json')
    shutil.copy(ROOT / 'docs' / 'examples' / 'inventory.yml', tmp_path / 'inventory.yml')
    shutil.copy(ROOT / 'tests' / 'profiles' / 'plain.json', tmp_path / 'last-month.json')
    (tmp_path / 'cni.yml').write_text('plugin: netops.cloudflare_cni.circuits\nkeyed_groups:\n  - {key: cni_site, prefix: site}\n')
    return account


def known(account: Account) -> dict[str, object]:
    """What a reader would have filled in."""
    free = (slot['id'] for slot in account.simulator.state()['slots'] if slot['ccr_device_name'] == 'edge03.ewr-a' and not slot['occupied'])
    return {**KNOWN, 'new_slot': next(free), 'old_port': account.circuits()['nyc-1']['cni']['interconnect']}


def run(account: Account, command: list[str]) -> str:
    """Runs a command in the reader's folder; returns what it prints."""
    done = ansible_runs.run(*command, env=account.environment, cwd=account.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '[WARNING]' not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize('command', commands())
def test_a_command(command, reader):
    words = shlex.split(command)
    assert words[0].startswith('ansible')
    assert run(reader, words)


@pytest.mark.parametrize('text', [pytest.param(text, id=where) for text, where in blocks('yaml').items()])
def test_a_piece_of_yaml(text, reader):
    content = yaml.safe_load(text)
    (reader.folder / 'known.json').write_text(json.dumps(known(reader)))
    if isinstance(content, list):
        plays = content if 'hosts' in content[0] else [{'hosts': 'localhost', 'gather_facts': False, 'tasks': content}]
        (reader.folder / 'site.yml').write_text(yaml.safe_dump(plays, sort_keys=False))
        assert 'PLAY [' in run(reader, ['ansible-playbook', '-i', 'inventory.yml', 'site.yml', '-e', '@known.json'])
    elif 'plugin' in content:
        (reader.folder / 'own.cni.yml').write_text(text)
        hosts = json.loads(run(reader, ['ansible-inventory', '-i', 'own.cni.yml', '--list']))['_meta']['hostvars']
        assert set(hosts) == {'nyc-1', 'nyc-2'}
    else:
        groups = content if 'circuits' in content else {'circuits': {'hosts': content}}
        (reader.folder / 'own.yml').write_text(yaml.safe_dump(groups))
        command = ['ansible-playbook', '-i', 'own.yml', 'netops.cloudflare_cni.rollout', '--check', '-e', '@known.json']
        assert 'failed=0' in run(reader, command)


def test_a_circuit_moves_to_another_port_and_the_old_one_is_deleted_once_the_new_one_has_light(reader):
    (text,) = [text for text in blocks('yaml') if 'Move the CNI' in text]
    (reader.folder / 'move.yml').write_text(text)
    filled, before = known(reader), reader.circuits()['nyc-1']['cni']
    (reader.folder / 'known.json').write_text(json.dumps(filled))
    command = ['ansible-playbook', 'move.yml', '-e', '@known.json']
    reader.simulator.fault('status', method='GET', path='/status', status=200, body={'state': 'Pending', 'reason': None}, times=1)
    run(reader, command)
    assert reader.circuits()['nyc-1']['cni'] == before
    assert filled['old_port'] in {port['name'] for port in reader.simulator.state()['interconnects']}
    run(reader, command)
    ports = {port['name']: port for port in reader.simulator.state()['interconnects']}
    after = reader.circuits()['nyc-1']['cni']
    assert ports[after['interconnect']]['slot_id'] == filled['new_slot']
    assert {**after, 'interconnect': before['interconnect']} == before
    assert (filled['old_port'] in ports, len(ports)) == (False, 2)
    assert 'changed=0' in run(reader, command)


@pytest.mark.parametrize('text', [pytest.param(text, id=where) for text, where in blocks('jinja').items()])
def test_a_template(text, reader):
    circuit, path = reader.circuits()['nyc-1'], reader.folder / 'own.md.j2'
    path.write_text(text)
    sheet = sheet_renderer(str(path))(handover_of(CircuitFacts('nyc-1', circuit['interconnect'], circuit['cni']), None))
    assert circuit['cni']['cust_ip'] in sheet
