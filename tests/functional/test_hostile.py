# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, answers and files that mean harm: they are data, or a clear error, and nothing else is touched."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from simulator.process import WAIT
from support.module_process import run_in_child

SLOT = {'site': 'ewr-a', 'speed': '10G', 'facility': 'Equinix NY1', 'address_contains': 'newark'}
UNNAMED = '11111111-2222-4333-8444-555555555555'
KINDS = ('slots', 'interconnects', 'cnis', 'tunnels', 'routes', 'filter_profiles')
CLEAR = {'input', 'ambiguous', 'drift', 'not_taken', 'transport', 'answer', 'api'}


@pytest.fixture(scope='module')
def stored(process, module_process):
    """The lists of an account with a circuit nyc-1 and a port without one."""
    process.reset()

    def run(module: str, **options) -> dict:
        return module_process.run(module, options, {'PATH': os.environ['PATH'], **process.environment}).result()

    ports = [run('interconnect', slot_id=slot['id'])['interconnect']['name']
             for slot in [slot for slot in process.state()['slots'] if not slot['occupied']][:2]]
    bgp = {'customer_asn': 64512, 'extra_prefixes': ['203.0.113.0/24'], 'md5_key': 'stored'}
    run('cni', conduit_name='nyc-1', interconnect=ports[0], bgp=bgp)
    for prefix, scope in (('10.0.0.0/8', None), ('10.20.0.0/16', {'colo_names': ['den01'], 'colo_regions': ['ENAM']})):
        run('static_route', prefix=prefix, nexthop='192.0.2.1', scope=scope or {}, weight=7, description='stored')
    run('bgp_filter_profile', name='from-sites', match_action='allow', targets=['10.0.0.0/8+'])
    run('tunnel', conduit_name='nyc-1', import_filter='from-sites')
    state = process.state()
    return {kind: state[kind] for kind in KINDS}


@pytest.fixture
def account(stored, simulator):
    """account(lists) seeds the account, unchecked."""
    def seed(**lists: list) -> None:
        simulator.reset(no_validate=True)
        simulator.seed(**{**stored, **lists})
    seed()
    return seed


def changed(obj: dict, path: tuple[str, ...], value: object) -> dict:
    """A copy with another value at the path."""
    return {**obj, path[0]: value if len(path) == 1 else changed(obj[path[0]], path[1:], value)}


def paths(obj: dict, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all values in an object."""
    for name, value in obj.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from paths(value, (*above, name))


def is_clear(result: dict) -> bool:
    """Whether it is a result, or an error in words and of a kind; for a rollout, each that failed."""
    if result.get('failed') and result['error']['kind'] == 'partly':
        return all(is_clear({**circuit, 'failed': circuit['outcome'] == 'failed'}) for circuit in result['circuits'])
    return not result.get('failed') or (result['error']['kind'] in CLEAR and 'Traceback' not in json.dumps(result))


# Names.

NAMES = ['../settings', '../../cni/settings', 'a/b', '/', '%2e%2e', '%2F', 'a?b#c', '"\'`', '{{ 7*7 }}', '$(id)',
         'a\\b', 'a;b&c=d', '\u202enyc\u200f', '\x00', ' ', 'é\u0301', '\U0001f4a9', '~', '*']
LINES = ['a\nb', '\r\nX-Auth-Key: x']
NO_PATH = ['.', '..']


@pytest.mark.parametrize('name', NAMES, ids=ascii)
def test_a_name_is_data_wherever_it_stands(run_module, simulator, account, stored, tmp_path, name):
    port, other = stored['interconnects']
    cni = {**stored['cnis'][0], 'interconnect': name, 'magic': {**stored['cnis'][0]['magic'], 'conduit_name': name}}
    account(interconnects=[{**port, 'name': name}, other], cnis=[cni])
    assert run_module('interconnect_info', name=name)['interconnects'][0]['name'] == name
    assert run_module('cni_info', conduit_name=name)['cnis'][0]['interconnect'] == name
    assert run_module('status_info', interconnects=[name])['statuses'][0]['interconnect'] == name
    assert run_module('loa', interconnect=name, path=str(tmp_path / 'loa.pdf'), name=name)['changed'] is True
    assert simulator.requests()[-1]['query'] == {'name': name}
    assert run_module('cni', conduit_name=name, description=name)['cni']['magic']['description'] == name
    before = simulator.state()
    assert run_module('interconnect', name=name, conduit_name=name, state='absent')['changed'] is True
    after = simulator.state()
    assert (after['interconnects'], after['cnis'], after['settings']) == ([other], [], before['settings'])
    own = f'/cni/interconnects/{quote(name, safe="")}'
    lists = {f'/cni/{kind}' for kind in KINDS} | {f'/cni/cnis/{cni["id"]}', '/magic/cf_interconnects', '/magic/routes'}
    paths = {request['path'].split(simulator.account)[1] for request in simulator.requests()}
    assert paths - lists == {own, f'{own}/status', f'{own}/loa'}
    assert os.listdir(tmp_path) == ['loa.pdf']


@pytest.mark.parametrize('name', NO_PATH)
def test_a_name_that_no_path_can_hold_is_refused_unsent(run_module, simulator, account, stored, tmp_path, name):
    account(interconnects=[{**stored['interconnects'][0], 'name': name}], cnis=[])
    before = simulator.state()
    for module, options in (('interconnect_info', {'name': name}), ('status_info', {'interconnects': [name]}),
                            ('loa', {'interconnect': name, 'path': str(tmp_path / 'loa.pdf')}),
                            ('interconnect', {'name': name, 'state': 'absent'})):
        result = run_module(module, **options)
        assert (result.get('failed'), result['error']['kind']) in ((True, 'input'), (True, 'answer')), result
    assert 'interconnect without a usable name' in str(run_module('status_info')['warnings'])
    assert simulator.state() == before
    assert {request['path'].split(simulator.account)[1] for request in simulator.requests()} <= {f'/cni/{kind}' for kind in KINDS}


def test_half_a_character_in_an_answer_is_data_and_no_part_of_a_path(run_module, simulator, account, stored):
    account(interconnects=[{**stored['interconnects'][0], 'name': '\ud800'}], cnis=[])
    for module, shown in (('interconnect_info', 'interconnects'), ('status_info', 'statuses')):
        result = run_module(module)
        assert (result[shown], 'interconnect without a usable name' in str(result['warnings'])) == ([], True)
    assert not any('status' in request['path'] for request in simulator.requests())


@pytest.mark.parametrize('name', [*NO_PATH, *NAMES[::3], *LINES, 'x' * 10000], ids=lambda name: ascii(name[:20]))
def test_a_name_that_nothing_has_touches_nothing(run_module, simulator, account, writes, tmp_path, name):
    before = simulator.state()
    results = [run_module(module, **options) for module, options in (
        ('interconnect', {'name': name, 'state': 'absent'}), ('cni', {'conduit_name': name, 'state': 'absent'}),
        ('status_info', {'interconnects': [name]}), ('health_check', {'conduit_name': name, 'rate': 'high'}),
        ('loa', {'interconnect': name, 'path': str(tmp_path / 'loa.pdf')}), ('slots_info', {'id': name}), ('cni_info', {'id': name}),
    )]
    assert [result for result in results if not is_clear(result)] == []
    assert [bool(result.get('failed')) for result in results] == [False, False, True, True, True, True, True]
    assert (simulator.state(), writes(), os.listdir(tmp_path)) == (before, [], [])


@pytest.mark.parametrize('text', [*NAMES, *LINES], ids=ascii)
def test_the_description_of_a_route_is_data_wherever_it_stands(run_module, simulator, account, tmp_path, text):
    routes = [{'prefix': '10.30.0.0/16', 'description': text}]
    done = run_module('rollout', circuits=[{'name': 'nyc-1', 'routes': routes}], artifacts_dir=str(tmp_path))
    assert (done['summary'], done['circuits'][0]['objects']['routes'][0]['description']) == ({'updated': 1}, text)
    record = json.loads((tmp_path / 'nyc-1.json').read_text())
    assert record['routes'] == [{'prefix': '10.30.0.0/16', 'priority': 100, 'description': text}]
    row = next(line for line in (tmp_path / 'nyc-1.md').read_text().splitlines() if line.startswith('| 10.30.0.0/16 |'))
    assert row.count(' | ') == 4
    assert run_module('rollout', state='gathered')['gathered'][0]['routes'] == [{**routes[0], 'priority': 100}]


# Answers.

READERS = {  # {module: options with which it looks at as much as it can}
    'interconnect': {'conduit_name': 'nyc-2', 'slot': {**SLOT, 'diverse_from': ['nyc-1']}},
    'cni': {'conduit_name': 'nyc-1', 'mtu': 1400, 'cust_ip': '172.31.9.1/31', 'p2p_ip': '172.31.9.0/31',
            'bgp': {'customer_asn': 1, 'extra_prefixes': ['10.0.0.0/8'], 'md5_key': 'other'}},
    'cni_settings': {'default_asn': 65000},
    'health_check': {'conduit_name': 'nyc-1', 'rate': 'high', 'target': '192.0.2.1'},
    'tunnel': {'conduit_name': 'nyc-1', 'mtu': 1400, 'description': 'x', 'interface_address': '10.0.0.0/31', 'import_filter': 'from-sites'},
    'bgp_filter_profile': {'name': 'from-sites', 'match_action': 'deny', 'targets': ['10.0.0.0/8']},
    'bgp_filter_profile_info': {'name': 'from-sites'},
    'loa': {'conduit_name': 'nyc-1', 'path': '/dev/null/none'},
    'rollout': {'circuits': [
        {'name': 'nyc-1', 'bgp': {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24']}, 'health_check': {'rate': 'high'}},
        {'name': 'nyc-9', 'slot': SLOT},
    ]},
    'interconnect_info': {'conduit_name': 'nyc-1', **{name: SLOT[name] for name in ('site', 'facility')}},
    'cni_info': {'conduit_name': 'nyc-1', 'interconnect': 'x'},
    'cni_settings_info': {},
    'health_check_info': {'conduit_name': 'nyc-1'},
    'slots_info': {**SLOT, 'occupied': False},
    'static_route': {'prefix': '10.20.0.0/16', 'nexthop': '192.0.2.1', 'priority': 7},
    'static_route_info': {'nexthop': '192.0.2.1'},
    'status_info': {'conduit_names': ['nyc-1']},
}
READS = {'slots': ('interconnect', 'slots_info', 'rollout'), 'cnis': ('cni', 'interconnect', 'rollout'),
         'interconnects': ('interconnect', 'health_check', 'interconnect_info', 'rollout'),
         'tunnels': ('health_check', 'tunnel', 'health_check_info', 'rollout'), 'routes': ('static_route', 'static_route_info'),
         'filter_profiles': ('bgp_filter_profile', 'bgp_filter_profile_info', 'tunnel')}
MAGIC = {'tunnels': ('/cf_interconnects$', 'interconnects'), 'routes': ('/magic/routes$', 'routes'),
         'filter_profiles': ('/filter_profiles$', 'filter_profiles')}
WRONG = (['x'], 7, {'x': [1]})


@pytest.fixture
def answer_with(account, simulator):
    """answer_with(kind, objects): the API answers so when asked for the list, whatever is stored."""
    def set_answer(kind: str, objects: list[dict]) -> None:
        account()
        path, items = MAGIC.get(kind) or (f'/cni/{kind}$', 'items')
        simulator.fault('status', method='GET', path=path, status=200, times=None, body={items: objects})
    return set_answer


@pytest.mark.parametrize(('kind', 'module'), [(kind, module) for kind, modules in READS.items() for module in modules])
def test_a_value_of_another_type_is_a_result_or_a_clear_error(run_module, answer_with, stored, kind, module):
    first, *others = stored[kind]
    unclear = []
    for number, path in enumerate(paths(first)):
        answer_with(kind, [changed(first, path, WRONG[number % len(WRONG)]), *others])
        result = run_module(module, **READERS[module])
        unclear += [] if is_clear(result) else [('.'.join(path), result['msg'])]
    assert unclear == []


@pytest.mark.parametrize(('kind', 'path', 'module'), [
    ('tunnels', ('health_check',), 'health_check'),
    ('cnis', ('magic',), 'cni'), ('cnis', ('bgp',), 'cni'), ('cnis', ('id',), 'cni_info'),
], ids=str)
def test_the_error_names_what_is_of_another_type(run_module, answer_with, stored, kind, path, module):
    answer_with(kind, [changed(stored[kind][0], path, [{}]), *stored[kind][1:]])
    result = run_module(module, **READERS[module])
    assert result['error']['kind'] == 'answer'
    assert '.'.join(path) in result['msg']


@pytest.mark.parametrize(('kind', 'path', 'module'), [
    ('slots', ('facility', 'address'), 'slots_info'), ('interconnects', ('name',), 'interconnect_info'), ('cnis', ('bgp',), 'cni_info'),
    ('tunnels', ('id',), 'health_check_info'), ('routes', ('nexthop',), 'static_route_info'), ('routes', ('id',), 'static_route_info'),
], ids=str)
def test_one_object_of_another_type_is_left_out_of_a_list_with_a_warning(run_module, answer_with, stored, kind, path, module):
    answer_with(kind, [changed(stored[kind][0], path, [{}]), *stored[kind][1:]])
    result = run_module(module)
    assert '.'.join(path) in str(result['warnings'])
    (objects,) = (value for value in result.values() if isinstance(value, list) and value != result['warnings'])
    assert len(objects) == len(stored[kind]) - 1


@pytest.mark.parametrize('name', [None, '', {}], ids=str)
def test_a_cni_without_a_name_is_no_circuit_and_stays(run_module, simulator, account, stored, name):
    other = {**stored['cnis'][0], 'id': UNNAMED, 'interconnect': stored['interconnects'][1]['name']}
    nameless = changed(other, ('magic', 'conduit_name'), name)
    account(cnis=[nameless, *stored['cnis']])
    gathered = run_module('rollout', state='gathered')
    assert [circuit['name'] for circuit in gathered['gathered']] == ['nyc-1']
    assert (UNNAMED in str(gathered['warnings']), 'not touched' in str(gathered['warnings'])) == (True, True)
    second = run_module('rollout', state='overridden', circuits=gathered['gathered'])
    assert (second['changed'], UNNAMED in str(second['warnings'])) == (False, True)
    gone = run_module('rollout', state='overridden', circuits=[], max_deletes=1)
    assert (gone['summary'], [cni['id'] for cni in simulator.state()['cnis']]) == ({'deleted': 1}, [UNNAMED])
    kept = run_module('interconnect', name=nameless['interconnect'], state='absent')
    assert (kept['failed'], UNNAMED in kept['msg']) == (True, True)


BODIES = {
    'items null': '{"items": null}', 'item null': '{"items": [null]}', 'items an object': '{"items": {}}', 'a number': '1',
    'a string': '"x"',
    'deep': '[' * 100000 + ']' * 100000, 'deep in items': f'{{"items": {"[" * 100000}{"]" * 100000}}}', 'deep objects': '{"a":' * 100000,
    'many digits': f'{{"items": [{{"id": {"1" * 10000}}}]}}', 'infinite': '{"items": 1e999, "default_asn": [1e999]}',
    'not a number': '{"items": NaN}', 'a key twice': '{"items": [], "items": 7}', 'half a pair': '"\\ud800"', 'a NUL': '\0',
    'half a pair in a key': '{"bgp": {"md5_key": "\\ud800"}, "items": 7, "success": false}',
    'cut off': '{"items": [{"id": "', 'two': '{}{}',
    'errors a number': '{"success": false, "errors": 7}', 'success a string': '{"success": "false", "result": []}',
}


@pytest.mark.parametrize('body', BODIES)
@pytest.mark.parametrize('status', [200, 400])
def test_an_answer_that_makes_no_sense_is_a_clear_error(account, simulator, module_process, body, status):
    simulator.fault('status', status=status, times=None, body=BODIES[body])
    environment = {'PATH': os.environ['PATH'], **simulator.environment}
    modules = READERS if status == 200 and body in ('items null', 'a number') else ['slots_info', 'cni_settings']
    for module in modules:
        result = module_process.run(module, READERS[module], environment, hurried=True).result()
        assert is_clear(result), result
        assert result.get('failed') or 'settings' in module  # an object of unknown fields is an object


# Answers without an end.

@contextlib.contextmanager
def server(answer: Callable) -> Iterator[str]:
    """The address of an API on loopback that answers each GET by answer(handler)."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                answer(self)

        def log_message(self, *_arguments) -> None:
            pass

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f'http://127.0.0.1:{running.server_port}'
        running.shutdown()
        thread.join()


def send(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b' % (len(body), body))


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header('Transfer-Encoding', 'chunked')
    handler.end_headers()
    while True:
        handler.wfile.write(b'10000\r\n' + b' ' * 0x10000 + b'\r\n')


COUNT = itertools.count(1)


def bounded() -> None:
    """Leaves a module some minutes, and 200 MB more than it has at its start."""
    signal.alarm(WAIT)
    with open('/proc/self/statm') as file:
        limit = int(file.read().split()[0]) * resource.getpagesize() + 200 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@pytest.mark.parametrize(('answer', 'kind', 'words'), [
    (lambda handler: send(handler, b' ' * 50 * 2**20), 'transport', 'larger than any response'),
    (endless, 'transport', 'larger than any response'),
    (lambda handler: send(handler, json.dumps({'items': [], 'next': str(next(COUNT))}).encode()), 'answer', 'an endless list'),
], ids=['large', 'endless', 'pages'])
def test_what_never_ends_is_ended_in_little_memory(simulator, answer, kind, words):
    with server(answer) as url:
        environment = {'PATH': os.environ['PATH'], **simulator.environment, 'CLOUDFLARE_BASE_URL': url}
        result = run_in_child('slots_info', {}, environment, before=bounded).result()
    assert (result['error']['kind'], words in result['msg']) == (kind, True), result


# Files.

@pytest.fixture
def run_loa(simulator, account, stored):
    """run_loa(path, before, **options) -> the result of the module loa, which is killed if it hangs."""
    def run(path, before=lambda: signal.alarm(WAIT), **options) -> dict:
        arguments = {'interconnect': stored['interconnects'][0]['name'], 'path': str(path), **options}
        return run_in_child('loa', arguments, {'PATH': os.environ['PATH'], **simulator.environment}, before=before).result()
    return run


def tree(folder) -> dict[str, str]:
    """{name: kind and content} of all in a folder."""
    return {path.name: str(path.readlink()) if path.is_symlink() else path.read_bytes()[:5].decode() if path.is_file() else 'other'
            for path in folder.iterdir()}


@pytest.mark.parametrize('content', ['mine', '', None], ids=['file', 'empty file', 'dangling'])
def test_a_link_is_followed_and_stays(run_loa, tmp_path, content):
    if content is not None:
        (tmp_path / 'real').write_text(content)
    (tmp_path / 'link').symlink_to('real')
    assert run_loa(tmp_path / 'link')['changed'] is True
    assert tree(tmp_path) == {'link': 'real', 'real': '%PDF-'}
    assert run_loa(tmp_path / 'link')['changed'] is False


@pytest.mark.parametrize(('make', 'words'), [
    (lambda path: path.symlink_to(path.name), 'levels of symbolic links'), (os.mkfifo, 'a pipe'), (os.mkdir, 'a folder'),
    (lambda path: path.symlink_to('/dev/null'), 'a device'), (lambda path: path.symlink_to('/proc/loa.pdf'), 'cannot be written'),
    (lambda path: path.symlink_to('/proc/self/mem'), 'cannot be read'),
    (lambda path: path.symlink_to('missing/loa.pdf'), 'does not exist'),
], ids=['loop', 'pipe', 'folder', 'device', 'folder that takes none', 'file that cannot be read', 'link into no folder'])
def test_what_can_not_be_an_loa_stays_as_it_is(run_loa, tmp_path, make, words):
    make(tmp_path / 'loa.pdf')
    before = os.lstat(tmp_path / 'loa.pdf')
    result = run_loa(tmp_path / 'loa.pdf', force=True)
    assert (result['failed'], words in result['msg'], 'traceback' in str(result.get('error'))) == (True, True, False), result
    after = os.lstat(tmp_path / 'loa.pdf')
    assert (after.st_ino, after.st_mode, os.listdir(tmp_path)) == (before.st_ino, before.st_mode, ['loa.pdf'])


def test_a_full_disk_leaves_the_old_loa(run_loa, simulator, tmp_path):
    (tmp_path / 'loa.pdf').write_text('%PDF- the old one %%EOF')
    simulator.fault('status', method='GET', path='/loa$', status=200, times=None, body='%PDF-' + ' ' * 100000 + '%%EOF')
    result = run_loa(tmp_path / 'loa.pdf', force=True, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000)))
    assert (result['error']['option'], 'cannot be written: File too large' in result['msg']) == ('path', True)
    assert ((tmp_path / 'loa.pdf').read_text(), os.listdir(tmp_path)) == ('%PDF- the old one %%EOF', ['loa.pdf'])
