# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: overview
short_description: An account as people look at it
version_added: 1.0.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Puts together what the info modules read - circuits by site and device with their state, what they have in common that they should not,
    and where there is a free slot. The playbook C(netops.cloudflare_cni.status) makes its page of it.
  - A port without a CNI is among the circuits, under its own name and with C(spare=true).
positional: cnis, statuses, slots, tunnels, today
options:
  _input:
    description: Interconnects, as M(netops.cloudflare_cni.interconnect_info) returns them.
    type: list
    elements: dict
    required: true
  cnis:
    description: CNIs, as M(netops.cloudflare_cni.cni_info) returns them.
    type: list
    elements: dict
    required: true
  statuses:
    description: Their status, as M(netops.cloudflare_cni.status_info) returns it.
    type: list
    elements: dict
    required: true
  slots:
    description: Slots, as M(netops.cloudflare_cni.slots_info) returns them.
    type: list
    elements: dict
    required: true
  tunnels:
    description:
      - Tunnels, as M(netops.cloudflare_cni.health_check_info) returns them. When a tunnel was made is the one moment that the API tells.
    type: list
    elements: dict
    required: true
  today:
    description: The day to count from, such as V(2026-11-23).
    type: str
    required: true
'''

EXAMPLES = r'''
- name: Circuits that share a device or a facility
  ansible.builtin.debug:
    msg: "{{ (ports | netops.cloudflare_cni.overview(cnis, statuses, slots, tunnels, '2026-11-23')).shared }}"
'''

RETURN = r'''
_value:
  description: >-
    C(circuits), the worst state first; C(states), how many are in each; C(shared), sites with all circuits on one device or in one
    facility, and what is free elsewhere at the site; C(sites), with their facilities, devices, circuits and free slots.
  type: dict
'''

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, World, by_key, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, SLOT, STATUS, TUNNEL

WORST_FIRST = ('Down', 'Unhealthy', 'Unknown', 'Pending', 'Healthy')
OF_PORT = {'interconnect': 'name', 'type': 'type', 'site': 'site', 'region': 'region', 'facility': 'facility.name',
           'address': 'facility.address', 'device': 'ccr_device_name', 'speed': 'speed'}
OF_CNI = {'name': 'magic.conduit_name', 'description': 'magic.description', 'cust_ip': 'cust_ip', 'p2p_ip': 'p2p_ip',
          'customer_asn': 'bgp.customer_asn'}

Circuit = dict[str, Any]


def overview(interconnects: Iterable[Object], cnis: Iterable[Object], statuses: Iterable[Object], slots: Iterable[Object],
             tunnels: Iterable[Object], today: str) -> dict[str, Any]:
    """The account: what is there, how it is, and what is wrong with it."""
    lists = ((INTERCONNECT, interconnects), (CNI, cnis), (STATUS, statuses), (SLOT, slots), (TUNNEL, tunnels))
    world = World({(row.name, None): objects for row, objects in lists})
    circuits = sorted(_circuits(world, date.fromisoformat(today)), key=_by_urgency)
    free = [slot for slot in world.seen(SLOT.name) if not slot.get('occupied')]
    sites = [_site(name, circuits, free) for name in sorted({circuit['place'] for circuit in circuits})]
    return {
        'circuits': circuits,
        'states': _numbers((circuit['state'] for circuit in circuits), WORST_FIRST),
        'shared': [one for site in sites for one in _shared(site, free)],
        'sites': sites,
    }


def _circuits(world: World, today: date) -> list[Circuit]:
    """Each CNI with its port, and each port without one."""
    made = {port['name']: _made(port['name'], world) for port in world.seen(INTERCONNECT.name)}
    bare = [name for name in made if not world.having(CNI.name, 'interconnect', name)]
    pairs = [(cni, cni['interconnect']) for cni in world.seen(CNI.name)] + [({}, name) for name in bare]
    return [_circuit(cni, name, made.get(name), world, today) for cni, name in pairs]


def _circuit(cni: Object, port_name: str, made: date | None, world: World, today: date) -> Circuit:
    port = next(iter(world.having(INTERCONNECT.name, 'name', port_name)), {'name': port_name})
    status = next(iter(world.having(STATUS.name, 'interconnect', port_name)), {})
    told = {name: get(obj, wire) for names, obj in ((OF_PORT, port), (OF_CNI, cni)) for name, wire in names.items()}
    return {
        **told, 'name': told['name'] or port_name, 'spare': not cni, 'place': told['site'] or told['region'] or '',
        'state': status.get('state') or 'Unknown', 'reason': status.get('reason') or '',
        'made': made.isoformat() if made else None, 'days': max((today - made).days, 0) if made else None,
    }


def _made(port: str, world: World) -> date | None:
    """The day on which the tunnel of a port was made, if the API tells."""
    tunnels = by_key(TUNNEL, TUNNEL.keys[0], port, world)
    try:
        return date.fromisoformat(tunnels[0]['created_on'][:10])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _by_urgency(circuit: Circuit) -> tuple[int, int, str]:
    state = circuit['state']
    urgency = WORST_FIRST.index(state) if state in WORST_FIRST else WORST_FIRST.index('Unknown')
    return urgency, -(circuit['days'] or 0), circuit['name']


def _numbers(values: Iterable[str], order: Sequence[str] = ()) -> dict[str, int]:
    """How many there are of each value, in the order given. 10G comes before 100G."""
    found = Counter(values)
    rest = sorted(found.keys() - set(order), key=lambda value: (len(value), value))
    return {value: found[value] for value in (*order, *rest) if found[value]}


def _site(name: str, circuits: Iterable[Circuit], free: Iterable[Object]) -> dict[str, Any]:
    """A site, or a region of Google Cloud: its facilities, their devices, and on each what is there and what is free."""
    here = [circuit for circuit in circuits if circuit['place'] == name]
    slots = [slot for slot in free if slot.get('site') == name]
    spots = {(c['facility'] or '', c['device'] or '') for c in here} | {_spot(slot) for slot in slots}
    facilities: dict[str, list] = {}
    for facility, device in sorted(spots):
        on_it = [c for c in here if ((c['facility'] or ''), (c['device'] or '')) == (facility, device)]
        there = _numbers(slot['speed'] for slot in slots if _spot(slot) == (facility, device))
        facilities.setdefault(facility, []).append({'name': device, 'circuits': on_it, 'free': there})
    return {
        'name': name, 'circuits': here, 'states': _numbers((c['state'] for c in here), WORST_FIRST),
        'facilities': [{'name': facility, 'devices': devices} for facility, devices in facilities.items()],
        'free': _numbers(slot['speed'] for slot in slots),
    }


def _spot(slot: Mapping[str, Any]) -> tuple[str, str]:
    return get(slot, 'facility.name') or '', slot.get('ccr_device_name') or ''


def _shared(site: Mapping[str, Any], free: Iterable[Object]) -> list[dict[str, Any]]:
    """What all circuits of a site have in common and should not: the device, or else the facility. Nothing is said of what is not told."""
    circuits = [circuit for circuit in site['circuits'] if not circuit['spare']]
    for kind, wire in (('device', 'ccr_device_name'), ('facility', 'facility.name')):
        names = {circuit[kind] for circuit in circuits}
        if len(circuits) > 1 and len(names) == 1 and None not in names:
            name = names.pop()
            slots = [slot for slot in free if slot.get('site') == site['name'] and get(slot, wire) not in (None, name)]
            places = {get(slot, wire): None for slot in slots}
            elsewhere = [{'name': place, 'free': _numbers(s['speed'] for s in slots if get(s, wire) == place)} for place in sorted(places)]
            return [{'site': site['name'], 'kind': kind, 'name': name, 'circuits': circuits, 'elsewhere': elsewhere}]
    return []


class FilterModule:
    def filters(self) -> dict:
        return {'overview': overview}
