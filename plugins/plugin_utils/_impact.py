# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an event means for the circuits of an account: which it concerns, what stands in for them, and whether one is ready for use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._alerts import airport_of, name_pattern
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import HEALTHY

# What an event may name a circuit by, the narrowest first. What is on one of PARTS cannot stand in for the rest of it.
LEVELS = ('name', 'interconnect', 'device', 'site', 'airport', 'facility')
PARTS = LEVELS[:3]


def impact_of(event: Mapping[str, Any], interconnects: Iterable[Object], cnis: Iterable[Object],
              statuses: Iterable[Object] = ()) -> dict[str, Any]:
    """{named_by, circuits, interconnects, unprotected}: the circuits that an event concerns.

    What alerts hold is not documented, so all their texts are searched for the names of circuits, interconnects, devices and so on; the
    narrowest level counts. named_by: that level, None if the event names nothing: then it may concern every circuit. partners of a circuit:
    other circuits of its site that are Healthy on another device. unprotected: the circuits without one. interconnects: those of the sites
    concerned, whose status is needed.
    """
    states = {status['interconnect']: status for status in statuses}
    circuits = list(_circuits(interconnects, cnis, states))
    text = '\n'.join(_texts([event.get('text'), event.get('alert'), event.get('circuits'), event.get('interconnects')]))
    level = next((level for level in LEVELS if any(_is_named(circuit, level, text) for circuit in circuits)), None)
    concerned = [circuit for circuit in circuits if level is None or _is_named(circuit, level, text)]
    sites = {circuit['site'] for circuit in concerned}
    out_of_use = {circuit['name'] for circuit in concerned} if level in PARTS else set()
    for circuit in concerned:
        circuit['partners'] = sorted(other['name'] for other in circuits if _stands_in(other, circuit) and other['name'] not in out_of_use)
    return {
        'named_by': level, 'circuits': concerned,
        'interconnects': sorted({circuit['interconnect'] for circuit in circuits if circuit['site'] in sites}),
        'unprotected': [circuit['name'] for circuit in concerned if not circuit['partners']],
    }


def _circuits(interconnects: Iterable[Object], cnis: Iterable[Object], states: Mapping[str, Object]) -> Iterator[dict[str, Any]]:
    ports = {port['name']: port for port in interconnects}
    for cni in sorted(cnis, key=lambda cni: get(cni, 'magic.conduit_name') or ''):
        port, status = ports.get(cni.get('interconnect'), {}), states.get(cni.get('interconnect'), {})
        yield {
            'name': get(cni, 'magic.conduit_name') or cni.get('interconnect'), 'interconnect': cni.get('interconnect'),
            'site': port.get('site') or port.get('region'), 'airport': airport_of(port), 'device': port.get('ccr_device_name'),
            'facility': get(port, 'facility.name'), 'state': status.get('state'), 'reason': status.get('reason'),
        }


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _is_named(circuit: Mapping[str, Any], level: str, text: str) -> bool:
    """Whether a text names a circuit at a level. A number may follow the code of an airport, as in EWR04."""
    return name_pattern([circuit[level]], r'\d*' if level == 'airport' else '').search(text) is not None


def _stands_in(other: Mapping[str, Any], circuit: Mapping[str, Any]) -> bool:
    return (other['state'] == HEALTHY and other['site'] is not None and other['site'] == circuit['site']
            and None not in (other['device'], circuit['device']) and other['device'] != circuit['device'])


def missing_for_traffic(interconnect: str, cnis: Iterable[Object], statuses: Iterable[Object], tunnels: Iterable[Object],
                        routes: Iterable[Object]) -> list[str]:
    """What the circuits on an interconnect lack before they can carry traffic; nothing if they are ready.

    The interconnect is Healthy and has a CNI, a health check probes it, and BGP or a static route brings traffic to each CNI.
    tunnels: those of this interconnect.
    """
    state = next((status['state'] for status in statuses if status['interconnect'] == interconnect), None)
    on_it = [cni for cni in cnis if cni.get('interconnect') == interconnect]
    next_hops = {route.get('nexthop') for route in routes}
    unrouted = [get(cni, 'magic.conduit_name') for cni in on_it
                if cni.get('bgp') is None and str(cni.get('cust_ip')).partition('/')[0] not in next_hops]
    return [text for text, is_lacking in (
        (f'{interconnect} is {state or "without a status"}', state != HEALTHY),
        (f'no CNI is on {interconnect}', not on_it),
        (f'no health check probes {interconnect}', not any(get(tunnel, 'health_check.enabled') for tunnel in tunnels)),
        *((f'neither BGP nor a static route brings traffic to {name}', True) for name in unrouted),
    ) if is_lacking]
