# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which circuits are under maintenance, and whether a circuit may be changed now. Pure functions over a snapshot and alerts.

An announcement is a text: no document names the keys of its data, and the history has none. So neither its window nor what it is about can
be read for sure. What names a circuit counts as maintenance of it, for as long as the user says. Silence proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._alerts import airport_of, alerts_between, alerts_naming
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import circuits_by_site, site_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import CIRCUIT_NAME
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, HEALTHY, INTERCONNECT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, not_found_error

MAINTENANCE_ALERTS = ('cni_maintenance_notification', 'maintenance_event_notification')
IDLE_STATES = ('Pending', 'Down')  # of a port without light, or not yet with any: nothing is lost by a change
_CANCELED = re.compile(r'(?i)\bcancell?ed\b')

Maintenance = dict[str, dict[str, Any]]  # {interconnect: {interconnect, source, sent, text}}


# What is under maintenance.

def named_maintenance(option: str, names: Iterable[str], snapshot: Snapshot) -> Maintenance:
    """The maintenance of circuits and interconnects that the user names. Raises InputError for a name that there is not."""
    found: Maintenance = {}
    for name in names:
        ports = [port['name'] for port in snapshot.matching(INTERCONNECT.name, 'name', name)]
        ports += [cni['interconnect'] for cni in snapshot.matching(CNI.name, CIRCUIT_NAME, name)]
        if not ports:
            raise not_found_error(CNI, option, name, snapshot, CIRCUIT_NAME)
        found |= {port: {'interconnect': port, 'source': 'option', 'sent': None, 'text': None} for port in ports}
    return found


def announced_maintenance(alerts: Sequence[Object], snapshot: Snapshot) -> Maintenance:
    """The maintenance that alerts announce: the newest that names an interconnect, its circuit, device, site or the airport of that.

    One that says that it is canceled announces none.
    """
    announcements = [alert for alert in alerts_between(alerts, None, None) if alert.get('alert_type') in MAINTENANCE_ALERTS]
    found: Maintenance = {}
    for port in snapshot.objects(INTERCONNECT.name):
        circuits = [get(cni, CIRCUIT_NAME) for cni in snapshot.matching(CNI.name, CNI.parent[1], port['name'])]
        names = [port['name'], *circuits, port.get('ccr_device_name'), port.get('site'), airport_of(port)]
        newest = next(iter(alerts_naming(announcements, names)), {})
        text = str(newest.get('alert_body'))
        if newest and not _CANCELED.search(text):
            found[port['name']] = {'interconnect': port['name'], 'source': 'alert', 'sent': newest.get('sent'), 'text': text}
    return found


# Whether a circuit may be changed.

def change_verdict(circuit: str, states: Mapping[str, str | None], maintenance: Maintenance, snapshot: Snapshot) -> dict[str, Any]:
    """{go, text}: whether a circuit may be changed now, and why. states: {interconnect: state}, of what interconnects_at_site_of() lists.

    As for at_most_per_site, the circuits of a site back each other up. Go, if the others carry its traffic, or if it carries none.
    A circuit that is still Pending carries none yet, and is not waited for if another one is Healthy.
    """
    own = _interconnect_of_circuit(circuit, snapshot)
    if states.get(own) in IDLE_STATES:
        return _verdict(True, f'{circuit} is {states[own]}, so it carries no traffic')
    site = site_of(own, snapshot)
    others = {str(get(cni, CIRCUIT_NAME)): cni['interconnect'] for cni in circuits_by_site(snapshot)[site] if cni['interconnect'] != own}
    if not others:
        return _verdict(False, f'{circuit} is the only circuit at site {site}')
    up = [name for name, port in others.items() if states.get(port) == HEALTHY and port not in maintenance]
    out = [f'{name} ({_condition(port, states, maintenance)})' for name, port in others.items()
           if name not in up and (states.get(port) != 'Pending' or not up)]
    if out:
        return _verdict(False, f'others at site {site} do not carry its traffic: {", ".join(out)}')
    return _verdict(True, f'{", ".join(up)} at site {site} {"is" if len(up) == 1 else "are"} Healthy')


def interconnects_at_site_of(circuit: str, snapshot: Snapshot) -> list[str]:
    """The interconnects of the circuits of the site where a circuit is, its own too. Raises InputError for one that does not exist."""
    site = site_of(_interconnect_of_circuit(circuit, snapshot), snapshot)
    return list(dict.fromkeys(cni['interconnect'] for cni in circuits_by_site(snapshot)[site]))


def _interconnect_of_circuit(circuit: str, snapshot: Snapshot) -> str:
    cnis = snapshot.matching(CNI.name, CIRCUIT_NAME, circuit)
    if not cnis:
        raise not_found_error(CNI, 'change', circuit, snapshot, CIRCUIT_NAME)
    return cnis[0]['interconnect']


def _condition(port: str, states: Mapping[str, str | None], maintenance: Maintenance) -> str:
    return 'under maintenance' if port in maintenance and states.get(port) == HEALTHY else states.get(port) or 'no status'


def _verdict(go: bool, why: str) -> dict[str, Any]:
    return {'go': go, 'text': f'{"go" if go else "no go"}: {why}'}
