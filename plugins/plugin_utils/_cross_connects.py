# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cross-connects: what each one waits for, and the texts of that for people, data centres and spreadsheets. Pure functions.

The texts for data centres and the CSV name dates and no ages, so they change only when something else does.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import file_path
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import OPTICS, is_direct
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import recorded_loa
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._metrics import parsed_record
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import LOA
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._texts import encodable, markdown_cell
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import DeclaredHost, aligned

Row = dict[str, Any]

YOU, DATA_CENTRE, NOBODY = 'you', 'data centre', 'nobody'
# {step: who has to act, and what is next}, the worst first. What a text names in braces is a column of the row.
STEPS = {
    'repair': (YOU, '{reason}: check light level, fibre and optic'),
    'read': (YOU, 'Cloudflare reported no status: run this again'),
    'check': (YOU, 'installed on {installed}, no light: check polarity, patch position, connectors and optic'),
    'provision': (YOU, 'order the port with the playbook provision'),
    'fetch_loa': (YOU, 'fetch the LOA with the playbook provision'),
    'order': (YOU, 'order the cross-connect, attach {loa}'),
    'install': (DATA_CENTRE, 'install the cross-connect'),
    'close': (YOU, 'close ticket {ticket}'),
    'none': (NOBODY, 'nothing to do'),
}
LOST = ('Down', 'Unhealthy')
INTERCONNECT_COLUMNS = ('site', 'facility', 'address', 'device', 'slot_id', 'speed')
KEPT_COLUMNS = ('provider', 'patch_panel', 'ticket', 'ordered', 'installed')
CSV_COLUMNS = ('circuit', 'facility', 'address', 'site', 'device', 'slot_id', 'interconnect', 'speed', 'optic', 'state', 'reason',
               'port_since', 'loa', 'loa_fetched', 'loa_renew_after', *KEPT_COLUMNS, 'cross_connect_id', 'due', 'waits_for', 'next_step')
CSV_FILE = 'cross-connects.csv'
TABLE_COLUMNS = ('circuit', 'facility', 'interconnect', 'speed', 'state', 'days', 'LOA', 'ticket', 'waits for', 'next step')
TABLE_NOTE = 'days: since the order of the cross-connect, or else since the port exists. LOA: days since it was fetched.'
# Of the text for a data centre: (title, steps, what it is asked for).
SECTIONS = (
    ('To be installed', ('order',), 'Please connect each port to our patch panel. Its LOA is attached.'),
    ('Ordered, not installed yet', ('install',),
     'Cloudflare receives no light on these ports yet. Please give us the date of each installation.'),
    ('Installed, but without a link', ('check', 'repair'),
     'Cloudflare reports no link on these ports. Please check that the fibres of the pair are not swapped (RX on RX), the position at both '
     'panels, and the light level, and clean the connectors.'),
)
# Cells that a spreadsheet would run as a formula.
_FORMULA = re.compile(r'[=+\-@\uff1d\uff0b\uff0d\uff20]')


class Files(NamedTuple):
    """What is on disk. records: the texts of NAME.json; loas: the paths of LOAs."""

    records: Iterable[str]
    loas: Collection[str]


# Rows.

def cross_connects_of(hosts: Iterable[DeclaredHost], circuits: Iterable[Object], files: Files, today: date, overdue_days: int) -> list[Row]:
    """A row for each cross-connect of the hosts, the worst first. Circuits on one port share a row.

    circuits: of the filter overview. overdue_days: that a cross-connect may take. Attachments in Google Cloud have none.
    """
    circuits = list(circuits)
    records = {str(get(record, 'name')): record for record in map(parsed_record, files.records)}
    by_name = {circuit['name']: circuit for circuit in circuits if not circuit['spare']}
    by_port = {circuit['interconnect']: circuit for circuit in circuits}
    rows: dict[str, Row] = {}
    for host in hosts:
        record = records.get(host.circuit_name)
        circuit = by_name.get(host.circuit_name) or by_port.get(get(record, 'interconnect.name')) or {}
        if host.state == 'present' and is_direct(circuit) and host.circuit.get('type') != 'gcp_partner':
            row = _row(host, circuit, record, files.loas)
            same_port = rows.setdefault(row['interconnect'] or f'none for {host.hostname}', row)
            if same_port is not row:
                rows[row['interconnect']] = _shared_row(same_port, row)
    return sorted((_with_step(row, today, overdue_days) for row in rows.values()), key=_by_urgency)


def _row(host: DeclaredHost, circuit: Object, record: Object | None, loas: Collection[str]) -> Row:
    """What is known of the cross-connect of a host."""
    port = circuit.get('interconnect')
    path = file_path(host.run['artifacts_dir'], host.circuit_name, LOA)
    fetched = _day(get(recorded_loa(record, port), 'fetched')) if port and path in loas else None
    max_age = host.run['loa_max_age']
    return {
        'circuit': host.circuit_name, 'interconnect': port, **{name: circuit.get(name) for name in INTERCONNECT_COLUMNS},
        'optic': OPTICS.get(circuit.get('speed')), 'state': circuit['state'] if port else 'absent', 'reason': circuit.get('reason') or '',
        'port_since': circuit.get('made'),
        'loa': path.rpartition('/')[2] if fetched else None, 'loa_fetched': fetched and fetched.isoformat(),
        'loa_renew_after': (fetched + timedelta(days=max_age)).isoformat() if fetched and max_age else None,
        **{name: host.cross_connect.get(name) for name in KEPT_COLUMNS}, 'cross_connect_id': host.cross_connect.get('id'),
    }


def _shared_row(first: Row, second: Row) -> Row:
    """The row of a port with several circuits: what the first one lacks is taken from the second."""
    filled = {name: second[name] if value in (None, '') else value for name, value in first.items()}
    return {**filled, 'circuit': f'{first["circuit"]}, {second["circuit"]}'}


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _with_step(row: Row, today: date, overdue_days: int) -> Row:
    """The row with its step, who has to act, and what is next, with ages (now) and without (next_step)."""
    step = _step(row)
    begin = _day(row['ordered']) or _day(row['port_since'])
    due = begin + timedelta(days=overdue_days) if begin and row['state'] == 'Pending' else None
    waits_for, text = STEPS[step]
    values = {**row, 'reason': row['reason'] or f'the port is {row["state"]}'}
    row = {**row, 'step': step, 'waits_for': waits_for, 'next_step': text.format_map(values), 'due': due and due.isoformat(),
           'overdue': bool(due and today > due), 'days': _age(begin, today) if row['state'] != 'Healthy' else None,
           'loa_days': _age(_day(row['loa_fetched']), today)}
    return {**row, 'now': _text_of_today(row, today)}


def _age(day: date | None, today: date) -> int | None:
    return None if day is None else max((today - day).days, 0)


def _step(row: Row) -> str:
    """The next step, a key of STEPS."""
    if row['state'] == 'Healthy':
        return 'close' if row['ticket'] else 'none'
    if row['state'] != 'Pending':
        return 'provision' if row['state'] == 'absent' else 'repair' if row['state'] in LOST else 'read'
    if row['installed']:
        return 'check'
    if row['ordered'] or row['ticket'] or row['cross_connect_id']:  # the data centre gives an ID to what is ordered
        return 'install'
    return 'order' if row['loa'] else 'fetch_loa'


def _text_of_today(row: Row, today: date) -> str:
    """What is next, and what is late on that day."""
    text = row['next_step']
    if row['overdue'] and row['step'] == 'install':
        names = {'ticket': row['ticket'], 'cross-connect': row['cross_connect_id']}
        text = next((f'escalate {what} {name}' for what, name in names.items() if name), 'escalate')
    late = [f'was due on {row["due"]}'] if row['overdue'] else []
    if row['step'] in ('order', 'install') and row['loa_renew_after'] and today.isoformat() > row['loa_renew_after']:
        late.append('the LOA is too old, fetch it again')
    return ': '.join([', '.join(late), text] if late else [text])


def _by_urgency(row: Row) -> tuple[bool, bool, int, int, str]:
    return row['step'] != 'repair', not row['overdue'], list(STEPS).index(row['step']), -(row['days'] or 0), row['circuit']


# For the terminal.

def table_of(rows: Sequence[Row]) -> list[str]:
    """The rows as lines, with a head and a summary."""
    if not rows:
        return ['No circuit has a cross-connect.']
    cells = [(row['circuit'], row['facility'], row['interconnect'], row['speed'], row['state'], row['days'], row['loa_days'], row['ticket'],
              row['waits_for'], row['now']) for row in rows]
    lines = [TABLE_COLUMNS, *([_one_line('-' if cell in (None, '') else cell) for cell in line] for line in cells)]
    return [*aligned(lines), TABLE_NOTE, summary_of(rows)]


def summary_of(rows: Sequence[Row]) -> str:
    """How many cross-connects wait for whom, and how many are overdue."""
    count = Counter(row['waits_for'] for row in rows)
    return (f'Cross-connects: {len(rows)}. Waiting for you: {count[YOU]}, for the data centre: {count[DATA_CENTRE]}, '
            f'for nobody: {count[NOBODY]}. Overdue: {sum(row["overdue"] for row in rows)}.')


def overdue_text(rows: Iterable[Row]) -> str:
    """The cross-connects that are overdue; empty if there are none."""
    return ', '.join(_one_line(f'{row["circuit"]} ({_place(row)}, was due on {row["due"]})') for row in rows if row['overdue'])


def _one_line(value: Any) -> str:
    return ' '.join(str(value).split())


# Files.

def files_of(rows: Sequence[Row]) -> list[dict[str, str]]:
    """[{name, content}] of the text for each data centre, and of the CSV."""
    by_place: dict[str, list[Row]] = {}
    for row in rows:
        if row['interconnect']:
            by_place.setdefault(_place(row), []).append(row)
    texts = [{'name': _file_of(place), 'content': data_centre_text(place, by_place[place])} for place in sorted(by_place)]
    return [*texts, {'name': CSV_FILE, 'content': csv_text(rows)}]


def _place(row: Row) -> str:
    return row['facility'] or row['site'] or 'unknown facility'


def _file_of(place: str) -> str:
    """The name of the file of a facility. It leads out of no folder, and no two facilities share one."""
    return re.sub(r'^\.', '%2E', quote(place, safe=' ', errors='surrogatepass').replace('~', '%7E')) + '.md'


def data_centre_text(place: str, rows: Sequence[Row]) -> str:
    """The Markdown for a data centre: what it is asked for, port by port."""
    rows = sorted(rows, key=lambda row: row['circuit'])
    lines = [f'# Cross-connects to Cloudflare at {markdown_cell(place)}']
    for address in filter(None, dict.fromkeys(map(_address, rows))):
        lines += ['', markdown_cell(address)]
    for title, steps, request in SECTIONS:
        to_do = [row for row in rows if row['step'] in steps]
        if to_do:
            lines += ['', f'## {title}', '', request]
            lines += [line for row in to_do for line in _port_lines(row)]
    if not any(row['step'] in steps for row in rows for _title, steps, _request in SECTIONS):
        lines += ['', 'There is nothing to do for the data centre.']
    return encodable('\n'.join([*lines, '']))


def _address(row: Row) -> str:
    return ', '.join(map(str, row['address'] or ()))


def _port_lines(row: Row) -> Iterator[str]:
    """The fields of an order. Of Cloudflare's end only what the API reports: panel and port are on the LOA."""
    link = (('Cloudflare reports', ', '.join(filter(None, (row['state'], row['reason'])))),) if row['step'] in ('check', 'repair') else ()
    fields = (
        ('A side, ours', row['patch_panel'] or '(fill in: rack, panel, port)'),
        ('Z side, Cloudflare', ', '.join(filter(None, (row['device'], 'panel and port as on the LOA')))),
        ('LOA', row['loa'] and f'{row["loa"]}, of {row["loa_fetched"]}'),
        ('Interconnect', row['interconnect']),
        ('Cloudflare slot', row['slot_id']),
        ('Speed', row['speed']),
        ('Optic', row['optic']),
        ('Fibre', 'single-mode, one pair'),
        ('Provider', row['provider']),
        ('Ticket', row['ticket']),
        ('Cross-connect ID', row['cross_connect_id']),
        ('Ordered', row['ordered']),
        ('Installed', row['installed']),
        *link,
    )
    yield from ('', f'### {markdown_cell(row["circuit"])}', '', '| | |', '|---|---|')
    yield from (f'| {label} | {markdown_cell(value)} |' for label, value in fields if value)


def csv_text(rows: Iterable[Row]) -> str:
    """All rows as CSV, by facility and circuit. No cell is a formula."""
    output = io.StringIO()
    writer = csv.writer(output, quoting=csv.QUOTE_ALL, lineterminator='\n')
    writer.writerow(CSV_COLUMNS)
    for row in sorted(rows, key=lambda row: (_place(row), row['circuit'])):
        writer.writerow(_csv_cell(_address(row) if name == 'address' else row[name]) for name in CSV_COLUMNS)
    return encodable(output.getvalue())


def _csv_cell(value: Any) -> str:
    """A value as a cell: on one line, and text even where a spreadsheet would run it as a formula."""
    text = '' if value is None else _one_line(value)
    return f"'{text}" if _FORMULA.match(text) else text
