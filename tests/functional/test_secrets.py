# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted secrets, searched for in all that a run leaves: screen, log, files, cache, temporary files, command lines."""

from __future__ import annotations

import base64
import contextlib
import functools
import html
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from ansible.module_utils.basic import AnsibleModule
from simulator.process import Simulator
from support.module_process import run_in_child
from support.planted_secrets import API_KEY, MD5_KEY, ODD_PAIRING_KEY, PAIRING_KEY, SHORT_KEY, STORED_KEY, TOKEN, WEBHOOK_SECRET, found
from support.playbook import Account

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _apply

ROOT = Path(__file__).resolve().parents[2]
COMMON = ('1500', '64512', 'nyc-1', 'ewr', 'true')  # keys that other output is equal to: MTU, ASN, name, part of the slot's site, a switch

SLOT = {'site': 'ewr-a', 'speed': '10G'}
BGP = {'customer_asn': 64512, 'md5_key': MD5_KEY}
WEBHOOK = {'name': 'noc', 'url': 'https://noc.example.com', 'secret': WEBHOOK_SECRET}
MODULES = {
    'interconnect': {'conduit_name': 'gcp-1', 'pairing_key': PAIRING_KEY, 'bandwidth': '1G'},
    'cni': {'conduit_name': 'nyc-1', 'bgp': BGP},
    'cni_settings': {'default_asn': 65000},
    'health_check': {'conduit_name': 'nyc-1', 'rate': 'high'},
    'tunnel': {'conduit_name': 'nyc-1', 'mtu': 1400, 'clear': ['import_filter']},
    'bgp_filter_profile': {'name': 'from-sites', 'match_action': 'allow', 'targets': ['10.0.0.0/8']},
    'bgp_filter_profile_info': {},
    'loa': {'conduit_name': 'nyc-1', 'path': '{folder}/loa.pdf', 'force': True},
    'rollout': {'circuits': [{'name': 'nyc-1', 'bgp': BGP, 'health_check': {'rate': 'low'}}], 'plan_file': '-'},
    'alert_webhook': WEBHOOK,
    'alert_webhook_info': {},
    'alert_policy': {'name': 'tunnels', 'alert_type': 'magic_wan_tunnel_health', 'circuits': ['nyc-1'], 'webhooks': []},
    'alert_policy_info': {},
    'alert_types_info': {},
    'alert_history_info': {'conduit_name': 'nyc-1'},
    'interconnect_info': {'conduit_name': 'nyc-1'},
    'cni_info': {'conduit_name': 'nyc-1'},
    'cni_settings_info': {},
    'health_check_info': {'conduit_name': 'nyc-1'},
    'slots_info': {'site': 'ewr-a'},
    'static_route': {'prefix': '10.0.0.0/8', 'conduit_name': 'nyc-1'},
    'static_route_info': {'conduit_name': 'nyc-1'},
    'status_info': {'conduit_names': ['nyc-1']},
    'preflight_info': {},
    'support_bundle': {'conduit_name': 'nyc-1', 'path': '{folder}/support', 'router': [{'name': 'x', 'text': TOKEN}]},
}
# Each way to send a secret: (method that fails, module, options, the secrets that are then in reach of the API).
SENDING = {
    'token': ('GET', 'slots_info', {}, [TOKEN]),
    'key': ('GET', 'slots_info', {'api_token': '', 'api_key': API_KEY, 'api_email': 'engineer@example.com'}, [API_KEY]),
    'order': ('POST', 'interconnect', {**MODULES['interconnect'], 'pairing_key': ODD_PAIRING_KEY}, [ODD_PAIRING_KEY]),
    'new md5 key': ('PUT', 'cni', MODULES['cni'], [MD5_KEY]),
    'md5 key of a circuit': ('PUT', 'rollout', MODULES['rollout'], [MD5_KEY]),
    'stored md5 key': ('PUT', 'cni', {'conduit_name': 'nyc-1', 'mtu': 1400}, [STORED_KEY]),
    'deleted md5 key': ('DELETE', 'cni', {'conduit_name': 'nyc-1', 'state': 'absent'}, [STORED_KEY]),
    'secret of a new webhook': ('POST', 'alert_webhook', WEBHOOK, [WEBHOOK_SECRET]),
    'options on the way': ('GET', 'cni', {'conduit_name': 'nyc-1', 'bgp': BGP}, [TOKEN, MD5_KEY]),
}


def echo_of(secrets: list[str]) -> str:
    """What an API, a proxy or a firewall may say that has the request at hand."""
    return '; '.join(quoted for secret in secrets for quoted in (
        f'Bearer {secret}', json.dumps({'md5_key': secret}), repr(secret), repr(secret.encode()),
        html.escape(secret), quote(secret), quote(secret, safe=''), quote_plus(secret), secret.replace("'", "''"),
        base64.b64encode(secret.encode()).decode(),
    ))


def echoes(secrets: list[str]) -> dict[str, dict]:
    """Answers that hold the secrets: {name: fields of a fault}."""
    echo, last = echo_of(secrets), secrets[-1]
    location = f'https://elsewhere.example/?one={quote_plus(last)}&other={quote(last)}'
    return {
        'envelope': {'status': 403, 'body': {'success': False, 'errors': [{'code': 10000, 'message': echo}]}},
        'another JSON': {'status': 400, 'body': {'refused': echo}},
        'text': {'status': 400, 'body': echo},
        'page': {'status': 502, 'body': f'<html><head><title>{echo}</title></head></html>'},
        'text of success': {'status': 200, 'body': echo},
        'cut JSON': {'status': 200, 'body': json.dumps({'note': '.' * 64, 'md5_key': last})[:-1]},
        'redirect': {'status': 302, 'headers': {'Location': location}},
        **{f'excerpt that ends {at} into it': {'status': 400, 'body': '.' * (300 - at) + last} for at in (9, 20)},
    }


@pytest.fixture(scope='session')
def process():
    with Simulator('--token', TOKEN, '--api-key', API_KEY) as simulator:
        yield simulator


@pytest.fixture(scope='session')
def stored(process):
    """The lists of an account with a circuit nyc-1 that has an md5 key."""
    environment = {'PATH': os.environ['PATH'], **process.environment}
    port = run_in_child('interconnect', {'conduit_name': 'nyc-1', 'slot': SLOT}, environment).result()['interconnect']['name']
    run_in_child('cni', {'conduit_name': 'nyc-1', 'interconnect': port, 'bgp': {**BGP, 'md5_key': STORED_KEY}}, environment)
    lists = process.state()
    assert lists['cnis'][0]['bgp']['md5_key'] == STORED_KEY
    lists['tunnels'][0]['bgp'] = {**lists['cnis'][0]['bgp'], 'import_filter_id': 'f' * 32}
    return lists


@pytest.fixture
def account(stored, simulator):
    simulator.seed(**{name: stored[name] for name in ('slots', 'interconnects', 'cnis', 'tunnels')})
    return simulator


@pytest.fixture
def printed(account, module_process, tmp_path):
    """printed(module, check=False, before=None, **options) -> all that a module prints, run with both token and pairing key in reach."""
    def run(module: str, check: bool = False, before=None, **options) -> str:
        options = json.loads(json.dumps(options).replace('{folder}', str(tmp_path)))
        arguments = {**options, '_ansible_check_mode': check, '_ansible_diff': True, '_ansible_verbosity': 4}
        environment = {'PATH': os.environ['PATH'], **account.environment}
        run = functools.partial(run_in_child, before=before) if before else module_process.run
        return run(module, arguments, environment, hurried=True).printed
    return run


@pytest.mark.parametrize('check', [False, True], ids=['run', 'check'])
@pytest.mark.parametrize('module', MODULES)
def test_no_result_shows_a_secret(printed, module, check):
    text = printed(module, check=check, **MODULES[module])
    assert json.loads(text).get('failed') is None, text
    assert found(text) == []


@pytest.mark.parametrize('module', [module for module in MODULES if module != 'preflight_info'])  # for which a refusal is a finding
def test_no_failure_shows_a_secret(account, printed, module):
    account.fault('status', times=None, **echoes([TOKEN])['envelope'])
    text = printed(module, **MODULES[module])
    assert 'api_token' not in json.loads(text)['msg']
    assert json.loads(text)['error']['code'] == 10000
    assert found(text) == []


@pytest.mark.parametrize('echo', echoes([TOKEN]))
def test_no_finding_shows_a_secret(account, printed, echo):
    account.fault('status', times=None, **echoes([TOKEN])[echo])
    text = printed('preflight_info')
    assert json.loads(text)['usable'] is False
    assert found(text) == []


@pytest.mark.parametrize('echo', echoes([TOKEN]))
@pytest.mark.parametrize('sending', SENDING)
def test_no_echo_shows_a_secret(account, printed, sending, echo):
    method, module, options, secrets = SENDING[sending]
    account.fault('status', method=method, times=None, **echoes(secrets)[echo])
    text = printed(module, **options)
    assert method == 'DELETE' or json.loads(text)['failed'] is True
    assert found(text) == []


def test_a_url_that_holds_the_secret_of_its_webhook_is_shown_without_it(account, printed):
    account.seed(webhooks=[{'id': 'x', 'name': 'noc', 'url': f'https://hooks.example.com/{WEBHOOK_SECRET}', 'type': 'slack'}])
    text = printed('alert_webhook', name='noc', secret=WEBHOOK_SECRET)
    assert json.loads(text)['webhook']['url'].startswith('https://hooks.example.com/****')
    assert found(text) == []


def test_a_key_that_did_not_take_is_named_and_not_shown(account, printed):
    stored = account.state()['cnis'][0]
    account.fault('status', method='PUT', status=200, body=stored)
    text = printed('cni', conduit_name='nyc-1', bgp=BGP)
    assert json.loads(text)['error']['fields'] == {'bgp.md5_key': {'have': '(hidden)', 'want': '(hidden)'}}
    assert found(text) == []


@pytest.mark.parametrize('key', COMMON)
@pytest.mark.parametrize(('module', 'options'), [
    ('cni', {'conduit_name': 'nyc-1', 'description': 'ewr', 'mtu': 1500, 'shared': True, 'bgp': {'customer_asn': 64512}}),
    ('cni', {'conduit_name': 'nyc-1', 'mtu': 9000, 'bgp': {'customer_asn': 64512}}),
    ('cni', {'conduit_name': 'nyc-1', 'mtu': 'ewr', 'bgp': {'customer_asn': 64512}}),
    ('rollout', {'circuits': [{'name': 'nyc-1', 'mtu': 1500, 'shared': True, 'bgp': {'customer_asn': 64512}},
                              {'name': 'nyc-2', 'slot': {'site': 'nowhere'}, 'bgp': {'customer_asn': 64512}}]}),
], ids=['success', 'refused', 'invalid', 'many'])
def test_no_output_depends_on_the_key_so_none_betrays_it(printed, module, options, key):
    def output(secret: str) -> dict:
        arguments = json.dumps(options).replace('64512}', f'64512, "md5_key": "{secret}"}}')
        result = json.loads(printed(module, check=True, **json.loads(arguments)))
        return {name: value for name, value in result.items() if name != 'warnings'}

    assert output(key) == output('unlike anything else')


@pytest.mark.parametrize('key', COMMON[:3])
def test_what_is_quoted_around_a_key_that_can_be_guessed_is_not_shown_either(account, printed, key):
    refusal = {'code': 1, 'message': f'{key} is not valid'}
    account.fault('status', method='PUT', status=400, body={'success': False, 'errors': [refusal]})
    result = json.loads(printed('cni', conduit_name='nyc-1', mtu=1500, bgp={'customer_asn': 64512, 'md5_key': key}))
    assert result['error']['errors'] == [{'code': 1, 'message': '(not shown: contains a secret)'}]


@pytest.mark.parametrize('bgp', [
    {'md5_key': [MD5_KEY]}, {'md5_kye': MD5_KEY}, f'md5_key="{MD5_KEY}', {'password': MD5_KEY, 'md5_key': MD5_KEY},
], ids=['a list', 'misspelt', 'no options', 'under two names'])
def test_options_that_are_not_valid_show_no_secret(printed, bgp):
    text = printed('cni', conduit_name='nyc-1', mtu='x', bgp=bgp)
    assert json.loads(text)['failed'] is True
    assert found(text) == []


@pytest.mark.parametrize('key', [*COMMON, MD5_KEY])
def test_the_system_log_has_the_options_without_the_secrets(printed, tmp_path, key):
    def to_file():
        AnsibleModule.log = lambda _module, text, **_more: (tmp_path / 'log').open('a').write(f'{text}\n')

    printed('cni', before=to_file, conduit_name='nyc-1', mtu=1500, bgp={'customer_asn': 64512, 'md5_key': key})
    logged = (tmp_path / 'log').read_text()
    assert 'conduit_name=nyc-1' in logged and ' mtu=1500 ' in logged and "'customer_asn': 64512, 'md5_key': '(hidden)'" in logged
    assert 'api_token=NOT_LOGGING_PARAMETER' in logged
    assert found(logged) == []


def test_an_exception_that_nobody_expected_is_reported_without_secrets(account, printed):
    def broken(*_arguments):
        raise RuntimeError(f'lost in {echo_of([TOKEN, MD5_KEY, STORED_KEY])}')

    text = printed('cni', before=lambda: setattr(_apply, 'apply_changes', broken), conduit_name='nyc-1', bgp=BGP)
    error = json.loads(text)['error']
    assert 'RuntimeError' in json.loads(text)['msg']
    assert 'in broken' in error['traceback']
    assert found(text) == []


# By ansible-playbook, at the highest verbosity, with all that it can be told to keep.

@dataclass(frozen=True)
class Run:
    """What ansible-playbook left. texts: {screen or file: its text}; commands: of all processes that it started, as /proc showed them."""

    status: int
    texts: dict[str, str]
    commands: set[str]


def play(folder: Path, plays: list[dict], inventory: dict, environment: dict, *arguments: str) -> Run:
    """Runs plays; all that Ansible keeps goes to a folder of its own, which is then read."""
    kept = folder / 'kept'
    kept.mkdir()
    for name, content in {'play.yml': plays, 'inventory.json': inventory, 'ansible.cfg': None}.items():
        (folder / name).write_text(json.dumps(content) if content else '')
    places = ('HOME', 'ANSIBLE_HOME', 'ANSIBLE_LOG_PATH', 'ANSIBLE_REMOTE_TMP', 'ANSIBLE_LOCAL_TEMP', 'ANSIBLE_CACHE_PLUGIN_CONNECTION',
              'ANSIBLE_RETRY_FILES_SAVE_PATH')
    own = {name: str(kept / name.lower()) for name in places}
    own |= {'ANSIBLE_CONFIG': str(folder / 'ansible.cfg'), 'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.build'), 'PATH': os.environ['PATH'],
            'ANSIBLE_CACHE_PLUGIN': 'jsonfile', 'ANSIBLE_RETRY_FILES_ENABLED': '1', 'ANSIBLE_DISPLAY_TRACEBACK': 'always'}
    shell, command_log = folder / 'sh', folder / 'commands'
    shell.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{command_log}\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    own |= {'ANSIBLE_EXECUTABLE': str(shell)}  # a module may have ended before the watch looks
    command = [Path(sys.executable).with_name('ansible-playbook'), '-vvvv', '--diff', '-i', folder / 'inventory.json', *arguments,
               folder / 'play.yml']
    with subprocess.Popen(command, env=own | environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process, Watch(str(folder)) as watch:
        screen = process.communicate()[0]
    files = {str(path.relative_to(kept)): path.read_bytes().decode('latin-1') for path in kept.rglob('*') if path.is_file()}
    return Run(process.returncode, {'screen': screen, **files}, watch.commands | set(command_log.read_text().splitlines()))


class Watch(threading.Thread):
    """Notes the command lines of all processes in whose environment a word stands."""

    def __init__(self, word: str) -> None:
        super().__init__(daemon=True)
        self.commands: set[str] = set()
        self._word, self._over = word.encode(), threading.Event()

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.05):
            for folder in Path('/proc').glob('[0-9]*'):
                with contextlib.suppress(OSError):  # it has ended meanwhile, or is another user's
                    if self._word in (folder / 'environ').read_bytes():
                        self.commands.add((folder / 'cmdline').read_bytes().replace(b'\0', b' ').decode())


def tasks(*modules: str, **more) -> list[dict]:
    """A task for each of the modules, and one that prints their results."""
    named = {'cni': {**MODULES['cni'], 'bgp': {'customer_asn': 64512, 'md5_key': '{{ md5_key }}'}},
             'interconnect': {**MODULES['interconnect'], 'pairing_key': '{{ pairing_key }}'}}
    run = [{f'netops.cloudflare_cni.{name}': named.get(name, MODULES[name]), 'register': f'done_{name}', **more} for name in modules]
    return [*run, {'ansible.builtin.debug': {'msg': [f'{{{{ done_{name} }}}}' for name in modules]}}]


@pytest.fixture(scope='module')
def run(process, tmp_path_factory):
    """The role, the modules that it has no use for, and refusals, with secrets from all sources."""
    folder = tmp_path_factory.mktemp('run')
    process.reset()
    process.fault('status', path='a{32}', times=None, **echoes([API_KEY])['envelope'])
    process.fault('status', method='PUT', path='/cnis/', after=1, times=None, **echoes([MD5_KEY])['another JSON'])
    frame = {'hosts': 'all', 'connection': 'local', 'gather_facts': False}
    role = {'ansible.builtin.import_role': {'name': 'netops.cloudflare_cni.provision'}}
    router = {'ansible.builtin.import_role': {'name': 'netops.cloudflare_cni.peer'}, 'vars': {
        'peer_platform': 'bird', 'peer_interface': 'eth1', 'peer_announce': [], 'peer_artifacts_dir': f'{folder}/{{{{ cni_in_process }}}}',
    }}
    short = {'netops.cloudflare_cni.cni': {'conduit_name': 'nyc-1', 'bgp': {'md5_key': SHORT_KEY}}}
    keep = {'ansible.builtin.set_fact': {'kept': '{{ provision_result }}', 'cacheable': True}}
    key = {'api_key': '{{ lookup("env", "OWN_KEY") }}', 'api_email': 'engineer@example.com', 'account_id': 'a' * 32}
    plays = [
        {**frame, 'vars': {'cni_in_process': True},
         'tasks': [role, keep, router, *tasks('interconnect', 'interconnect_info', 'cni_info', 'cni_settings', 'slots_info'), short]},
        {**frame, 'environment': {'CLOUDFLARE_API_TOKEN': ''}, 'module_defaults': {'group/netops.cloudflare_cni.all': key},
         'tasks': tasks('interconnect', 'cni_info', ignore_errors=True)},
        {**frame, 'vars': {'cni_in_process': False}, 'tasks': [router, *tasks('rollout', ignore_errors=True), *tasks('cni')]},
    ]
    circuit = {'provision_slot': SLOT, 'provision_bgp': {**BGP, 'md5_key': STORED_KEY}, 'provision_health_check': {'rate': 'high'}}
    common = {'ansible_python_interpreter': sys.executable, 'provision_artifacts_dir': str(folder / 'kept' / 'files'), 'md5_key': MD5_KEY}
    (folder / 'extra.json').write_text(json.dumps({'pairing_key': PAIRING_KEY}))
    environment = {**process.environment, 'OWN_KEY': API_KEY}
    return play(folder, plays, {'all': {'hosts': {'nyc-1': circuit}, 'vars': common}}, environment, '-e', f'@{folder}/extra.json')


def test_nothing_that_ansible_prints_or_keeps_holds_a_secret(run):
    screen = run.texts['screen']
    assert (run.status, screen.count('FAILED!')) == (2, 4), screen
    assert 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER' not in screen
    endings = {name.split('/')[0] for name in run.texts}
    assert {'ansible_log_path', 'ansible_cache_plugin_connection', 'ansible_retry_files_save_path', 'files'} <= endings
    assert {name: found(text) for name, text in run.texts.items() if found(text)} == {}


def test_no_command_line_holds_a_secret_of_the_environment(run):
    assert any('AnsiballZ_cni.py' in command for command in run.commands)
    assert [command for command in run.commands if found(command)] == []


def test_a_very_short_key_is_not_shown_and_blanks_nothing(run):
    screen = run.texts['screen']
    assert re.search(r'"md5_key": *"nyc"', ''.join(run.texts.values())) is None
    task = screen[:screen.index('very short')].rindex('TASK [')
    shown = screen[task:screen.index('PLAY [', task)]
    assert '"conduit_name": "nyc-1"' in shown and '"md5_key": "(hidden)"' in shown
    assert '"md5_key": "(hidden, changed)"' in shown
    assert '****' not in shown.partition('\n')[2]


@pytest.mark.parametrize('playbook', ['provision', 'rollout'])
def test_a_circuit_with_a_key_that_other_output_is_equal_to_comes_out_right(process, tmp_path, playbook):
    process.reset()
    common = {'provision_slot': SLOT, 'provision_mtu': 1500, 'provision_shared': True, 'provision_health_check': {'enabled': True}}
    keys = dict(zip(('a', 'b', 'nyc-1', 'd', 'e'), COMMON, strict=True))
    hosts = {name: {**common, 'provision_bgp': {'customer_asn': 64512, 'md5_key': key}} for name, key in keys.items()}
    account = Account(process, tmp_path)
    run = account.play(playbook, hosts, '-vvvv', '--diff')
    assert run.status == 0, run.output
    assert {name: circuit['cni']['bgp']['md5_key'] for name, circuit in account.circuits().items()} == keys
    assert set(re.findall(r'"md5_key": "(.*?)"', run.output)) <= {'(hidden)', 'set'}
    assert re.findall('VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|".*[*]{8}.*"', run.output) == []
    files = list(account.files.glob('*.json'))
    assert len(files) == len(hosts)
    for file in files:
        record = json.loads(file.read_text())
        assert (record['name'], record['link']['mtu'], record['interconnect']['site']) == (file.stem, 1500, 'ewr-a')
        assert (record['bgp']['customer_asn'], record['bgp']['md5_key'], record['health_check']['enabled']) == (64512, 'set', True)
