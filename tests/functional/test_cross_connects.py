# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook cross_connects, on forty circuits in six facilities, in all states."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
from simulator.process import Simulator
from support.playbook import Account, Run

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import file_name

ODD = '=1+1|<b>*x*</b> {{ 7 * 7 }} ../../x'
WRITE = ('Write the texts for the data centres, and the CSV', 'new-0')
TODAY = datetime.now(timezone.utc).date() + timedelta(days=40)  # the simulator makes the ports now


def days_ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


# {kind: (the status of the port, what the host says of the cross-connect, when the LOA was fetched, who has to act)}.
KINDS = {
    'new': ('Pending', {'patch_panel': f'!unsafe {ODD}'}, days_ago(39), 'you'),
    'waiting': ('Pending', {'ordered': days_ago(7), 'ticket': 'NET-7'}, days_ago(39), 'data centre'),
    'late': ('Pending', {'ordered': days_ago(29), 'ticket': 'NET-29', 'provider': 'Equinix'}, days_ago(39), 'data centre'),
    'dark': ('Pending', {'ordered': days_ago(20), 'installed': days_ago(2)}, days_ago(39), 'you'),
    'up': ('Healthy', {'ordered': days_ago(30), 'ticket': 'NET-30'}, days_ago(39), 'you'),
    'done': ('Healthy', {}, days_ago(39), 'nobody'),
    'bare': ('Pending', {}, None, 'you'),
    'weak': ('Unhealthy', {}, days_ago(39), 'you'),
    'lost': ('Down', {}, days_ago(39), 'you'),
}


class Fleet(NamedTuple):
    """The account, the folder of the playbook, its facilities, and runs: the last one a day later, with provision_overdue_days."""

    account: Account
    folder: Path
    facilities: list[str]
    predicted: Run
    first: Run
    second: Run
    next_day: Run


def add_loa(account: Account, name: str, port: str, fetched: str) -> None:
    """What a run leaves of an LOA on disk."""
    account.files.mkdir(exist_ok=True)
    loa = {'interconnect': port, 'name': None, 'sha256': 'x', 'fetched': f'{fetched}T12:00:00Z'}
    record = {'format': 1, 'name': name, 'interconnect': {'name': port}, 'loa': loa}
    (account.files / f'{file_name(name)}.json').write_text(json.dumps(record))
    (account.files / f'{file_name(name)}-loa.pdf').write_text('%PDF')


@pytest.fixture(scope='module')
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    """Forty circuits in six facilities, in all states, and an odd one."""
    with Simulator('--slots', '200') as simulator:
        account = Account(simulator, tmp_path_factory.mktemp('cross-connects'))
        free: dict[str, list[str]] = {}
        for slot in simulator.state()['slots']:
            if not slot['occupied']:
                free.setdefault(slot['facility']['name'], []).append(slot['id'])
        facilities = sorted(sorted(free, key=lambda name: -len(free[name]))[:6])
        hosts: dict[str, dict] = {}
        for number in range(40):
            kind = list(KINDS)[number % len(KINDS)]
            state, kept, fetched, _turn = KINDS[kind]
            host = f'{kind}-{number}'
            name = ODD if number == 9 else host
            port = account.seed(name, free[facilities[number % 6]].pop())
            simulator.set_status(port, state, 'light at -24 dBm' if state == 'Unhealthy' else None)
            if fetched:
                add_loa(account, name, port, fetched)
            hosts[host] = {'provision_cross_connect': kept, **({'provision_name': f'!unsafe {ODD}'} if number == 9 else {})}
        folder = account.folder / 'cross-connects'

        def run(*arguments: str, today: date = TODAY) -> Run:
            return account.play('cross_connects', hosts, '-e', f'today={today}', *arguments)

        predicted = run('--check', '--diff', '-e', 'provision_overdue_days=')
        assert not folder.exists()
        yield Fleet(account, folder, facilities, predicted, run(), run(),
                    run('-e', 'provision_overdue_days=28', today=TODAY + timedelta(days=1)))


def test_check_mode_shows_the_texts_and_writes_none(fleet):
    run = fleet.predicted
    assert (run.status, run.changed, run.writes) == (0, {('Create the folder', 'new-0'), WRITE}, []), run.output
    assert '+# Cross-connects to Cloudflare at ' in run.output and '"new-0 ' in run.output


def test_the_account_is_read_once_and_the_files_are_for_their_owner(fleet):
    run = fleet.first
    assert (run.status, run.changed, run.writes) == (0, {('Create the folder', 'new-0'), WRITE}, []), run.output
    status_reads = [request['path'] for request in run.sent if request['path'].endswith('/status')]
    assert len(status_reads) == len(set(status_reads)) == 40 and len(run.sent) == 45
    assert {stat.S_IMODE(path.stat().st_mode) for path in fleet.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(fleet.folder.stat().st_mode) == 0o700
    assert {path.name for path in fleet.folder.iterdir()} == {'cross-connects.csv', *(f'{name}.md' for name in fleet.facilities)}


def test_a_second_run_changes_nothing_on_this_day_nor_on_the_next(fleet):
    assert (fleet.second.status, fleet.second.changed) == (0, set()), fleet.second.output
    assert fleet.next_day.changed == set(), fleet.next_day.output


def test_the_table_says_who_has_to_act_the_worst_first(fleet):
    lines = [line.strip(' ",') for line in fleet.first.output.partition('"msg": [')[2].partition(']')[0].splitlines()]
    lines = [line for line in lines if line]
    assert len(lines) == 43 and lines[0].split()[:3] == ['circuit', 'facility', 'interconnect']
    kinds = list(dict.fromkeys(line.partition('-')[0] for line in lines[1:-2] if not line.startswith('=')))
    assert kinds == ['lost', 'weak', 'bare', 'new', 'late', 'dark', 'waiting', 'up', 'done']
    assert lines[-1] == 'Cross-connects: 40. Waiting for you: 26, for the data centre: 10, for nobody: 4. Overdue: 14.'
    assert any(line.startswith('late-2 ') and line.endswith(f'was due on {days_ago(1)}: escalate ticket NET-29') for line in lines)


def test_a_run_with_overdue_days_fails_and_names_what_is_overdue(fleet):
    assert fleet.next_day.status == 2
    (line,) = [line for line in fleet.next_day.output.splitlines() if '"msg": "Overdue: ' in line]
    assert line.count('was due on') == 14
    assert f'late-2 ({fleet.facilities[2]}, was due on {days_ago(1)})' in line


def test_the_csv_has_each_circuit_and_no_formula(fleet):
    with (fleet.folder / 'cross-connects.csv').open(newline='', encoding='utf-8') as file:
        rows = {row['circuit']: row for row in csv.DictReader(file)}
    ports = {name: circuit['interconnect'] for name, circuit in fleet.account.circuits().items()}
    assert {name.removeprefix("'") for name in rows} == set(ports) and rows[f"'{ODD}"]['patch_panel'] == f"'{ODD}"
    for name, row in rows.items():
        kind, port = name.partition('-')[0], ports[name.removeprefix("'")]
        assert (row['interconnect'], row['slot_id'], row['device']) == (port['name'], port['slot_id'], port['ccr_device_name'])
        assert row['waits_for'] == KINDS[kind if kind in KINDS else 'new'][3]


def test_each_data_centre_gets_its_own_ports_and_the_loas_to_attach(fleet):
    circuits = fleet.account.circuits()
    for facility in fleet.facilities:
        text = (fleet.folder / f'{facility}.md').read_text()
        here = {name for name, circuit in circuits.items() if circuit['interconnect']['facility']['name'] == facility}
        opened = {name for name in here if name.partition('-')[0] not in ('up', 'done', 'bare')}
        assert not any(circuit['interconnect']['name'] in text for name, circuit in circuits.items() if name not in opened)
        for name in opened:
            loa = f'{file_name(name)}-loa.pdf'
            assert circuits[name]['interconnect']['name'] in text and loa in text and (fleet.account.files / loa).exists()
        assert '<b>' not in text
    first = (fleet.folder / f'{fleet.facilities[0]}.md').read_text()
    assert r'| A side, ours | \=1+1&#124;&lt;b>\*x\*&lt;/b> {{ 7 \* 7 }} ../../x |' in first
