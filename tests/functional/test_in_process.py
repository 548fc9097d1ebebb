# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module both ways: in the controller's process, and in a process of its own as Ansible runs modules."""

from __future__ import annotations

import json
import locale
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from simulator.process import WAIT
from support.playbook import ROOT, Account

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _in_process

WAYS = {'here': True, 'apart': False}  # {way: cni_in_process}
LOCAL = {'ansible_connection': 'local', 'ansible_python_interpreter': '{{ ansible_playbook_python }}'}
HERE = 'in this process'  # in what Ansible shows at -vvv of where it runs a module
SLOT = {'site': 'ewr-a', 'speed': '10G'}
BGP = {'customer_asn': 64512, 'md5_key': 'planted md5 key'}
WEBHOOK = {'name': 'noc', 'url': 'https://noc.example.com', 'secret': 'planted secret'}
POLICY = {'name': 'tunnels', 'alert_type': 'magic_wan_tunnel_health', 'circuits': ['nyc-1'], 'filters': {'slo': [99.9]},
          'webhooks': ['noc']}
ROUTER = {'files': [{'path': 'router/nyc-1.txt', 'content': 'shown words', 'shown': True},
                    {'path': 'router/nyc-1.conf', 'content': 'password planted key'}]}
PROFILE = {'name': 'from-sites', 'match_action': 'allow', 'targets': ['10.20.0.0/16{16,24}']}
DEFAULTS = {'netops.cloudflare_cni.cni': {'mtu': 1400}, 'netops.cloudflare_cni.slots_info': {'site': 'nowhere'},
            'group/netops.cloudflare_cni.all': {'retry_timeout': 0}}


class Row(NamedTuple):
    """A task. ends: ok, changed or failed; shows: what its result, as JSON, has in it too; keywords: of the task."""

    module: str
    options: Mapping[str, Any] = MappingProxyType({})
    ends: str = 'ok'
    shows: str = ''
    keywords: Mapping[str, Any] = MappingProxyType({})


CHECK, DIFF = {'check_mode': True, 'diff': True}, {'diff': True}
ROWS = {
    'slots': Row('slots_info', SLOT, shows='"speed": "10G"'),
    'predicted': Row('interconnect', {'conduit_name': 'nyc-1', 'slot': SLOT}, 'changed', '(known after apply)', CHECK),
    'ordered': Row('interconnect', {'conduit_name': 'nyc-1', 'slot': SLOT}, 'changed', '"diff": [{', DIFF),
    'interconnects': Row('interconnect_info', {}, shows='ccr_device_name'),
    'refused slot': Row('interconnect', {'slot': {'site': 'nowhere'}}, 'failed', '"option": "slot.site"'),
    'CNI predicted': Row('cni', {'conduit_name': 'nyc-1', 'interconnect': '{{ ordered.interconnect.name }}'}, 'changed', keywords=CHECK),
    'CNI': Row('cni', {'conduit_name': 'nyc-1', 'interconnect': '{{ ordered.interconnect.name }}', 'bgp': BGP}, 'changed', keywords=DIFF),
    'CNI again': Row('cni', {'conduit_name': 'nyc-1', 'bgp': BGP}),
    'new key': Row('cni', {'conduit_name': 'nyc-1', 'bgp': {'md5_key': 'planted too'}}, 'changed', '(hidden, changed)', DIFF),
    'unseen': Row('cni', {'conduit_name': 'nyc-1', 'description': 'unseen words'}, 'changed', keywords={'no_log': True}),
    'unknown option': Row('cni', {'conduit_name': 'nyc-1', 'mut': 1400}, 'failed', 'parameters for (netops.cloudflare_cni.cni)'),
    'no number': Row('cni', {'conduit_name': 'nyc-1', 'mtu': 'jumbo'}, 'failed', 'mtu'),
    'CNIs': Row('cni_info', {}, shows='"conduit_name": "nyc-1"'),
    'health check': Row('health_check', {'conduit_name': 'nyc-1', 'rate': 'high'}, 'changed', keywords=DIFF),
    'health checks': Row('health_check_info', {}, shows='"rate": "high"'),
    'profile predicted': Row('bgp_filter_profile', PROFILE, 'changed', '(known after apply)', CHECK),
    'profile': Row('bgp_filter_profile', PROFILE, 'changed', '"match_action": "allow"', DIFF),
    'profiles': Row('bgp_filter_profile_info', {}, shows='"name": "from-sites"'),
    'filtered': Row('tunnel', {'conduit_name': 'nyc-1', 'import_filter': 'from-sites'}, 'changed', '"import_filter_id"', DIFF),
    'profile in use': Row('bgp_filter_profile', {'name': 'from-sites', 'state': 'absent'}, 'failed', '(import_filter)'),
    'tunnel predicted': Row('tunnel', {'conduit_name': 'nyc-1', 'mtu': 1476}, 'changed', '"mtu": 1476', CHECK),
    'tunnel': Row('tunnel', {'conduit_name': 'nyc-1', 'mtu': 1476}, 'changed', '"mtu": 1476', DIFF),
    'route predicted': Row('static_route', {'prefix': '10.0.0.0/8', 'conduit_name': 'nyc-1'}, 'changed', '(known after apply)', CHECK),
    'route': Row('static_route', {'prefix': '10.0.0.0/8', 'conduit_name': 'nyc-1'}, 'changed', '"priority": 100', DIFF),
    'refused route': Row('static_route', {'prefix': 'all', 'conduit_name': 'nyc-1'}, 'failed', '"option": "prefix"'),
    'routes': Row('static_route_info', {'conduit_name': 'nyc-1'}, shows='"prefix": "10.0.0.0/8"'),
    'settings': Row('cni_settings', {'default_asn': 65000}, 'changed', keywords=DIFF),
    'warned of': Row('cni_settings_info', {'validate_certs': False}, shows='validate_certs is false'),
    'wrong token': Row('cni_settings_info', {'api_token': 'planted-token'}, 'failed', 'lacks a permission'),
    'vaulted token': Row('cni_settings_info', {'api_token': 'VAULTED'}, shows='65000'),
    'token of the environment': Row('cni_settings_info', {}, 'failed', 'a space', {'environment': {'CLOUDFLARE_API_TOKEN': 'a b'}}),
    'proxy of the environment': Row('cni_settings_info', {'retry_timeout': 1}, 'failed', '"reason": "proxy"', {
        'environment': [{'HTTP_PROXY': 'http://127.0.0.1:1'}, {'NO_PROXY': ''}, {'no_proxy': ''}]}),
    'after these': Row('cni_settings_info', {}, shows='65000'),
    'bundle': Row('support_bundle', {'conduit_name': 'nyc-1', 'path': 'support'}, 'changed', 'support/nyc-1.tar.gz'),
    'LOA': Row('loa', {'conduit_name': 'nyc-1', 'path': 'loa.pdf', 'mode': '0640'}, 'changed', '"mode": "0640"'),
    'router predicted': Row('peer', ROUTER, 'changed', '"before": ""', CHECK),
    'router': Row('peer', ROUTER, 'changed', '"after": "shown words"', DIFF),
    'router again': Row('peer', ROUTER, shows='"diff": []'),
    'webhook predicted': Row('alert_webhook', WEBHOOK, 'changed', '"secret": "(hidden)"', CHECK),
    'webhook': Row('alert_webhook', WEBHOOK, 'changed', '"secret_sent": true', DIFF),
    'webhook again': Row('alert_webhook', WEBHOOK, shows='was not compared'),
    'webhooks': Row('alert_webhook_info', {}, shows='"name": "noc"'),
    'alert types': Row('alert_types_info', {'types': ['incident_alert']}, shows='"group": "Cloudflare Status"'),
    'policy predicted': Row('alert_policy', POLICY, 'changed', '"tunnel_name": ["ewr-a-icon-', CHECK),
    'policy': Row('alert_policy', POLICY, 'changed', '"conditions"', DIFF),
    'refused policy': Row('alert_policy', {**POLICY, 'alert_type': 'none'}, 'failed', '"option": "alert_type"'),
    'policies': Row('alert_policy_info', {'alert_type': POLICY['alert_type']}, shows='"name": "tunnels"'),
    'history': Row('alert_history_info', {'since': '2026-11-01'}, shows='"alerts": []'),
    'preflight': Row('preflight_info', {}, shows='a valid token of the user'),
    'status': Row('status_info', {'conduit_name': 'nyc-1'}, shows='nyc-1'),
    'fleet predicted': Row('rollout', {'circuits': [{'name': 'nyc-2', 'slot': SLOT}]}, 'changed', 'created', CHECK),
    'fleet': Row('rollout', {'circuits': [{'name': 'nyc-2', 'slot': SLOT, 'bgp': BGP}]}, 'changed', 'created', DIFF),
    'fleet in part': Row('rollout', {'circuits': [{'name': 'a', 'slot': {'site': 'x'}}, {'name': 'b', 'slot': SLOT}]}, 'failed', 'partly'),
    'own defaults': Row('slots_info', {'retry_timeout': 1}, shows='"slots": []', keywords={'module_defaults': DEFAULTS}),
    "another's": Row('cni', {'conduit_name': 'nyc-1', 'retry_timeout': 1}, 'changed', '"mtu": 1400', {'module_defaults': DEFAULTS}),
    'of all': Row('loa', {'conduit_name': 'nyc-1', 'path': 'x'}, 'failed', 'retry_timeout: 0', {'module_defaults': DEFAULTS}),
    'many': Row('cni_settings_info', {'validate_certs': '{{ item is even }}', 'timeout': '{{ 0 if item == 4 else 30 }}'}, 'failed',
                'timeout: 0', {'loop': list(range(6)), 'environment': {'CLOUDFLARE_ACCOUNT_ID': '{{ "0" if item == 2 else account }}'}}),
    'asynchronous': Row('cni_settings_info', {}, shows='65000', keywords={'async': 60, 'poll': 1}),
    'deleted': Row('interconnect', {'name': '{{ fleet.circuits[0].interconnect }}', 'state': 'absent'}, 'failed', 'nyc-2'),
}
EVERY_TIME_ANOTHER = {'cf_ray', 'waited', 'sha256', 'size', 'ansible_job_id', 'results_file', 'started', 'finished', 'created_on',
                      'modified_on', 'created_at', 'last_success', 'created', 'modified'}


class Played(NamedTuple):
    """output: at -vvvv; results: {name of a task: what was registered}; status: of ansible-playbook."""

    output: str
    results: dict[str, dict]
    status: int

    def shown_of(self, name: str) -> str:
        return self.output.split(f'TASK [{name}] ')[1].split('\nTASK [')[0]


def name_of(name: str) -> str:
    return re.sub(r'\W', '_', name.lower())


def play(account: Account, rows: Mapping[str, Row], way: str, others: Mapping[str, dict] = MappingProxyType({}),
         **environment: str) -> Played:
    """Runs the rows one after the other, whatever becomes of each. others: hosts beside the one that they are for."""
    tasks = [{'name': name, f'netops.cloudflare_cni.{row.module}': dict(row.options), 'register': name_of(name), 'ignore_errors': True,
              **row.keywords} for name, row in rows.items()]
    content = '{{ {' + ', '.join(f'"{name}": {name_of(name)}' for name in rows) + '} | to_json }}'
    kept = account.folder / 'results.json'
    tasks.append({'name': 'kept', 'ansible.builtin.copy': {'content': content, 'dest': str(kept)}, 'no_log': True})
    variables = {'account': account.simulator.account, 'cni_in_process': WAYS[way],
                 'ansible_async_dir': str(account.folder / 'async')}  # Ansible looks for ~ elsewhere than a job does
    text = json.dumps([{'hosts': 'here', 'gather_facts': False, 'vars': variables, 'tasks': tasks}], indent=1)
    (account.folder / 'password').write_text('vault')
    vaulted = VaultLib([('default', VaultSecret(b'vault'))]).encrypt(account.simulator.token).decode()
    (account.folder / 'play.yml').write_text(text.replace('"VAULTED"', json.dumps(vaulted).join(['!vault ', ''])))
    run = account.play(str(account.folder / 'play.yml'), {'here': LOCAL, **others}, '-vvvv', '--vault-password-file',
                       str(account.folder / 'password'), ANSIBLE_INJECT_INVOCATION='true', **environment)
    assert kept.exists(), run.output
    return Played(run.output, json.loads(kept.read_text()), run.status)


@pytest.fixture(scope='module')
def played(process, tmp_path_factory):
    """{way: the rows, played in an account of their own}."""
    done = {}
    for way in WAYS:
        process.reset()
        done[way] = play(Account(process, tmp_path_factory.mktemp(way)), ROWS, way)
    return done


def comparable(value: Any) -> Any:
    """A result without what is another one every time."""
    if isinstance(value, dict):
        return {name: comparable(inner) for name, inner in value.items() if name not in EVERY_TIME_ANOTHER}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    return re.sub(r'[0-9a-f-]{32,36}|(?<=-icon-)\w{4}|\w+(?=-EWR)', '...', value) if isinstance(value, str) else value


@pytest.mark.parametrize('name', ROWS)
def test_a_module_comes_to_the_same_in_this_process_and_in_its_own(played, name):
    row, here, apart = ROWS[name], played['here'].results[name], played['apart'].results[name]
    assert comparable(here) == comparable(apart)
    assert ('failed' if here.get('failed') else 'changed' if here['changed'] else 'ok') == row.ends, here
    assert row.shows in json.dumps(here)
    assert (HERE in played['here'].shown_of(name), HERE in played['apart'].shown_of(name)) == ('async' not in row.keywords, False)


def test_an_item_that_fails_stops_no_other(played):
    items = played['here'].results['many']['results']
    failed = [item['item'] for item in items if item.get('failed')]
    assert (len(items), failed) == (6, [2, 4])


@pytest.mark.parametrize('way', WAYS)
def test_nothing_secret_is_shown_at_any_verbosity(played, way):
    assert (played[way].status, 'planted' in played[way].output) == (0, False)
    assert 'planted' not in json.dumps(played[way].results)
    assert 'unseen words' not in played[way].shown_of('unseen')


def test_every_module_has_its_way_into_the_process_and_is_played():
    modules = {path.stem for path in (ROOT / 'plugins/modules').glob('*.py')}
    assert {row.module for row in ROWS.values()} == modules - {'provision'}  # which is no module of its own, and runs rollout
    assert {path.stem for path in (ROOT / 'plugins/action').glob('*.py')} >= modules


# Where it runs.

SETTINGS = {'default_asn': 13335}  # as an account comes
PROGRAMS = {  # what stands for another Python, another user and another machine
    'python': f'exec {sys.executable} "$@"',
    'sudo': 'while [ "$1" != /bin/sh ]; do shift; done; exec "$@"',
    'ssh': 'for last; do :; done; exec /bin/sh -c "$last"',
}
PLACES = {  # {task: (its keywords, whether it runs in this process)}
    'nothing named': ({'vars': {'ansible_python_interpreter': 'auto_silent'}}, True),
    'nothing wanted': ({'vars': {'cni_in_process': ''}}, True),
    'wanted': ({'vars': {'cni_in_process': 'yes'}}, True),
    'not wanted': ({'vars': {'cni_in_process': 'no'}}, False),
    'asynchronous': ({'async': 60, 'poll': 1}, False),
    'another user': ({'become': True, 'become_method': 'sudo', 'vars': {'ansible_become_exe': '{folder}/sudo'}}, False),
    'another Python': ({'vars': {'ansible_python_interpreter': '{folder}/python'}}, False),
    'delegated to this machine': ({'delegate_to': 'localhost'}, True),
    'delegated to another Python': ({'delegate_to': 'other'}, False),
    'delegated to another machine': ({'delegate_to': 'far'}, False),
}


@pytest.fixture(scope='module')
def placed(process, tmp_path_factory):
    process.reset()
    folder = tmp_path_factory.mktemp('places')
    for name, text in PROGRAMS.items():
        (folder / name).write_text(f'#!/bin/sh\n{text}\n')
        (folder / name).chmod(0o755)
    rows = {name: Row('cni_settings_info', keywords=json.loads(json.dumps(keywords).replace('{folder}', str(folder))))
            for name, (keywords, _here) in PLACES.items()}
    rows['no answer'] = Row('cni_settings_info', keywords={'vars': {'cni_in_process': 'perhaps'}})
    others = {'other': {**LOCAL, 'ansible_python_interpreter': str(folder / 'python')}, 'far': {
        **LOCAL, 'ansible_connection': 'ssh', 'ansible_ssh_executable': str(folder / 'ssh'), 'ansible_pipelining': True}}
    return play(Account(process, folder), rows, 'here', others)


@pytest.mark.parametrize('name', PLACES)
def test_it_runs_in_this_process_where_the_ordinary_module_would_run_by_this_python(placed, name):
    assert placed.results[name].get('settings') == SETTINGS, placed.results[name]
    assert (HERE in placed.shown_of(name)) == PLACES[name][1]


def test_a_wish_that_is_none_is_an_error(placed):
    assert 'cni_in_process: The value' in placed.results['no answer']['msg']


def test_without_requests_the_ordinary_module_runs_and_where_it_has_none_either_says_so(process, tmp_path):
    process.reset()
    (tmp_path / 'lacking').mkdir()
    (tmp_path / 'lacking' / 'requests.py').write_text('raise ImportError("planted")')
    rows = {'by another': Row('cni_settings_info', keywords={'environment': {'PYTHONPATH': ''}}), 'by none': Row('cni_settings_info')}
    done = play(Account(process, tmp_path), rows, 'here', PYTHONPATH=str(tmp_path / 'lacking'))
    assert HERE not in done.output
    assert done.results['by another']['settings'] == SETTINGS
    assert 'requests is missing for' in done.results['by none']['msg']
    assert f'The Python of the controller, {sys.executable}, does not have it either.' in done.results['by none']['msg']


# How it ends.

@pytest.mark.parametrize('way', WAYS)
def test_a_crash_fails_the_item_and_no_more(process, tmp_path, way):
    process.reset()
    (tmp_path / 'broken').mkdir()
    (tmp_path / 'broken' / 'syslog.py').write_text('LOG_INFO = LOG_USER = 0\ndef openlog(*_words):\n    raise RuntimeError("a crash")\n')
    keywords = {'crashed': {'loop': [1, 2]}, 'not logged': {'no_log': True}}
    rows = {name: Row('cni_settings_info', keywords=words) for name, words in keywords.items()}
    done = play(Account(process, tmp_path), rows, way, PYTHONPATH=str(tmp_path / 'broken'))
    items = done.results['crashed']['results']
    assert [(item['item'], item['failed'], 'a crash' in json.dumps(item)) for item in items] == [(1, True, True), (2, True, True)]
    assert (done.results['not logged']['settings'], done.status) == (SETTINGS, 0)


@pytest.mark.parametrize('way', WAYS)
def test_an_interrupt_ends_it_and_a_second_run_goes_on(process, tmp_path, way):
    process.reset()
    process.fault('hang_before', method='POST', path='cnis', times=1)
    account = Account(process, tmp_path)
    task = {'netops.cloudflare_cni.rollout': {'circuits': [{'name': 'nyc-1', 'slot': SLOT}]}}
    (tmp_path / 'play.yml').write_text(json.dumps([{'hosts': 'all', 'gather_facts': False, 'tasks': [task]}]))
    command, sent = account.command(str(tmp_path / 'play.yml'), {'here': {**LOCAL, 'cni_in_process': WAYS[way]}}), []
    streams = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what runs in the background of a shell ignores it
    with subprocess.Popen(**command, **streams, start_new_session=True, preexec_fn=heeding) as running:
        while not any(request['method'] == 'POST' and request['path'].endswith('/cnis') for request in sent):
            sent = process.requests(until=len(sent) + 1)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        output = running.communicate(timeout=WAIT)[0]
    assert (running.returncode, 'User interrupted execution' in output) == (99, True), output
    assert [(request['method'], request['path'], request['status']) for request in process.requests()[len(sent):]] == []
    second = account.play(str(tmp_path / 'play.yml'), {'here': {**LOCAL, 'cni_in_process': WAYS[way]}})
    assert (second.status, list(account.circuits()), len(process.state()['interconnects'])) == (0, ['nyc-1'], 1), second.output


def test_a_module_leaves_the_process_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv('KEPT', 'before')
    before = (os.getcwd(), locale.setlocale(locale.LC_ALL), dict(os.environ))
    with pytest.raises(KeyboardInterrupt), _in_process._preserved_process_state():
        os.chdir(tmp_path)
        os.environ.pop('KEPT')
        os.environ['NEW'] = '1'
        locale.setlocale(locale.LC_ALL, 'C')
        mask = os.umask(0o077)
        raise KeyboardInterrupt
    assert (os.getcwd(), locale.setlocale(locale.LC_ALL), dict(os.environ), os.umask(mask)) == (*before, mask)
