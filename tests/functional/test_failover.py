# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook failover: what it changes and restores, refuses, and leaves when it is killed. tests/peering has the traffic."""

from __future__ import annotations

import os
import pty
import select
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.ansible_runs import Begun
from support.drills import PREFIXES, Pair
from support.processes import kill_trees

SHARED, BACKED_UP = PREFIXES
# Keeps the last step as the state of a router.
ROUTER = '''
- name: Bring the router to {{ failover_step }}
  ansible.builtin.copy:
    content: "{{ failover_step }}"
    dest: "{{ router_file }}"
    mode: "0600"
'''
SESSION = {'customer_asn': 64496, 'extra_prefixes': []}


@pytest.fixture
def pair(simulator, tmp_path):
    return routed_pair(simulator, tmp_path)


def routed_pair(simulator, tmp_path, **fields: object) -> Pair:
    pair = Pair(simulator, tmp_path, **fields)
    (tmp_path / 'router.yml').write_text(ROUTER)
    pair.route((SHARED, 'nyc-1', 100), (SHARED, 'nyc-2', 100), (BACKED_UP, 'nyc-1', 100), (BACKED_UP, 'nyc-2', 200),
               ('10.40.0.0/16', 'nyc-1', 300), ('10.40.0.0/16', 'nyc-2', 100), (SHARED, '10.255.0.1', 1000))
    return pair


def changes(run) -> list[tuple[str, int]]:
    """(prefix, priority) of the routes that were written, in their order."""
    writes = [request for request in run.sent if request['method'] != 'GET']
    assert {(write['method'], write['path'].split('/')[-2]) for write in writes} <= {('PUT', 'routes')}
    return [(write['body']['prefix'], write['body']['priority']) for write in writes]


def stored(pair: Pair) -> list[dict]:
    return [{name: value for name, value in route.items() if name != 'modified_on'} for route in pair.simulator.state()['routes']]


def pinging(pair: Pair) -> dict[str, object]:
    return {'failover_ping': '192.0.2.9', 'failover_ping_via': f'sh {pair.folder}/ping.sh', 'failover_ping_interval': 0.05}


def test_a_drill_moves_the_routes_and_restores_them(pair):
    before = stored(pair)
    run = pair.drill(**pinging(pair), failover_path_command=pair.path_command)
    assert run.status == 0, run.output
    assert changes(run) == [(SHARED, 101), (BACKED_UP, 201), (SHARED, 100), (BACKED_UP, 100)]
    assert (stored(pair), pair.left_behind()) == (before, [])
    report, (request, other) = pair.report(), (pair.address('nyc-1'), pair.address('nyc-2'))
    assert (report['outcome'], report['problems'], report['partners']) == ('passed', [], ['nyc-2'])
    assert report['path'] == {'before': f'{request} {other}', 'during': other, 'after': f'{request} {other}'}
    assert list(report['times']) == ['begun', 'drain', 'moved', 'restore', 'restored']
    assert report['ping']['sent'] == report['ping']['received'] > 0
    (sheet,) = pair.drills.glob('*.md')
    assert f'| {BACKED_UP} | {request} | 100 | 201 | nyc-2 |' in sheet.read_text()
    assert {file.stat().st_mode & 0o77 for file in pair.drills.iterdir()} - {0o44} == {0}  # the log of ping is the shell's


def test_check_mode_shows_the_steps_and_changes_nothing(pair):
    run = pair.drill('nyc-1', '--check', failover_router_tasks='router.yml', failover_path_command=pair.path_command)
    assert run.status == 0, run.output
    assert f'{BACKED_UP} to {pair.address("nyc-1")}: priority 100 -> 201, so nyc-2 takes over' in run.output
    assert f'drain the circuit on the router, by {pair.folder}/router.yml' in run.output
    assert (run.writes, pair.drills.exists()) == ([], False)


def test_no_go_changes_nothing(pair):
    pair.simulator.set_status(pair.ports['nyc-2'], 'Down', 'no light')
    run = pair.drill(failover_path_command='echo elsewhere')
    assert (run.status, run.writes, sorted(file.name for file in pair.drills.iterdir())) == (2, [], ['.lock'])
    assert 'others at site ewr-a do not carry its traffic: nyc-2 (Down)' in run.output
    assert 'failover_path_command prints no address of nyc-1' in run.output


@pytest.mark.parametrize('named', ['', 'nyc-9', 'nyc-1,nyc-2'])
def test_one_circuit_has_to_be_named(pair, named):
    run = pair.drill(named)
    assert (run.status, run.sent) == (2, [])
    assert 'Name the circuit whose failure is to be rehearsed' in run.output


def test_a_misspelt_variable_is_an_error(pair):
    run = pair.drill(failover_hould=3, failover_mine=1, failover_own_variables=['failover_mine'])
    assert (run.status, run.sent) == (2, []) and 'failover_hould: unknown variable. Did you mean failover_hold?' in run.output


def test_a_variable_of_a_wrong_type_is_refused_by_name_before_anything_is_sent(pair):
    for variables, says in (
            ({'failover_hold': True, 'failover_restore': ['x'], 'failover_pause': ['x'], 'failover_router_tasks': ['x'],
              'failover_ping': ['x']},
             ('failover_hold: must be a whole number; it was true.', 'failover_restore: must be true or false; it was a list.',
              'failover_pause: must be true or false; it was a list.', 'failover_router_tasks: must be a path; it was a list.',
              'failover_ping: must be text; it was a list.')),
            ({'failover_ping': 5, 'failover_path_command': 5, 'provision_maintenance_days': ['x']},
             ('failover_path_command, failover_ping: must be text, but is a number',)),
            ({'provision_maintenance_days': ['x']}, ('provision_maintenance_days: must be a whole number; it was a list.',)),
            ({'failover_ping': '{{ nope }}'}, ('failover_ping: ', "'nope' is undefined"))):
        run = pair.drill(**variables)
        assert (run.status, run.sent, [text for text in says if text not in run.output]) == (2, [], []), run.output


def test_an_outage_ends_the_drill_and_all_is_restored(pair):
    before = stored(pair)
    outage = '- name: Lose the packets\n  ansible.builtin.copy:\n    content: ""\n    dest: "{{ outage }}"\n    mode: "0600"\n' \
             '  when: failover_step == "drain"\n'
    (pair.folder / 'router.yml').write_text(ROUTER + outage)
    run = pair.drill(**pinging(pair), failover_hold=60, failover_max_gap=1, router_file=str(pair.folder / 'router'),
                     outage=str(pair.folder / 'outage'), failover_router_tasks=str(pair.folder / 'router.yml'))
    assert run.status == 2, run.output
    report = pair.report()
    assert (report['outcome'], report['ping']['longest_gap'] > 1) == ('failed', True)
    assert report['problems'][0].endswith('the ping was not answered for more than 1.0 s, so the drill ended early')
    assert 's without an answer, more than 1.0' in report['problems'][1]
    assert (stored(pair), pair.left_behind(), (pair.folder / 'router').read_text()) == (before, [], 'restore')


def test_a_session_needs_somebody_at_the_router(simulator, tmp_path):
    pair = Pair(simulator, tmp_path, bgp=SESSION)
    run = pair.drill()
    assert (run.status, run.writes, pair.left_behind()) == (2, [], [])
    assert 'Set failover_router_tasks, or run it in a terminal.' in run.output


def test_a_person_at_a_terminal_changes_the_router(simulator, tmp_path):
    pair = Pair(simulator, tmp_path, bgp=SESSION)
    command = pair.command('failover', {'nyc-1': {}, 'nyc-2': {}}, *pair.arguments())
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(tmp_path)
        os.execve(command['args'][0], command['args'], command['env'])
    output, answers = '', [('Type yes', 'yes'), ('prefer nyc-2', 'done'), ('announce and accept nothing', 'done'), ('restore what', 'done')]
    typed = b''
    while True:
        # The task discards what was typed between its prompt and its first read. While it reads, it has no lines.
        if not select.select([terminal], [], [], 3)[0] and not termios.tcgetattr(terminal)[3] & termios.ICANON:
            os.write(terminal, typed)
        try:
            output += os.read(terminal, 4096).decode(errors='replace')
        except OSError:  # the other end is closed
            break
        if answers and output.count(answers[0][0]) and output.rstrip().endswith(':'):
            typed = f'{answers.pop(0)[1]}\r'.encode()
            os.write(terminal, typed)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, output
    assert (answers, pair.report()['router'], list(pair.report()['times'])) == (
        [], 'pause', ['begun', 'drain', 'moved', 'withdraw', 'restore', 'restored'])


# Killed runs.

@contextmanager
def begun(pair: Pair, task: str, **options: object) -> Iterator[Begun]:
    """A drill that has come to a task, in a process group of its own."""
    command = pair.command('failover', {'nyc-1': {}, 'nyc-2': {}}, *pair.arguments(**options))
    with Begun(*command['args'][1:], env=command['env'], cwd=pair.folder) as process:
        shown = []
        while not (line := process.stdout.readline()).startswith(f'TASK [{task}]'):
            shown.append(line)
            assert line, ''.join(shown)
        yield process


def routed(pair: Pair) -> dict[str, object]:
    return {'failover_router_tasks': str(pair.folder / 'router.yml'), 'router_file': str(pair.folder / 'router')}


def killed(process: Begun) -> None:
    process.send_signal(signal.SIGKILL)


def interrupted(process: Begun) -> None:
    process.interrupt()


def lost(process: Begun) -> None:
    """Ends the run and all that it has started, as if the machine was lost."""
    kill_trees([process.pid])


@pytest.mark.parametrize(('places', 'end'), [
    (['Write the record of what is changed', 'Change the router', 'Restore the priority of each static route'], killed),
    (['Bring the router to withdraw', 'Bring the router to restore'], lost),
    (['Write the report to read'], killed), (['Delete the record'], interrupted),
])
def test_the_next_run_restores_a_killed_drill(simulator, tmp_path, places, end):
    """A drill is killed at the first place, and each run after it, which restores first, at the next request."""
    pair = routed_pair(simulator, tmp_path, bgp=SESSION)
    before, options = stored(pair), routed(pair)
    for place in places:
        with begun(pair, place, **options) as process:
            end(process)
            process.wait()
    run = pair.drill(**options, failover_restore=True)
    assert run.status == 0, run.output
    assert (stored(pair), pair.left_behind(), (pair.folder / 'router').read_text()) == (before, [], 'restore')
    assert len(list(pair.drills.glob('*Z.json'))) == len(list(pair.drills.glob('*Z.md'))) == 1


def test_a_restore_that_fails_says_how_to_go_on_and_is_repeated(pair):
    before = stored(pair)
    tasks = ROUTER + '- name: Reload\n  ansible.builtin.fail: {msg: "it is gone"}\n  when: failover_step in stubborn\n'
    (pair.folder / 'router.yml').write_text(tasks)
    run = pair.drill(**routed(pair), stubborn=['drain', 'restore'])
    assert (run.status, pair.left_behind(), stored(pair)) == (2, ['drill.json'], before)
    assert f'Run the playbook again, with -e failover_circuit=nyc-1 -e failover_restore=true -e failover_dir={pair.drills}' in run.output
    run = pair.drill(failover_restore=True, **routed(pair), stubborn=[])
    assert (run.status, pair.left_behind(), pair.report()['outcome']) == (0, [], 'interrupted'), run.output


def test_a_task_that_outlives_a_killed_drill_is_waited_for(pair):
    before, read = stored(pair), len(pair.simulator.requests())
    pair.simulator.fault('slow', method='PUT', path='/magic/routes', delay=3000, times=1)
    with begun(pair, 'Prefer the other circuit at Cloudflare') as process:
        pair.simulator.requests(until=read + 1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    run = pair.drill(failover_restore=True)
    assert run.status == 0, run.output
    assert (stored(pair), pair.left_behind(), pair.report()['outcome']) == (before, [], 'interrupted')
    (pair.drills / 'router').mkdir()  # as of a drill that was killed before its record was written
    run = pair.drill(failover_restore=True)
    assert (run.status, run.sent, f'nothing to restore: {pair.drills}' in run.output, pair.left_behind()) == (0, [], True, [])


def test_a_second_drill_is_refused_and_ctrl_c_is_restored_with_what_somebody_else_has_changed_left_alone(pair):
    with begun(pair, 'Hold', failover_hold=600) as process:
        other = pair.drill('nyc-2')
        assert (other.status, other.sent) == (2, [])
        assert 'A drill of nyc-1, begun at' in other.output and 'is not ended' in other.output
        process.interrupt()
        process.wait()
    other = pair.drill('nyc-2')
    assert (other.status, other.sent, '-e failover_circuit=nyc-1 -e failover_restore=true' in other.output) == (2, [], True)
    routes = pair.simulator.state()['routes']
    pair.simulator.seed(routes=[{**route, 'priority': 150} if route['priority'] == 101 else route for route in routes])
    run = pair.drill(failover_restore=True)
    assert run.status == 0, run.output
    assert (pair.priorities()[SHARED, 'nyc-1'], pair.priorities()[BACKED_UP, 'nyc-1'], pair.left_behind()) == (150, 100, [])
    assert pair.report()['left_alone'] == [f'{SHARED}: somebody else set the priority to 150 during the drill; it was 100']
