# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account as metrics: the text file that node_exporter's textfile collector reads, and what a former one knows. Pure functions.

The text is valid in Prometheus' classic format, which is all that the collector takes, and in OpenMetrics: gauges only, no blank line, no
comment but those of OpenMetrics, which ends in # EOF. A sample with a timestamp would make the collector skip the file
(source: collector/textfile.go of node_exporter). The API reports no time of a state, so the former file is the memory.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._design import key_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import TIME_FORMAT, recorded_loa
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import HEALTHY
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import STATES
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._texts import encodable

PREFIX = 'cloudflare_cni_'
SINCE = 'circuit_state_since_timestamp_seconds'
READ_AT = 'read_timestamp_seconds'
COUNTED = {'interconnects': 'interconnect', 'devices': 'device', 'facilities': 'facility'}  # {of what is Healthy: field of a circuit}

Times = dict[tuple[Any, ...], int]
Samples = Iterable[tuple[dict[str, Any], float]]  # labels and value

_ESCAPES = {'\\': r'\\', '\n': r'\n', '"': r'\"'}
_SAMPLE = re.compile(rf'{PREFIX}(\w+)(?:{{(.*)}})? (\d+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Account(NamedTuple):
    """What the metrics are made from. overview: of the filter of that name; now: Unix time of the read.

    since: {(circuit, interconnect, state): Unix time} of a former file; fetched: the same of LOAs by (circuit, interconnect);
    failures: of what_if().
    """

    overview: Mapping[str, Any]
    now: int
    since: Times
    fetched: Times
    failures: Mapping[str, Any]

    @property
    def circuits(self) -> list[dict[str, Any]]:
        """The circuits by name; a port without a CNI is none."""
        return sorted((circuit for circuit in self.overview['circuits'] if not circuit['spare']), key=lambda circuit: circuit['name'])


class Metric(NamedTuple):
    """A gauge: what it says, and its samples."""

    help: str
    samples: Callable[[Account], Samples]


# The samples.

def _labels_of(circuit: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {'circuit': circuit['name'], 'interconnect': circuit['interconnect'], 'site': circuit['place'], **more}


def _states(account: Account) -> Samples:
    return ((_labels_of(circuit, state=state), int(state == circuit['state'])) for circuit in account.circuits
            for state in dict.fromkeys((*STATES, circuit['state'])))


def _states_since(account: Account) -> Samples:
    for circuit in account.circuits:
        key = tuple(map(_text, (circuit['name'], circuit['interconnect'], circuit['state'])))
        yield _labels_of(circuit, state=circuit['state']), account.since.get(key, account.now)


def _circuit_infos(account: Account) -> Samples:
    return ((_labels_of(circuit, **{name: circuit[name] for name in ('facility', 'device', 'type', 'speed')}), 1)
            for circuit in account.circuits)


def _circuit_routes(account: Account) -> Samples:
    routes = Counter(key_of(route['circuit']) for entry in account.overview['prefixes'] for route in entry['routes'])
    return ((_labels_of(circuit), routes[key_of(circuit)]) for circuit in account.circuits)


def _loas_fetched(account: Account) -> Samples:
    keys = ((circuit, (circuit['name'], circuit['interconnect'])) for circuit in account.circuits)
    return ((_labels_of(circuit), account.fetched[key]) for circuit, key in keys if key in account.fetched)


def _site_circuits(account: Account) -> Samples:
    return (({'site': site['name']}, sum(not circuit['spare'] for circuit in site['circuits'])) for site in account.overview['sites'])


def _healthy_at_sites(field: str) -> Callable[[Account], Samples]:
    """How many there are behind the Healthy circuits of each site. A site where the API does not report all of them is left out."""
    def samples(account: Account) -> Samples:
        for site in account.overview['sites']:
            found = {circuit[field] for circuit in site['circuits'] if circuit['state'] == HEALTHY and not circuit['spare']}
            if None not in found:
                yield {'site': site['name']}, len(found)
    return samples


def _free_slots(account: Account) -> Samples:
    for site in account.overview['sites']:
        speeds = dict.fromkeys([*(circuit['speed'] for circuit in site['circuits'] if circuit['type'] == 'direct'), *site['free']])
        yield from (({'site': site['name'], 'speed': speed}, site['free'].get(speed, 0)) for speed in speeds)


def _lost_prefixes(account: Account) -> Samples:
    for failure in account.failures['failures']:
        for domain in failure['domains']:
            yield {'domain': domain['kind'], 'name': domain['name']}, len(failure['lost']) + len(failure['blackholed'])


METRICS = {
    'circuit_state': Metric('1 for the state that a circuit is in, 0 for the others.', _states),
    SINCE: Metric('When a run first saw a circuit in its state. The API reports no time.', _states_since),
    'circuit_info': Metric('Where a circuit is, always 1.', _circuit_infos),
    'circuit_static_routes': Metric('Static routes that lead to a circuit.', _circuit_routes),
    'loa_fetched_timestamp_seconds': Metric('When the LOA on disk was fetched, by the record of the circuit.', _loas_fetched),
    'site_circuits': Metric('Circuits of a site, in any state.', _site_circuits),
    **{f'site_healthy_{name}': Metric(f'{name.capitalize()} of the Healthy circuits of a site.', _healthy_at_sites(field))
       for name, field in COUNTED.items()},
    'site_free_slots': Metric('Free slots of a site that has circuits.', _free_slots),
    'static_routes_without_circuit': Metric('Static routes whose next hop is no CNI.',
                                            lambda account: [({}, len(account.overview['astray']))]),
    'prefixes_with_single_next_hop': Metric('Prefixes with one static route only.', lambda account: [
        ({}, sum(entry['single'] for entry in account.overview['prefixes']))]),
    'failure_domain_lost_prefixes': Metric('Prefixes that lose their last path if a circuit, device or site fails.', _lost_prefixes),
    'prefixes_without_path': Metric('Prefixes of which no static route leads to a Healthy circuit or to a tunnel.',
                                    lambda account: [({}, len(account.failures['without_path']))]),
    READ_AT: Metric('When the account was read.', lambda account: [({}, account.now)]),
}


# The text.

def metrics_text(account: Account, account_id: str = '') -> str:
    """The content of the file. account_id: a label of each sample, if it is known: files of several accounts may lie side by side."""
    common = {'account': account_id} if account_id else {}
    lines = []
    for name, metric in METRICS.items():
        samples = {_label_text({**common, **labels}): value for labels, value in metric.samples(account)}  # each once
        if samples:
            lines += [f'# HELP {PREFIX}{name} {metric.help}', f'# TYPE {PREFIX}{name} gauge']
            lines += [f'{PREFIX}{name}{labels} {value}' for labels, value in samples.items()]
    return '\n'.join([*lines, '# EOF', ''])


def _label_text(labels: Mapping[str, Any]) -> str:
    pairs = ','.join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f'{{{pairs}}}' if pairs else ''


def _escaped(value: Any) -> str:
    """A value between the quotes of a label."""
    return re.sub(r'[\\\n"]', lambda match: _ESCAPES[match[0]], _text(value))


def _text(value: Any) -> str:
    """A value as text, '' for None."""
    return '' if value is None else encodable(str(value))


# What a former file and the records know.

def states_since(text: str) -> Times:
    """{(circuit, interconnect, state): Unix time} of a file that metrics_text() made. Raises InputError for any other file."""
    return {tuple(map(labels.get, ('circuit', 'interconnect', 'state'))): time for name, labels, time in samples_of(text) if name == SINCE}


def samples_of(text: str) -> list[tuple[str, dict[str, str], int]]:
    """[(name without the prefix, labels, value)] of a file that metrics_text() made. Raises InputError for any other file."""
    samples = []
    for number, line in enumerate(text.split('\n'), 1):
        match = _SAMPLE.fullmatch(line)
        if match:
            labels = {name: _unescaped(value) for name, value in _LABEL.findall(match[2] or '')}
            samples.append((match[1], labels, int(match[3])))
        elif line and not line.startswith('# '):
            raise InputError('metrics', f'line {number} of the file is not from this collection.', 'a file of these metrics, or a new one')
    return samples


def _unescaped(text: str) -> str:
    return re.sub(r'\\(.)', lambda match: '\n' if match[1] == 'n' else match[1], text)


def loas_fetched(records: Iterable[str]) -> Times:
    """{(circuit, interconnect): Unix time} of the LOAs on record. records: the texts of files that may be records, NAME.json."""
    times = {}
    for record in map(parsed_record, records):
        interconnect = get(record, 'interconnect.name')
        fetched = unix_time(get(recorded_loa(record, interconnect), 'fetched'))
        if fetched is not None:
            times[str(get(record, 'name')), str(interconnect)] = fetched
    return times


def parsed_record(text: str) -> Any:
    """The JSON in a file that may be a record, None if there is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def unix_time(text: Any) -> int | None:
    """The Unix time of a time in a record, None if it can't be read."""
    try:
        return int(datetime.strptime(str(text), TIME_FORMAT).replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        return None
