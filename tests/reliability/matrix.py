# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault matrix: every request of every scenario, times every kind of fault, once and for ever, in both envelope shapes.

And every scenario that writes, times every habit that the service may have. A habit that passes, or that is no failure, makes no run fail.
And every file that a scenario writes or removes: the run is killed before or after, or the disk is full.

A cell runs a scenario with the fault, then again without it. Its outcome is `converged`, `failed cleanly` or `killed`; anything else,
such as a second interconnect, a lost update, a traceback or a run over its time, raises AssertionError, as does a second run that does not
converge.
"""

from __future__ import annotations

import collections
import errno
import functools
import hashlib
import itertools
import json
import os
import random
import re
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from simulator.process import Simulator
from support.module_process import Ended, ModuleProcess, run_in_child

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import STEPS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import RequestsTransport

TIMEOUT = 0.1  # seconds for one request under a fault that hangs or drips: so much real time each try costs
PATIENCE = 10  # seconds for one request otherwise
RETRY_TIMEOUT = 120  # seconds for one call, by the module's own hurried clock
ASSIGNED = '172.31.'  # how the addresses begin that the simulator assigns, in the order that it is asked
MD5_KEY = 'k3y-of-the-peer'
KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
SLOT = {'site': 'ewr-a', 'speed': '10G'}

FILE = 'FILE'  # in place of the method, where it is about a file

Options = dict[str, Any]
T = TypeVar('T')


@dataclass(frozen=True)
class Call:
    """One task: a module with its options. In them, {folder} is a folder of the cell's, and a name of {calls} its interconnect."""

    module: str
    options: Options
    check: bool = False


@dataclass(frozen=True)
class Scenario:
    """calls: as a playbook makes them, ended by the first that fails. before: calls that make the account it starts from.

    status: of the interconnect.
    habits_only: no faults, since the other scenarios have its requests. unnamed: what it makes can't be asked for by its name.
    """

    name: str
    calls: tuple[Call, ...]
    before: tuple[Call, ...] = ()
    status: str | None = None
    habits_only: bool = False
    unnamed: bool = False


@dataclass(frozen=True)
class Habit:
    """What the service does of its own accord, as options of the simulator. lasting: the same for ever, if it can pass.

    method: of the requests that it is about.
    """

    method: str
    options: Options
    lasting: Options | None = None


ORDER = Call('interconnect', {'conduit_name': 'nyc-1', 'slot': SLOT})
LINK = Call('cni', {'conduit_name': 'nyc-1', 'interconnect': '{nyc-1}', 'bgp': {'customer_asn': 64512, 'md5_key': MD5_KEY}})
CIRCUIT = (ORDER, LINK)
FLEET = [
    {'name': 'nyc-1', 'slot': SLOT, 'bgp': LINK.options['bgp'], 'health_check': {'rate': 'high'}},
    {'name': 'nyc-2', 'slot': {**SLOT, 'diverse_from': ['nyc-1']}, 'bgp_mode': 'advertise_only'},
]
PAIR = [{'name': name, 'slot': SLOT} for name in ('nyc-1', 'nyc-2')]
PROFILE = Call('bgp_filter_profile', {'name': 'from-sites', 'match_action': 'allow', 'targets': ['10.20.0.0/16+']})
ROUTE = Call('static_route', {'prefix': '10.20.0.0/16', 'nexthop': '192.0.2.1'})
ROUTED = {'name': 'nyc-1', 'routes': [{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16', 'priority': 200}]}
WITH_ROUTES = (*CIRCUIT, Call('rollout', {'circuits': [ROUTED]}))


def fleet(circuits: list[Options], **options: Any) -> Call:
    """A rollout that writes LOAs and hand-overs."""
    return Call('rollout', {'circuits': circuits, 'artifacts_dir': '{folder}', **options})


SCENARIOS = (
    Scenario('interconnect, on a selected slot', (ORDER,)),
    Scenario('interconnect, on a named slot', (Call('interconnect', {'slot_id': '{slot}'}),)),
    Scenario('interconnect, diverse', (Call('interconnect', {'conduit_name': 'b', 'slot': {**SLOT, 'diverse_from': ['nyc-1']}}),), CIRCUIT),
    Scenario('interconnect, gcp_partner', (Call('interconnect', {'conduit_name': 'g', 'pairing_key': KEY, 'bandwidth': '1G'}),),
             unnamed=True),
    Scenario('interconnect, replaced', (
        Call('interconnect', {'name': '{nyc-1}', 'conduit_name': 'nyc-1', 'slot': {**SLOT, 'speed': '100G'}, 'on_immutable': 'replace'}),
        LINK,
    ), CIRCUIT),
    Scenario('interconnect, given up', (Call('interconnect', {'name': '{nyc-1}', 'state': 'absent'}),), (ORDER,)),
    Scenario('circuit, given up', (Call('interconnect', {'name': '{nyc-1}', 'conduit_name': 'nyc-1', 'state': 'absent'}),), CIRCUIT),
    Scenario('cni, created', (Call('cni', {**LINK.options, 'bgp_mode': 'advertise_only'}),), (ORDER,)),
    Scenario('cni, with addresses', (Call('cni', {**LINK.options, 'cust_ip': '10.9.8.1/31', 'p2p_ip': '10.9.8.0/31'}),), (ORDER,)),
    Scenario('cni, changed', (Call('cni', {'conduit_name': 'nyc-1', 'mtu': 1400, 'bgp': {'extra_prefixes': ['192.0.2.0/24']}}),), CIRCUIT),
    Scenario('cni, deleted', (Call('cni', {'conduit_name': 'nyc-1', 'state': 'absent'}),), CIRCUIT),
    Scenario('cni_settings', (Call('cni_settings', {'default_asn': 65000}),)),
    Scenario('health_check', (Call('health_check', {'conduit_name': 'nyc-1', 'rate': 'high', 'target': '192.0.2.1'}),), CIRCUIT),
    Scenario('tunnel', (Call('tunnel', {'conduit_name': 'nyc-1', 'mtu': 1400, 'description': 'Newark'}),), CIRCUIT),
    Scenario('tunnel, filtered', (Call('tunnel', {'conduit_name': 'nyc-1', 'import_filter': 'from-sites'}),), (*CIRCUIT, PROFILE)),
    Scenario('bgp_filter_profile, new', (PROFILE,), unnamed=True),
    Scenario('bgp_filter_profile, changed', (Call('bgp_filter_profile', {**PROFILE.options, 'match_action': 'deny'}),), (PROFILE,)),
    Scenario('bgp_filter_profile, deleted', (Call('bgp_filter_profile', {'name': 'from-sites', 'state': 'absent'}),), (PROFILE,)),
    Scenario('bgp_filter_profile_info', (Call('bgp_filter_profile_info', {}),), (PROFILE,)),
    Scenario('rollout, new', (Call('rollout', {'circuits': FLEET}),)),
    Scenario('rollout, changed', (Call('rollout', {'circuits': [{**FLEET[0], 'mtu': 1400, 'health_check': {'rate': 'low'}}]}),), CIRCUIT),
    Scenario('rollout, health checks of a pair', (Call('rollout', {'circuits': [
        {**circuit, 'health_check': {'rate': 'low'}} for circuit in PAIR
    ]}),), (Call('rollout', {'circuits': PAIR}),)),
    Scenario('rollout, replaced', (Call('rollout', {'circuits': [
        {**FLEET[0], 'slot': {**SLOT, 'speed': '100G'}, 'on_immutable': 'replace'},
    ]}),), CIRCUIT),
    Scenario('rollout, overridden', (Call('rollout', {'circuits': [], 'state': 'overridden', 'max_deletes': 1}),), CIRCUIT),
    Scenario('rollout, deleted', (Call('rollout', {'circuits': [{'name': 'nyc-1', 'slot_id': '{slot}'}], 'state': 'deleted'}),),
             (Call('interconnect', {'conduit_name': 'nyc-1', 'slot_id': '{slot}'}), LINK)),
    Scenario('rollout, gathered', (Call('rollout', {'state': 'gathered'}),), CIRCUIT),
    Scenario('with files, new', (fleet(FLEET, steps=list(STEPS), default_asn=65000),)),
    Scenario('with files, changed', (fleet([{**FLEET[0], 'mtu': 1400, 'loa_name': 'Example Networks'}]),), (fleet(FLEET[:1]),)),
    Scenario('with files, replaced', (fleet([
        {**FLEET[0], 'slot': {**SLOT, 'speed': '100G'}, 'on_immutable': 'replace'},
    ]),), (fleet(FLEET[:1]),)),
    Scenario('with files, ordered before', (fleet(PAIR),), (fleet(PAIR, steps=['interconnect']),)),
    Scenario('with files, overridden', (fleet(FLEET[:1], state='overridden', max_deletes=1),), (fleet(FLEET),)),
    Scenario('with files, one deleted and one changed', (fleet([{'name': 'nyc-1', 'state': 'absent'}, {**PAIR[1], 'mtu': 1400}]),),
             (fleet(PAIR),)),
    Scenario('with files, deleted by its record', (fleet(PAIR[:1], state='deleted'),), (fleet(PAIR[:1], steps=['interconnect']),)),
    Scenario('with files, nothing else', (fleet(FLEET[:1], steps=['loa', 'handover']),), CIRCUIT),
    Scenario('with files, waited for', (fleet([{**FLEET[0], 'wait_for': ['Healthy']}], wait_timeout=30),), CIRCUIT, 'Healthy'),
    Scenario('static_route, new', (ROUTE,)),
    Scenario('static_route, changed', (Call('static_route', {**ROUTE.options, 'priority': 7, 'weight': 9}),), (ROUTE,)),
    Scenario('static_route, deleted', (Call('static_route', {**ROUTE.options, 'state': 'absent'}),), (ROUTE,)),
    Scenario('rollout, new with routes', (Call('rollout', {'circuits': [{**FLEET[0], **ROUTED}]}),)),
    Scenario('rollout, other routes', (Call('rollout', {'circuits': [
        {'name': 'nyc-1', 'routes': [{'prefix': '10.20.0.0/16', 'priority': 7}, {'prefix': '10.40.0.0/16'}]},
    ]}),), WITH_ROUTES),
    Scenario('rollout, readdressed with routes', (Call('rollout', {'circuits': [
        {**ROUTED, 'cust_ip': '10.9.8.1/31', 'p2p_ip': '10.9.8.0/31'},
    ]}),), WITH_ROUTES),
    Scenario('rollout, replaced with routes', (Call('rollout', {'circuits': [
        {**FLEET[0], **ROUTED, 'slot': {**SLOT, 'speed': '100G'}, 'on_immutable': 'replace'},
    ]}),), WITH_ROUTES),
    Scenario('rollout, deleted with routes', (Call('rollout', {'circuits': [{**ROUTED, 'slot_id': '{slot}'}], 'state': 'deleted'}),),
             (Call('interconnect', {'conduit_name': 'nyc-1', 'slot_id': '{slot}'}), LINK, WITH_ROUTES[-1])),
    Scenario('loa', (Call('loa', {'conduit_name': 'nyc-1', 'path': '{folder}/loa.pdf'}),), CIRCUIT),
    Scenario('slots_info', (Call('slots_info', SLOT),)),
    Scenario('status_info', (Call('status_info', {'wait_for': ['Healthy'], 'wait_timeout': 30}),), CIRCUIT, 'Healthy'),
    Scenario('interconnect_info', (Call('interconnect_info', {'conduit_name': 'nyc-1'}),), CIRCUIT),
    Scenario('cni_info', (Call('cni_info', {'conduit_name': 'nyc-1'}),), CIRCUIT),
    Scenario('static_route_info', (Call('static_route_info', {'conduit_name': 'nyc-1'}),), WITH_ROUTES),
    Scenario('cni_settings_info', (Call('cni_settings_info', {}),)),
    Scenario('circuit, call by call', (
        *CIRCUIT, Call('cni', {**LINK.options, 'mtu': 1400}), Call('health_check', {'conduit_name': 'nyc-1', 'rate': 'high'}),
        Call('loa', {'conduit_name': 'nyc-1', 'path': '{folder}/loa.pdf'}),
        Call('status_info', {'wait_for': ['Pending'], 'wait_timeout': 60}),
    ), habits_only=True),
)

FAULTS: dict[str, dict[str, Any]] = {
    'killed before': {'kind': 'kill'},
    'killed after': {'kind': 'kill', 'applied': True},
    'connection lost before': {'kind': 'drop_before'},
    'connection lost after': {'kind': 'drop_after'},
    'no answer, not done': {'kind': 'hang_before'},
    'no answer, done': {'kind': 'hang_after'},
    **{f'HTTP {status}': {'kind': 'status', 'status': status} for status in (400, 403, 404, 408, 409, 500, 502, 503, 504)},
    'HTTP 500, done': {'kind': 'status', 'status': 500, 'applied': True},
    'HTTP 429': {'kind': 'status', 'status': 429},
    'HTTP 429, Retry-After': {'kind': 'status', 'status': 429, 'headers': {'Retry-After': '7'}},
    'HTTP 429, Retry-After as a date': {'kind': 'status', 'status': 429, 'retry_at': 60},
    'HTTP 503, Retry-After as a date': {'kind': 'status', 'status': 503, 'retry_at': 60},
    'body that drips': {'kind': 'drip', 'size': 10, 'delay': 70},
    'head that drips': {'kind': 'drip_head', 'size': 10, 'delay': 70},
    'truncated JSON': {'kind': 'truncate'},
    'HTML': {'kind': 'html'},
    'HTML, HTTP 200, done': {'kind': 'html', 'status': 200, 'applied': True},
    'empty': {'kind': 'empty'},
    'wrong JSON type': {'kind': 'status', 'status': 200, 'body': [1], 'applied': True},
    'null': {'kind': 'status', 'status': 200, 'body': 'null', 'applied': True},
    'redirect, same host': {'kind': 'redirect'},
    'redirect, other host': {'kind': 'redirect', 'headers': {'Location': 'http://127.0.0.2:1/'}},
}
# Of files: what becomes of the call that puts one in place or removes it.
DISK_FAULTS: dict[str, dict[str, Any]] = {
    'killed before a file': {'kind': 'kill'},
    'killed after a file': {'kind': 'kill', 'applied': True},
    'disk full': {'kind': 'full'},
}
# They are many and much alike: they share the requests out. Of 520 and 524 nobody knows whether the service was reached.
EDGE = {f'HTML, HTTP {status}': {'kind': 'html', 'status': status, 'applied': status in (520, 524)} for status in range(520, 528)}
FAULTS |= EDGE

NEVER = 10**6  # reads
HABITS: dict[str, Habit] = {
    **{f'HTTP {status} to POST': Habit('POST', {'created_status': status}) for status in (201, 202, 204)},
    **{f'HTTP {status} to PUT': Habit('PUT', {'changed_status': status}) for status in (201, 202, 204)},
    'HTTP 202 to DELETE': Habit('DELETE', {'deletes': 'accepted'}),
    'HTTP 204 to DELETE': Habit('DELETE', {'deletes': 'no-content'}),
    'PUT answers with the state before': Habit('PUT', {'stale_puts': True}),
    'half of a PUT of several': Habit('PUT', {'bulk_puts': 'half'}),
    'lists without what is new': Habit('POST', {'stale_lists': 4}, {'stale_lists': NEVER}),
    'no status of what is new': Habit('POST', {'late_status': 4}, {'late_status': NEVER}),
    'no tunnel of what is new': Habit('POST', {'late_tunnels': 4}, {'late_tunnels': NEVER}),
}


@dataclass(frozen=True)
class Cell:
    """One fault at one request of a scenario, or one habit at all of a method.

    request: (method, pattern of the path, how many like it come before), or of a file (FILE, its name, how many).
    """

    scenario: Scenario
    request: tuple[str, str, int]
    fault: str
    lasting: bool
    envelope: str

    @property
    def kind(self) -> tuple[str, ...]:
        return self.request[0], self.fault, 'for ever' if self.lasting and self.fault in HABITS else ''

    def __str__(self) -> str:
        method, path, after = self.request
        often = 'for ever' if self.lasting else 'once'
        return f'{self.scenario.name} | {method} {path} #{after} | {self.fault} | {often} | {self.envelope}'


@dataclass
class Bench:
    """A simulator, and what need not be done anew for each cell.

    options: of the simulator. modules: runs what nothing is done to. started: the accounts that scenarios start from.
    converged: the accounts from which a second run was seen to converge.
    """

    simulator: Simulator
    folder: Path
    options: Options = field(default_factory=dict)
    modules: ModuleProcess = field(default_factory=ModuleProcess)
    started: dict[tuple[str, str], tuple[dict, dict[str, str], dict[str, bytes]]] = field(default_factory=dict)
    converged: set[tuple[str, str, str]] = field(default_factory=set)

    def start(self, scenario: Scenario, envelope: str) -> dict[str, str]:
        """Puts the account in place; returns what stands for the names in braces."""
        self.simulator.reset(envelope=envelope, **self.options)
        self._put({})
        if (scenario.name, envelope) not in self.started:
            free = next(slot['id'] for slot in self.simulator.state()['slots'] if not slot['occupied'])
            names = {'slot': free, 'folder': str(self.folder)}
            for call in scenario.before:
                self.call(call, names)
            if scenario.status:
                self.simulator.set_status(names['nyc-1'], scenario.status)
            self.started[scenario.name, envelope] = self.simulator.state(), names, files_in(self.folder)
            self.simulator.reset(envelope=envelope, **self.options)
        state, names, files = self.started[scenario.name, envelope]
        self.simulator.seed(**state)
        if scenario.status:
            self.simulator.set_status(names['nyc-1'], scenario.status)
        self._put(files)
        return dict(names)

    def _put(self, files: Mapping[str, bytes]) -> None:
        for file in self.folder.iterdir():
            file.unlink()
        for name, content in files.items():
            (self.folder / name).write_bytes(content)

    def reload(self, envelope: str, **habit: Any) -> None:
        """The same account without the fault. habit: options of the simulator."""
        state = self.simulator.state()
        self.simulator.reset(envelope=envelope, **self.options, **habit)
        self.simulator.seed(**state)

    def call(self, call: Call, names: dict[str, str], timeout: float = PATIENCE, before: Callable[[], None] | None = None) -> Ended:
        """One module call. Learns the interconnects' names from results. before: what the module's process does first."""
        options = json.loads(re.sub(r'\{([\w-]+)\}', lambda match: names[match[1]], json.dumps(call.options)))
        more = {'timeout': timeout, 'retry_timeout': RETRY_TIMEOUT}
        environment = {**self.simulator.environment, 'PATH': '/usr/bin:/bin'}
        more['_ansible_check_mode'] = call.check
        run = functools.partial(run_in_child, before=before) if before else self.modules.run
        ended = run(call.module, {**options, **more}, environment, hurried=True)
        port = None if ended.status < 0 else ended.result().get('interconnect')
        if port and options.get('conduit_name'):
            names[options['conduit_name']] = port['name']
        return ended

    def play(self, calls: Iterable[Call], names: dict[str, str], timeout: float = PATIENCE,
             before: Callable[[], None] | None = None) -> list[Ended]:
        """The calls up to the first that fails or is killed, each within its time and ended as a module should."""
        ends = []
        for call in calls:
            ended = self.call(call, names, timeout, before)
            ends.append(ended)
            assert ended.slept < RETRY_TIMEOUT * 2 + 10, f'slept {ended.slept:.0f} s'
            assert 'Traceback' not in ended.printed, ended.printed
            if ended.status < 0 or ended.result().get('failed'):
                break
        return ends

    def account(self) -> dict[str, Any]:
        """What is stored and on disk, without what differs from run to run."""
        return {**stored(self.simulator), 'files': contents(self.folder, self.simulator.state())}


def stored(simulator: Simulator) -> dict[str, Any]:
    """What is stored, without what differs from run to run."""
    state = simulator.state()
    ports = {port['name']: _place(port) for port in state['interconnects']}
    links = [{**{k: v for k, v in cni.items() if k != 'id' and not str(v).startswith(ASSIGNED)}, 'interconnect': ports[cni['interconnect']]}
             for cni in state['cnis']]
    names = {profile['id']: profile['name'] for profile in state['filter_profiles']}
    tunnels = [{**tunnel, 'bgp': {key: names.get(value, value) for key, value in tunnel.get('bgp', {}).items()}}
               for tunnel in state['tunnels']]
    fields = ('health_check', 'mtu', 'description', 'bgp')
    checks = sorted(json.dumps([tunnel.get(name) for name in fields], sort_keys=True) for tunnel in tunnels)
    profiles = [{k: v for k, v in profile.items() if k not in ('id', 'created_on', 'modified_on')} for profile in state['filter_profiles']]
    taken = [slot['id'] for slot in state['slots'] if slot['occupied']]
    links.sort(key=lambda link: link['magic']['conduit_name'])
    ends = {cni['cust_ip'].split('/')[0]: cni['magic']['conduit_name'] for cni in state['cnis']}
    routes = [{**{k: v for k, v in route.items() if k not in ('id', 'created_on', 'modified_on')},
               'nexthop': ends.get(route['nexthop'], route['nexthop'])} for route in state['routes']]
    return {'ports': sorted(ports.values()), 'links': links, 'checks': checks, 'taken': taken,
            'settings': state['settings'], 'routes': sorted(routes, key=str), 'profiles': sorted(profiles, key=str)}


def files_in(folder: Path) -> dict[str, bytes]:
    """{name: content}, but for what a write that was killed has left half-way: it is hidden, and nobody reads it."""
    return {file.name: file.read_bytes() for file in sorted(folder.glob('[!.]*'))}


def contents(folder: Path, state: Mapping[str, Any]) -> dict[str, str]:
    """{name: content} of LOAs and hand-overs, with stand-ins for what differs from run to run, and others for what is there no more.

    Of an LOA the interconnect that it is for.
    """
    files = files_in(folder)
    ports = {port['name']: f'<interconnect {_place(port)}>' for port in state['interconnects']}
    loas = {name: [stand for port, stand in ports.items() if port.encode() in content] for name, content in files.items()
            if content.startswith(b'%PDF')}
    stands = ports | {hashlib.sha256(files[name]).hexdigest(): f'<hash of {name}>' for name in loas}
    for cni in state['cnis']:
        stands |= {cni[end].split('/')[0]: f'<{end} of {cni["magic"]["conduit_name"]}>' for end in ('cust_ip', 'p2p_ip')}
    return {name: ' '.join(loas[name]) if name in loas else _shown(content, stands) for name, content in files.items()}


def _shown(content: bytes, stands: Mapping[str, str]) -> str:
    text = content.decode()
    assert MD5_KEY not in text, text
    text = re.sub(r'(?m)^.*("default_name"|LOA made out to).*\n', '', text)  # an LOA is fetched even if its default name cannot be read
    for name, stand in stands.items():
        text = re.sub(rf'\b{re.escape(name)}\b', stand, text)
    return re.sub(r'\b([\w-]+-icon-[0-9a-f]{4}|172\.31\.\d+\.\d+|[0-9a-f]{64}|\d{4}-\d\d-\d\dT[\d:]+Z)\b', '<another>', text)


def _place(port: Mapping[str, Any]) -> str:
    return port.get('slot_id') or f'{port["region"]} {port["speed"]}'


def cells(bench: Bench, scenarios: Iterable[Scenario]) -> Iterator[Cell]:
    """All cells, generated from the requests that the scenarios are seen to send."""
    edge_faults = itertools.cycle(EDGE)
    for scenario in scenarios:
        requests = requests_of(bench, scenario)
        for request in () if scenario.habits_only else requests:
            edge_fault, some = next(edge_faults), DISK_FAULTS if request[0] == FILE else FAULTS
            for fault, lasting, envelope in itertools.product(some, (False, True), ('bare', 'wrapped')):
                if not (lasting and some[fault]['kind'] == 'kill') and (fault not in EDGE or fault == edge_fault):
                    yield Cell(scenario, request, fault, lasting, envelope)
        yield from _habits_of(scenario, {method for method, _path, _after in requests})


def _habits_of(scenario: Scenario, methods: set[str]) -> Iterator[Cell]:
    for (name, habit), lasting, envelope in itertools.product(HABITS.items(), (False, True), ('bare', 'wrapped')):
        if habit.method in methods and not (lasting and habit.lasting is None):
            yield Cell(scenario, (habit.method, '', 0), name, lasting, envelope)


def requests_of(bench: Bench, scenario: Scenario) -> list[tuple[str, str, int]]:
    """The requests and file operations of a scenario without a fault, as a cell has them."""
    names = bench.start(scenario, 'bare')
    before = len(bench.simulator.requests())
    with tempfile.TemporaryFile('w+') as log:
        ends = bench.play(scenario.calls, names, before=_at_files(bench.folder, functools.partial(_logged, log)))
        assert not ends[-1].result().get('failed'), ends[-1].printed
        log.seek(0)
        kinds = [(FILE, line.rstrip('\n')) for line in log]
    kinds += [(request['method'], _pattern(request['path'])) for request in bench.simulator.requests()[before:]]
    occurrences = collections.Counter()
    found = []
    for kind in kinds:
        found.append((*kind, occurrences[kind]))
        occurrences[kind] += 1
    return found


def _logged(log: IO[str], file: str, do: Callable[[], Any]) -> Any:
    print(file, file=log, flush=True)
    return do()


def _pattern(path: str) -> str:
    """The path below the account with what differs from run to run left open."""
    parts = path.split('/accounts/')[1].split('/')[1:]
    name = 3 if parts[:2] == ['magic', 'bgp'] else 2
    return '/'.join(['', *parts[:name], *('[^/]+' for _name in parts[name:name + 1]), *parts[name + 1:]]) + '$'


def run(bench: Bench, cell: Cell) -> str:
    """`converged`, `failed cleanly` or `killed`. Raises AssertionError for every other outcome."""
    scenario = cell.scenario
    expected = _expected_account(bench, cell, scenario.calls)
    names = bench.start(scenario, cell.envelope)
    ends = _play_with_fault(bench, cell, names)
    ended = ends[-1]
    account = bench.account()
    ports_before = bench.started[scenario.name, cell.envelope][0]['interconnects']
    assert len(account['ports']) <= max(len(expected['ports']), len(ports_before)), account
    outcome = _judge(ended, account, expected)
    if _goes_on(cell):
        assert outcome == 'converged' and ended.result().get('reached', True), ended.printed
    if outcome == 'converged' and cell.request[0] not in ('POST', FILE):
        waited, due = sum(end.result()['api']['waited'] for end in ends), FAULTS.get(cell.fault, {}).get('retry_at', 0)
        assert waited >= due / 2, f'waited {waited} s of {due} s'  # by the real clock some of it may have passed
    _run_again(bench, cell, names, account)
    return outcome


def _run_again(bench: Bench, cell: Cell, names: dict[str, str], account: Mapping[str, Any]) -> None:
    """The second run, without the fault: once for each account that a fault has left, as there are few and cells are many."""
    calls = cell.scenario.calls
    existing = sorted(name for name, port in names.items() if port in {port['name'] for port in bench.simulator.state()['interconnects']})
    state = cell.scenario.name, cell.envelope, json.dumps([account, existing, sorted(names), _goes_on(cell) and cell.fault], sort_keys=True)
    if state in bench.converged:
        return
    if not _goes_on(cell):
        bench.reload(cell.envelope)
    last = bench.play(calls, names)[-1].result()
    assert not last.get('failed'), last
    account, expected = bench.account(), _expected_account(bench, cell, calls)
    if account != expected and FAULTS.get(cell.fault, {}).get('kind') == 'kill':
        # Of two orders with one selector, a run that is killed leaves a port that fits either circuit. Threads decide which was sent first.
        expected = _with_ports_of(account, expected)
        for file in bench.folder.glob('[!.]*'):
            file.unlink()
        bench.play(calls, names)
        expected['files'] = bench.account()['files']  # written anew, of the ports that the circuits have
    assert account == expected, {'have': account, 'want': expected}
    bench.converged.add(state)


def _with_ports_of(other: Mapping[str, Any], account: Mapping[str, Any]) -> dict[str, Any]:
    """The account, with each circuit on the port that it has in the other one, if these are the same ports."""
    ports = [link['interconnect'] for link in other['links']]
    assert sorted(ports) == sorted(link['interconnect'] for link in account['links']), {'have': other, 'want': account}
    return {**account, 'links': [{**link, 'interconnect': port} for link, port in zip(account['links'], ports, strict=True)]}


def _goes_on(cell: Cell) -> bool:
    """Whether the cell is about a habit that a run copes with, so that the second one meets it too.

    Not where a list lags behind that is all that tells of what was made: the second run is refused then, and the next one finds it.
    """
    return cell.fault in HABITS and not cell.lasting and not (cell.scenario.unnamed and 'stale_lists' in HABITS[cell.fault].options)


def _play_with_fault(bench: Bench, cell: Cell, names: dict[str, str]) -> list[Ended]:
    """Plays the scenario with the fault or the habit in place."""
    if cell.fault in HABITS:
        habit = HABITS[cell.fault]
        bench.reload(cell.envelope, **(habit.lasting if cell.lasting else habit.options))
        return bench.play(cell.scenario.calls, names)
    if cell.fault in DISK_FAULTS:
        return bench.play(cell.scenario.calls, names, before=_bad_disk(bench.folder, cell.request, DISK_FAULTS[cell.fault], cell.lasting))
    fault, (method, path, after) = FAULTS[cell.fault], cell.request
    if fault['kind'] == 'kill':
        return bench.play(cell.scenario.calls, names, before=_killer(method, path, after, fault.get('applied', False)))
    bench.simulator.fault(**fault, method=method, path=path, after=after, times=None if cell.lasting else 1)
    return bench.play(cell.scenario.calls, names, TIMEOUT if re.match('hang|drip', fault['kind']) else PATIENCE)


def _killer(method: str, path: str, after: int, applied: bool) -> Callable[[], None]:
    """Makes a process kill itself at a request, just before it is sent or just after it is answered."""
    def arm() -> None:
        send, remaining = RequestsTransport.__call__, [after]

        def deadly(self, verb, url, headers, body):
            matches = verb == method and re.search(path, url.partition('?')[0])
            remaining[0] -= bool(matches)
            return _dying(lambda: send(self, verb, url, headers, body), matches and remaining[0] < 0, applied)

        RequestsTransport.__call__ = deadly
    return arm


def _dying(do: Callable[[], T], now: object, applied: bool) -> T:
    """What is done, unless the process kills itself: before it, or after."""
    if now and not applied:
        os.kill(os.getpid(), signal.SIGKILL)
    answer = do()
    if now:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


def _at_files(folder: Path, write_or_remove: Callable[[str, Callable[[], Any]], Any]) -> Callable[[], None]:
    """Has write_or_remove(name of the file, the call that does it) called for each file that a process puts in place or removes."""
    def intercepted(do: Callable[..., Any], *paths: Any, **more: Any) -> Any:
        file = Path(os.fsdecode(paths[-1]))
        inside = file.parent.resolve() == folder.resolve() and not file.name.startswith('.')
        return write_or_remove(file.name, lambda: do(*paths, **more)) if inside else do(*paths, **more)

    def arm() -> None:
        for name in ('replace', 'unlink'):
            setattr(os, name, functools.partial(intercepted, getattr(os, name)))
    return arm


def _bad_disk(folder: Path, request: tuple[str, str, int], fault: Mapping[str, Any], lasting: bool) -> Callable[[], None]:
    """A fault at a file, by its name and number, or at all from it on."""
    name, remaining = request[1], [request[2]]

    def write_or_fail(file: str, do: Callable[[], Any]) -> Any:
        remaining[0] -= file == name
        now = remaining[0] < 0 if lasting else (file == name and remaining[0] == -1)
        if now and fault['kind'] == 'full':
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return _dying(do, now, fault.get('applied', False))
    return _at_files(folder, write_or_fail)


def _judge(ended: Ended, account: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """What became of the run with the fault."""
    if ended.status == -signal.SIGKILL:
        return 'killed'
    end = ended.result()
    if not end.get('failed'):
        assert account == expected, {'have': account, 'want': expected}
        return 'converged'
    assert end['msg'] and 'error' in end and 'api' in end, end
    assert MD5_KEY not in json.dumps(end), end
    return 'failed cleanly'


_EXPECTED: dict[tuple[str, str, bool], Mapping[str, Any]] = {}


def _expected_account(bench: Bench, cell: Cell, calls: tuple[Call, ...]) -> Mapping[str, Any]:
    """The account after the calls without a fault."""
    key = cell.scenario.name, cell.envelope, calls is cell.scenario.calls
    if key not in _EXPECTED:
        bench.play(calls, bench.start(cell.scenario, cell.envelope))
        _EXPECTED[key] = bench.account()
    return _EXPECTED[key]


def sample(every: list[T], size: int, seed: int) -> list[T]:
    """Some cells, the same ones for the same seed; each kind at least once, as far as they go."""
    random.Random(seed).shuffle(every)
    first: dict[tuple[str, ...], T] = {}
    for cell in every:
        first.setdefault(cell.kind, cell)
    sampled = {id(cell) for cell in first.values()}
    return [*first.values(), *(cell for cell in every if id(cell) not in sampled)][:size]


def bench_in(simulator: Simulator, **options: bool) -> Bench:
    """A bench with a folder of its own. options: of the simulator."""
    return Bench(simulator, Path(tempfile.mkdtemp()), options)
