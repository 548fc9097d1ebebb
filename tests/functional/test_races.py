# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others at work on the same account: a whole second run, or a person, between any two requests of a run; and eight runs at once.

Whatever the moment, each circuit ends with one port of its own and one CNI, and nothing that somebody else wrote is lost.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pypdf
import pytest
from support.module_process import ModuleProcess, run_in_child
from support.playbook import ROOT, Account

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import RequestsTransport

SLOT = {'site': 'ewr-a', 'speed': '10G'}
KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
ROLE = str(ROOT / 'tests/benchmark/plays/role.yml')
LOSERS = ('api', 'race', 'input', 'undecided')  # the kinds of error that a run may end with that came second
ONE_AFTER_THE_OTHER = ModuleProcess()  # runs what does not run at the same time


@dataclass
class Job:
    """Calls as a playbook makes them, ended by the first that fails. In their options, PORT is the interconnect that the job got."""

    simulator: object
    calls: tuple[tuple[str, dict], ...]

    def run(self, process: ModuleProcess = ONE_AFTER_THE_OTHER) -> dict:
        """The last result. process: runs the modules."""
        port, environment = '', {'PATH': os.environ['PATH'], **self.simulator.environment}
        for module, options in self.calls:
            result = process.run(module, json.loads(json.dumps(options).replace('PORT', port)), environment, hurried=True).result()
            if result.get('failed'):
                break
            port = (result.get('interconnect') or {}).get('name', port)
        return result


def circuit(simulator, name: str, **order) -> Job:
    """The job that makes a circuit."""
    order = order or {'slot': SLOT}
    return Job(simulator, (
        ('interconnect', {'conduit_name': name, **order}),
        ('cni', {'conduit_name': name, 'interconnect': 'PORT', 'bgp': {'customer_asn': 64512}}),
        ('health_check', {'conduit_name': name, 'rate': 'high'}),
    ))


class Interrupted:
    """A job that stops before one of its requests until something else has been done."""

    def __init__(self, job: Job, at: tuple[int, int], meanwhile: Callable[[], object]) -> None:
        """at: (number of the call, number of its request). meanwhile: what is done then; its result is kept as .other."""
        self.reached = False
        events, send_events = os.pipe()  # r: the request is reached; e: the job has ended
        go, send_go = os.pipe()

        send, place = RequestsTransport.__call__, [-1, 0]

        def pausing(*request):
            reached = tuple(place) == at
            place[1] += 1
            if reached:
                os.write(send_events, b'r')
                os.read(go, 1)
            return send(*request)

        def arm() -> None:
            place[:] = place[0] + 1, 0
            RequestsTransport.__call__ = pausing

        with ModuleProcess(arm) as process, ThreadPoolExecutor(1) as pool:
            running = pool.submit(job.run, process)
            running.add_done_callback(lambda _future: os.write(send_events, b'e'))
            if os.read(events, 1) == b'r':
                self.reached = True
                self.other = meanwhile()
                os.write(send_go, b'.')
            self.own = running.result()
        for pipe in (events, send_events, go, send_go):
            os.close(pipe)


def moments(simulator, job: Callable[[], Job], prepare: Callable[[], None], meanwhile: Callable[[], object]) -> Iterator[Interrupted]:
    """The job once for each of its requests, each time from the same start, with something done in between."""
    for call in range(len(job().calls)):
        for request in range(100):
            simulator.reset()
            prepare()
            interrupted = Interrupted(job(), (call, request), meanwhile)
            if not interrupted.reached:
                break
            yield interrupted


def carried(simulator) -> dict[str, list[str]]:
    """{interconnect: the circuits on it}."""
    state = simulator.state()
    found = {port['name']: [] for port in state['interconnects']}
    for cni in state['cnis']:
        found[cni['interconnect']].append(cni['magic']['conduit_name'])
    return found


def ended_well(result: dict, *kinds: str) -> None:
    """Success, or a failure that says why in words."""
    assert not result.get('failed') or (result['error']['kind'] in kinds and result['msg'] and 'Traceback' not in result['msg']), result


def nothing() -> None:
    pass


@pytest.mark.parametrize(('names', 'order'), [
    (('nyc-1', 'nyc-1'), {'slot': SLOT}),
    (('nyc-1', 'nyc-2'), {'slot': SLOT}),
    (('nyc-1', 'nyc-1'), {'pairing_key': KEY, 'bandwidth': '1G'}),
], ids=['same circuit', 'same selector', 'same pairing key'])
def test_a_second_run_at_any_moment_makes_no_second_port(simulator, names, order):
    first, second = (lambda name=name: circuit(simulator, name, **order) for name in names)
    count = 0
    for moment in moments(simulator, first, nothing, lambda: second().run()):
        count += 1
        for result in (moment.own, moment.other):
            ended_well(result, *LOSERS)
        for job in (first, second):
            assert not job().run().get('failed')
        assert sorted(carried(simulator).values()) == [[name] for name in sorted(set(names))]
    assert count >= 12


def test_the_last_free_slot_goes_to_one_run_and_the_other_fails_by_name(simulator):
    def one_left() -> None:
        slots = simulator.state()['slots']
        free = [slot for slot in slots if not slot['occupied'] and (slot['site'], slot['speed']) == tuple(SLOT.values())]
        simulator.seed(slots=[{**slot, 'occupied': True} if slot in free[1:] else slot for slot in slots])

    first, second = (lambda name=name: circuit(simulator, name) for name in ('nyc-1', 'nyc-2'))
    for moment in moments(simulator, first, one_left, lambda: second().run()):
        ends = [first().run(), second().run()]
        (circuits,) = carried(simulator).values()
        assert len(circuits) == 1
        assert [bool(end.get('failed')) for end in ends] == [name not in circuits for name in ('nyc-1', 'nyc-2')]
        loser = next(end for end in ends if end.get('failed'))
        assert 'no slot matches' in loser['msg']
        for result in (moment.own, moment.other):
            ended_well(result, *LOSERS)


def test_two_that_delete_a_circuit_at_once_both_see_it_gone(simulator):
    def provision() -> None:
        assert not circuit(simulator, 'nyc-1').run().get('failed')

    def decommission() -> Job:
        ports = simulator.state()['interconnects']
        name = ports[0]['name'] if ports else 'none'
        return Job(simulator, (('interconnect', {'name': name, 'conduit_name': 'nyc-1', 'state': 'absent'}),))

    for moment in moments(simulator, decommission, provision, lambda: decommission().run()):
        for result in (moment.own, moment.other):
            ended_well(result, *LOSERS)
        assert carried(simulator) == {}


# With files: the folder shows whose an interconnect is before it has a CNI.

def with_files(simulator, folder: Path, *names: str) -> Job:
    """The job that makes circuits with LOAs, hand-overs and a route each."""
    circuits = [{'name': name, 'slot': SLOT, 'health_check': {'rate': 'high'}, 'routes': [{'prefix': f'10.{name[-1]}.0.0/16'}]}
                for name in names]
    return Job(simulator, (('rollout', {'circuits': circuits, 'artifacts_dir': str(folder)}),))


def own_files(simulator, folder: Path) -> dict[str, bool]:
    """{circuit: whether its hand-over and its LOA are of the interconnect that carries it}."""
    def names_it(file: str, port: str) -> bool:
        return port.encode() in (folder / file).read_bytes()

    return {circuit: names_it(f'{circuit}.json', port) and names_it(f'{circuit}-loa.pdf', port)
            for port, circuits in carried(simulator).items() for circuit in circuits}


@pytest.mark.parametrize('names', [('nyc-1', 'nyc-1'), ('nyc-1', 'nyc-2')], ids=['same circuit', 'same selector'])
def test_a_second_run_at_any_moment_leaves_each_circuit_the_files_of_its_own_port(simulator, tmp_path, names):
    def empty() -> None:
        for file in tmp_path.iterdir():
            file.unlink()

    first, second = (lambda name=name: with_files(simulator, tmp_path, name) for name in names)
    count = 0
    for moment in moments(simulator, first, empty, lambda: second().run()):
        count += 1
        for job, result in ((first, moment.own), (second, moment.other)):
            goes_through(job, result)
        assert sorted(carried(simulator).values()) == [[name] for name in sorted(set(names))]
        assert own_files(simulator, tmp_path) == dict.fromkeys(names, True)
    assert count >= 8


def goes_through(job: Callable[[], Job], result: dict) -> None:
    """It has, or it has lost a race and does the next time."""
    if result.get('failed'):
        for circuit in result.get('circuits', [result]):
            ended_well({**circuit, 'failed': 'error' in circuit}, *LOSERS)
            assert 'such a route' not in circuit['msg'], 'two runs that make the same route agree'
        assert not job().run().get('failed')


@pytest.mark.parametrize('playbook', ['provision', ROLE], ids=['playbook', 'role'])
def test_two_playbooks_at_once_with_one_inventory(simulator, tmp_path, playbook):
    simulator.reset(latency=20)
    hosts = {f'nyc-{number}': {'provision_slot': SLOT} for number in range(4)}
    accounts = []
    for name in ('one', 'other'):
        (tmp_path / name).mkdir()
        accounts.append(Account(simulator, tmp_path / name))
        accounts[-1].files = tmp_path / 'files'
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda account: account.play(playbook, hosts), accounts))
    assert 0 in [run.status for run in runs], [run.output for run in runs]
    second = accounts[0].play(playbook, hosts)
    assert (second.status, second.writes) == (0, []), second.output
    assert sorted(carried(simulator).values()) == [[name] for name in hosts]
    assert own_files(simulator, tmp_path / 'files') == dict.fromkeys(hosts, True)


def test_hosts_of_the_role_side_by_side_with_one_selector(simulator, tmp_path):
    """Nobody keeps them apart but the folder, and none of them may fail."""
    account, hosts = Account(simulator, tmp_path), {f'nyc-{number}': {'provision_slot': SLOT} for number in range(4)}
    run = account.play(ROLE, hosts, '--forks', '20')
    assert run.status == 0, run.output
    assert sorted(carried(simulator).values()) == [[name] for name in hosts]
    assert own_files(simulator, account.files) == dict.fromkeys(hosts, True)


# A person in the dashboard.

def human_edits(simulator) -> None:
    """Changes what no job here names, in every object."""
    state = simulator.state()
    for cni in state['cnis']:
        cni['magic']['description'] = 'by hand'
        cni['newer_field'] = {'by': 'hand'}
    for tunnel in state['tunnels']:
        tunnel['health_check']['type'] = 'request'
    simulator.seed(cnis=state['cnis'], tunnels=state['tunnels'], settings={**state['settings'], 'default_asn': 65100})


def human_deletes_the_cni(simulator) -> None:
    simulator.seed(cnis=[])


@pytest.mark.parametrize(('module', 'options'), [
    ('cni', {'conduit_name': 'nyc-1', 'mtu': 1400, 'bgp': {'extra_prefixes': ['192.0.2.0/24']}}),
    ('health_check', {'conduit_name': 'nyc-1', 'rate': 'low', 'target': '192.0.2.1'}),
    ('tunnel', {'conduit_name': 'nyc-1', 'mtu': 1400}),
], ids=['cni', 'health_check', 'tunnel'])
def test_what_a_person_changed_up_to_the_write_stays(simulator, module, options):
    def provision() -> None:
        assert not circuit(simulator, 'nyc-1').run().get('failed')

    kept = []
    for moment in moments(simulator, lambda: Job(simulator, ((module, options),)), provision, lambda: human_edits(simulator)):
        assert moment.own['changed'] is True, moment.own
        state = simulator.state()
        kept.append((state['cnis'][0]['magic']['description'], state['cnis'][0].get('newer_field'),
                     state['tunnels'][0]['health_check']['type'], state['settings']['default_asn']))
    *before, last = kept
    assert set(map(str, before)) == {str(('by hand', {'by': 'hand'}, 'request', 65100))}
    # Between the last look and the PUT the API leaves a gap that a client can't close: it has no versions to compare.
    assert len(before) >= 2 and last


def test_a_cni_that_a_person_deletes_is_created_again_or_its_absence_reported(simulator):
    change = {'conduit_name': 'nyc-1', 'mtu': 1400}

    def provision() -> None:
        assert not circuit(simulator, 'nyc-1').run().get('failed')

    for moment in moments(simulator, lambda: Job(simulator, (('cni', change),)), provision, lambda: human_deletes_the_cni(simulator)):
        assert moment.own['error']['kind'] in ('api', 'input'), moment.own
        assert not circuit(simulator, 'nyc-1').run().get('failed')
        assert list(carried(simulator).values()) == [['nyc-1']]


# Eight at once, on a slow service, so that they overlap.

@pytest.mark.parametrize('names', [['nyc-1'] * 8, [f'nyc-{number}' for number in range(8)]], ids=['same circuit', 'eight circuits'])
def test_eight_runs_at_once(simulator, names):
    simulator.reset(latency=20)

    def run(name: str) -> dict:
        with ModuleProcess() as process:
            return circuit(simulator, name).run(process)

    with ThreadPoolExecutor(len(names)) as pool:
        for result in pool.map(run, names):
            ended_well(result, *LOSERS)
    for name in names:
        last = circuit(simulator, name).run()
        assert not last.get('failed'), last
    assert Counter(tuple(circuits) for circuits in carried(simulator).values()) == Counter((name,) for name in set(names))


# Rollouts with one folder: the records say whose a port is before there is a CNI, and who orders holds the folder.

def rollout(simulator, folder: Path, *names: str) -> Job:
    """The job that makes circuits with one selector, files included."""
    circuits = [{'name': name, 'slot': SLOT} for name in names]
    return Job(simulator, (('rollout', {'circuits': circuits, 'artifacts_dir': str(folder)}),))


def ports_of_loas(folder: Path, names: list[str]) -> list[str]:
    """The interconnects that the LOAs of circuits are of, as the PDFs and as the records say; [] where these differ."""
    found = []
    for name in names:
        text = pypdf.PdfReader(io.BytesIO((folder / f'{name}-loa.pdf').read_bytes())).pages[0].extract_text()
        port = json.loads((folder / f'{name}.json').read_text())['interconnect']['name']
        found += [port] if port in text else []
    return found


def all_have_their_own(simulator, folder: Path, names: list[str]) -> bool:
    """Whether each circuit has a port of its own and the LOA of that port."""
    ports = {circuits[0]: port for port, circuits in carried(simulator).items() if len(circuits) == 1}
    return sorted(ports) == names and ports_of_loas(folder, names) == [ports[name] for name in names]


@pytest.mark.parametrize('names', [['nyc-1', 'nyc-1'], ['nyc-1', 'nyc-2']], ids=['same circuit', 'same selector'])
def test_a_second_rollout_at_any_moment_of_the_first_ends_with_a_port_and_its_loa_each(simulator, tmp_path, names):
    folder = tmp_path / 'files'
    first, second = (lambda name=name: rollout(simulator, folder, name) for name in names)
    kinds = []
    for moment in moments(simulator, first, lambda: shutil.rmtree(folder, ignore_errors=True), lambda: second().run()):
        for result in (moment.own, moment.other):
            assert not result.get('failed') or result['error']['kind'] in ('race', 'partly'), result
        for job in (first, second):
            assert not job().run().get('failed')
        assert all_have_their_own(simulator, folder, sorted(set(names)))
        kinds.append(moment.other.get('error', {}).get('kind'))
    assert {'race', None} <= set(kinds)  # who comes while the other one orders waits, and who comes before or after does not


def test_parallel_rollouts_with_one_selector_and_one_folder_all_succeed_at_once(simulator, tmp_path):
    simulator.reset(latency=20)
    names = ['nyc-1', 'nyc-2', 'nyc-3', 'nyc-4']
    environment = {'PATH': os.environ['PATH'], **simulator.environment}

    def run(name: str) -> dict:
        options = {'circuits': [{'name': name, 'slot': SLOT}], 'artifacts_dir': str(tmp_path / 'files')}
        return run_in_child('rollout', options, environment).result()

    with ThreadPoolExecutor(len(names)) as pool:
        results = list(pool.map(run, names))
    assert [(result.get('msg'), result['summary']) for result in results] == [(None, {'created': 1})] * len(names)
    assert all_have_their_own(simulator, tmp_path / 'files', names)


@pytest.mark.parametrize('key', ['scope', 'none'])
def test_two_runs_that_make_the_same_route_end_with_one(simulator, key):
    """Whether the API refuses the second one or not."""
    def job() -> Job:
        return Job(simulator, (('static_route', {'prefix': '10.20.0.0/16', 'nexthop': '192.0.2.1', 'priority': 7}),))

    for moment in moments(simulator, job, lambda: simulator.reset(route_key=key), lambda: job().run()):
        (route,) = simulator.state()['routes']
        assert (route['prefix'], route['priority']) == ('10.20.0.0/16', 7)
        assert not moment.other.get('failed')
        assert not moment.own.get('failed') or moment.own['error']['kind'] in LOSERS
        assert job().run()['changed'] is False


def test_two_runs_that_make_the_same_filter_profile_end_with_one(simulator):
    """The service takes a name twice."""
    def job() -> Job:
        return Job(simulator, (('bgp_filter_profile', {'name': 'from-sites', 'match_action': 'allow', 'targets': ['10.20.0.0/16']}),))

    for moment in moments(simulator, job, lambda: None, lambda: job().run()):
        (profile,) = simulator.state()['filter_profiles']
        assert (profile['name'], profile['match_action']) == ('from-sites', 'allow')
        assert not moment.other.get('failed')
        assert not moment.own.get('failed') or moment.own['error']['kind'] in LOSERS
        assert job().run()['changed'] is False
