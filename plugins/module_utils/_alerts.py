# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account can be alerted about, which filters select circuits, and which alerts are about a circuit. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import Desired
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, NotListedError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, differing_fields, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import CIRCUIT_NAME
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    ALERT_POLICY,
    ALERT_TYPES,
    CIRCUITS,
    CNI,
    INTERCONNECT,
    TUNNEL,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import (
    Snapshot,
    not_found_error,
    objects_by_key,
    refuse_unreadable_key,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import parsed_time

# Filters that Cloudflare's documentation of an alert shows, whether available_alerts lists them or not.
DOCUMENTED_FILTERS = dict.fromkeys(('magic_tunnel_health_check_event', 'magic_wan_tunnel_health'), ('tunnel_name', 'slo'))
# What selects a circuit, the first that an alert has. A tunnel of this kind is known by its name: its id has been refused.
CIRCUIT_FILTERS = ('tunnel_name', 'tunnel_id', 'airport_code')
# A site is a metro and a letter, as ewr-a: that the metro is the code of its airport is inferred from the sites that there are.
_METRO = re.compile(r'([a-z]{3})-[a-z0-9]+')


class AlertType(NamedTuple):
    """What an account can be alerted about. filters: the names of its filters; None where the answer does not say."""

    type: str
    display_name: str | None
    description: str | None
    group: str
    filters: tuple[str, ...] | None


def alert_types(answer: Mapping[str, Any]) -> dict[str, AlertType]:
    """{type: what it is} from the answer of available_alerts, a dict of lists by product."""
    rows = [(group, row) for group, rows in answer.items() if isinstance(rows, list) for row in rows if isinstance(row, dict)]
    return {row['type']: AlertType(row['type'], row.get('display_name'), row.get('description'), group, _filter_names(row))
            for group, row in rows if isinstance(row.get('type'), str)}


def _filter_names(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The form of filter_options is documented by one example only."""
    options, documented = row.get('filter_options'), DOCUMENTED_FILTERS.get(row['type'], ())
    names = [get(option, 'Key') for option in options] if isinstance(options, list) else [None]
    if not all(isinstance(name, str) for name in names):
        return None
    return tuple(dict.fromkeys([*names, *documented]))


def with_alert_fields(desired: Desired, current: Object | None, snapshot: Snapshot) -> Desired:
    """The desired policy, with the filter that selects its circuits. Any other object as it is.

    Raises InputError for what this account cannot have, and NotListedError for a circuit whose tunnel is not listed yet.
    """
    if desired.row.name != ALERT_POLICY.name:
        return desired
    fields = dict(desired.fields)
    circuits = fields.pop(CIRCUITS, None)
    alert_type = fields.get('alert_type') or get(current, 'alert_type')
    filters = {path: value for path, value in fields.items() if path.startswith('filters.')}
    changes = current is None or differing_fields(desired.row, {**filters, 'alert_type': alert_type}, current)
    if alert_type and (changes or circuits is not None):
        available = _available(alert_type, snapshot)
        if circuits is not None:
            name = _circuit_filter(available)
            path = f'filters.{name}'
            if path in filters:
                raise InputError(CIRCUITS, f'they are selected by {path}, which is given too.', 'one of the two')
            filters[path] = fields[path] = list(dict.fromkeys(_filter_value(name, circuit, snapshot) for circuit in circuits))
        _check_filters(available, filters)
    return desired._replace(fields=fields)


def _available(alert_type: str, snapshot: Snapshot) -> AlertType:
    types = alert_types(next(iter(snapshot.objects(ALERT_TYPES.name)), {}))
    if alert_type not in types:
        available = ', '.join(sorted(types)) or 'none'
        raise InputError('alert_type', f'this account cannot have alerts of the type {alert_type!r}. It can have: {available}.',
                         sorted(types))
    return types[alert_type]


def _circuit_filter(available: AlertType) -> str:
    names = CIRCUIT_FILTERS[:1] if available.filters is None else [name for name in CIRCUIT_FILTERS if name in available.filters]
    if not names:
        raise InputError(CIRCUITS, f'alerts of the type {available.type} cannot be limited to circuits.', _allowed_filters(available))
    return names[0]


def _check_filters(available: AlertType, filters: Iterable[str]) -> None:
    for path in filters:
        if available.filters is not None and path.partition('.')[2] not in available.filters:
            raise InputError(path, f'alerts of the type {available.type} have no such filter.', _allowed_filters(available))


def _allowed_filters(available: AlertType) -> str:
    return f'the filters {", ".join(available.filters)}' if available.filters else 'no filters'


def _filter_value(name: str, circuit: str, snapshot: Snapshot) -> str:
    """What selects a circuit in a filter."""
    if name != 'airport_code':
        return _tunnel_of(circuit, snapshot, CIRCUITS)[name.removeprefix('tunnel_')]
    port = _interconnect_of(circuit, snapshot, CIRCUITS)
    airport = airport_of(port)
    if not airport:
        problem = f'no airport code follows from {port.get("site") or port.get("region")!r}, where {circuit!r} is.'
        raise InputError(CIRCUITS, problem, f'filters.{name} instead of {CIRCUITS}')
    return airport


def airport_of(port: Object) -> str | None:
    """The code of the airport that the site of an interconnect is named after; None where there is none."""
    metro = _METRO.fullmatch(str(port.get('site')))
    return metro and metro[1].upper()


def _tunnel_of(circuit: str, snapshot: Snapshot, option: str) -> Object:
    """The tunnel of a circuit, with its name and its id. option: that names the circuit. Raises InputError or NotListedError."""
    _interconnect_of(circuit, snapshot, option)
    key = TUNNEL.keys[-1]
    tunnels = objects_by_key(TUNNEL, key, circuit, snapshot)
    refuse_unreadable_key(TUNNEL, key, circuit, snapshot)
    if not tunnels or not tunnels[0].get('name'):
        raise NotListedError(f'Cloudflare shows no tunnel of {circuit!r} yet: run it again in a few minutes.', (TUNNEL.name, None),
                             option=option)
    return tunnels[0]


def _interconnect_of(circuit: str, snapshot: Snapshot, option: str) -> Object:
    key = INTERCONNECT.keys[-1]
    ports = objects_by_key(INTERCONNECT, key, circuit, snapshot)
    if not ports:
        refuse_unreadable_key(INTERCONNECT, key, circuit, snapshot)
        raise not_found_error(CNI, option, circuit, snapshot, CIRCUIT_NAME)
    return ports[0]


def alerts_of_circuit(alerts: Iterable[Object], circuit: str, snapshot: Snapshot) -> list[Object]:
    """The alerts whose text names the circuit, its interconnect or its tunnel. Nothing else in an alert says what it is about.

    Raises InputError or NotListedError.
    """
    option = 'conduit_name'
    tunnel = _tunnel_of(circuit, snapshot, option)
    names = [circuit, _interconnect_of(circuit, snapshot, option)[INTERCONNECT.id], tunnel['name'], tunnel[TUNNEL.id]]
    return alerts_naming(alerts, names)


def alerts_naming(alerts: Iterable[Object], names: Iterable[str | None]) -> list[Object]:
    """The alerts whose text has one of the names."""
    named = name_pattern(names)
    return [alert for alert in alerts if named.search(str(alert.get('alert_body')))]


def name_pattern(names: Iterable[str | None], suffix: str = '') -> re.Pattern[str]:
    """What finds one of the names in a text, as a whole: the name of a site is also in those of its devices.

    suffix: a regular expression of what belongs to the name.
    """
    return re.compile('|'.join(rf'(?<![\w.-]){re.escape(name)}{suffix}(?![\w-]|\.\w)' for name in names if name) or r'(?!)')


def alerts_between(alerts: Iterable[Object], since: str | None, before: str | None) -> list[Object]:
    """The alerts that are newer than one time and older than the other, the newest first; those without a time last."""
    times = [(parsed_time(alert.get('sent')), alert) for alert in alerts]
    first, last = parsed_time(since), parsed_time(before)
    kept = [(time, alert) for time, alert in times if time is None or ((not first or time > first) and (not last or time < last))]
    dated = sorted((pair for pair in kept if pair[0]), key=lambda pair: pair[0], reverse=True)
    return [alert for _time, alert in (*dated, *(pair for pair in kept if not pair[0]))]
