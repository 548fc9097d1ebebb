# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: overview
short_description: An account by site and device, for a page that people read
version_added: 1.0.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Combines what the info modules return - circuits by site and device with their state, what circuits of a site share, and free slots.
    The playbook C(netops.cloudflare_cni.status) makes its page of it.
  - An interconnect without a CNI is among the circuits, under its own name and with C(spare=true).
positional: cnis, statuses, slots, tunnels, today, routes
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
    description: Tunnels, as M(netops.cloudflare_cni.health_check_info) returns them. Their creation is the only time that the API reports.
    type: list
    elements: dict
    required: true
  today:
    description: The day to count from, such as V(2026-11-23).
    type: str
    required: true
  routes:
    description: Static routes, as M(netops.cloudflare_cni.static_route_info) returns them.
    type: list
    elements: dict
    default: []
'''

EXAMPLES = r'''
- name: Show circuits of one site that share a device or a facility
  ansible.builtin.debug:
    msg: "{{ (ports | netops.cloudflare_cni.overview(cnis, statuses, slots, tunnels, '2026-11-23')).shared }}"
'''

RETURN = r'''
_value:
  description: >-
    C(circuits), the worst state first; C(states), how many are in each; C(shared), sites with all circuits on one device or in one
    facility, and what is free elsewhere at the site; C(sites), with their facilities, devices, circuits and free slots; C(prefixes), each
    with its routes and the circuits that these lead to, and whether it is C(single), that is, has one next hop only; C(astray), routes
    that lead to no circuit; C(unrouted), circuits without BGP to which no route leads.
  type: dict
'''

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._alerts import airport_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, ROUTE, SLOT, STATUS, TUNNEL
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, objects_by_key
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import normal_next_hop, normal_prefix, sort_key_of_route

WORST_FIRST = ('Down', 'Unhealthy', 'Unknown', 'Pending', 'Healthy')
INTERCONNECT_FIELDS = {'interconnect': 'name', 'type': 'type', 'site': 'site', 'region': 'region', 'facility': 'facility.name',
                       'address': 'facility.address', 'device': 'ccr_device_name', 'slot_id': 'slot_id',
                       'speed': 'speed'}
CNI_FIELDS = {'name': 'magic.conduit_name', 'description': 'magic.description', 'cust_ip': 'cust_ip', 'p2p_ip': 'p2p_ip',
              'customer_asn': 'bgp.customer_asn', 'mtu': 'magic.mtu'}
TUNNEL_FIELDS = {'health_check': 'health_check.enabled', 'tunnel_mtu': 'mtu'}

Circuit = dict[str, Any]


def overview(interconnects: Iterable[Object], cnis: Iterable[Object], statuses: Iterable[Object], slots: Iterable[Object],
             tunnels: Iterable[Object], today: str, routes: Iterable[Object] = ()) -> dict[str, Any]:
    """The account: its circuits, their states, and what is wrong."""
    lists = ((INTERCONNECT, interconnects), (CNI, cnis), (STATUS, statuses), (SLOT, slots), (TUNNEL, tunnels))
    snapshot = Snapshot({(row.name, None): objects for row, objects in lists})
    circuits = sorted(_circuits(snapshot, date.fromisoformat(today)), key=_by_urgency)
    free = [slot for slot in snapshot.objects(SLOT.name) if not slot.get('occupied')]
    sites = [_site(name, circuits, free) for name in sorted({circuit['place'] for circuit in circuits})]
    return {
        'circuits': circuits,
        'states': _counts((circuit['state'] for circuit in circuits), WORST_FIRST),
        'shared': [shared for site in sites for shared in _shared_risks(site, free)],
        'sites': sites,
        **_routing(circuits, sorted(routes, key=sort_key_of_route)),
    }


def _routing(circuits: Iterable[Circuit], routes: Sequence[Object]) -> dict[str, Any]:
    """What is routed where. Nothing is said of an account without static routes."""
    by_address = {normal_next_hop(circuit['cust_ip']): circuit for circuit in circuits if circuit['cust_ip']}
    entries = [{**{f.path: route.get(f.path) for f in ROUTE.fields}, 'circuit': by_address.get(normal_next_hop(route.get('nexthop')))}
               for route in routes]
    prefixes: dict[str, list[Object]] = {}
    for entry in entries:
        prefixes.setdefault(str(normal_prefix(entry['prefix'])), []).append(entry)
    routed = {id(entry['circuit']) for entry in entries}
    return {
        'prefixes': [{'prefix': prefix, 'routes': led, 'single': len({normal_next_hop(entry['nexthop']) for entry in led}) == 1,
                      'description': next((entry['description'] for entry in led if entry['description']), None)}
                     for prefix, led in prefixes.items()],
        'astray': [entry for entry in entries if not entry['circuit']],
        'unrouted': [circuit for circuit in circuits if entries and not (circuit['spare'] or circuit['customer_asn']
                                                                         or id(circuit) in routed)],
    }


def _circuits(snapshot: Snapshot, today: date) -> list[Circuit]:
    """Each CNI with its interconnect, and each interconnect without a CNI."""
    tunnels = {port['name']: next(iter(objects_by_key(TUNNEL, TUNNEL.keys[0], port['name'], snapshot)), {})
               for port in snapshot.objects(INTERCONNECT.name)}
    spare = [name for name in tunnels if not snapshot.matching(CNI.name, 'interconnect', name)]
    pairs = [(cni, cni['interconnect']) for cni in snapshot.objects(CNI.name)] + [({}, name) for name in spare]
    return [_circuit(cni, name, tunnels.get(name, {}), snapshot, today) for cni, name in pairs]


def _circuit(cni: Object, port_name: str, tunnel: Object, snapshot: Snapshot, today: date) -> Circuit:
    """A circuit of the overview: its fields, state, and the day on which its port was made. cni: {} for a port without a circuit."""
    interconnect = next(iter(snapshot.matching(INTERCONNECT.name, 'name', port_name)), {'name': port_name})
    status = next(iter(snapshot.matching(STATUS.name, 'interconnect', port_name)), {})
    fields = {name: get(obj, path) for names, obj in ((INTERCONNECT_FIELDS, interconnect), (CNI_FIELDS, cni), (TUNNEL_FIELDS, tunnel))
              for name, path in names.items()}
    created = _created_on(tunnel)
    return {
        **fields, 'name': fields['name'] or port_name, 'spare': not cni, 'place': fields['site'] or fields['region'] or '',
        'airport': airport_of(interconnect), 'bgp': cni.get('bgp') is not None,
        'state': status.get('state') or 'Unknown', 'reason': status.get('reason') or '', 'traffic': status.get('traffic'),
        'made': created.isoformat() if created else None, 'days': max((today - created).days, 0) if created else None,
    }


def _created_on(tunnel: Object) -> date | None:
    """The day on which a tunnel was created, if the API shows it."""
    try:
        return date.fromisoformat(tunnel['created_on'][:10])
    except (KeyError, TypeError, ValueError):
        return None


def _by_urgency(circuit: Circuit) -> tuple[int, int, str]:
    state = circuit['state']
    urgency = WORST_FIRST.index(state) if state in WORST_FIRST else WORST_FIRST.index('Unknown')
    return urgency, -(circuit['days'] or 0), circuit['name']


def _counts(values: Iterable[str], order: Sequence[str] = ()) -> dict[str, int]:
    """{value: how often it occurs}, in the given order, the others sorted: 10G comes before 100G."""
    counts = Counter(values)
    others = sorted(counts.keys() - set(order), key=lambda value: (len(value), value))
    return {value: counts[value] for value in (*order, *others) if counts[value]}


def _site(name: str, circuits: Iterable[Circuit], free: Iterable[Object]) -> dict[str, Any]:
    """A site, or a region of Google Cloud: its facilities, their devices, and the circuits and free slots on each."""
    here = [circuit for circuit in circuits if circuit['place'] == name]
    slots = [slot for slot in free if slot.get('site') == name]
    locations = {(c['facility'] or '', c['device'] or '') for c in here} | {_facility_and_device(slot) for slot in slots}
    facilities: dict[str, list] = {}
    for facility, device in sorted(locations):
        circuits_here = [c for c in here if ((c['facility'] or ''), (c['device'] or '')) == (facility, device)]
        free_here = _counts(slot['speed'] for slot in slots if _facility_and_device(slot) == (facility, device))
        facilities.setdefault(facility, []).append({'name': device, 'circuits': circuits_here, 'free': free_here})
    return {
        'name': name, 'circuits': here, 'states': _counts((c['state'] for c in here), WORST_FIRST),
        'facilities': [{'name': facility, 'devices': devices} for facility, devices in facilities.items()],
        'free': _counts(slot['speed'] for slot in slots),
    }


def _facility_and_device(slot: Mapping[str, Any]) -> tuple[str, str]:
    return get(slot, 'facility.name') or '', slot.get('ccr_device_name') or ''


def _shared_risks(site: Mapping[str, Any], free: Iterable[Object]) -> list[dict[str, Any]]:
    """The device, or else the facility, that all circuits of a site share and should not. Unknown ones are not counted."""
    circuits = [circuit for circuit in site['circuits'] if not circuit['spare']]
    for kind, path in (('device', 'ccr_device_name'), ('facility', 'facility.name')):
        names = {circuit[kind] for circuit in circuits}
        if len(circuits) > 1 and len(names) == 1 and None not in names:
            name = names.pop()
            slots = [slot for slot in free if slot.get('site') == site['name'] and get(slot, path) not in (None, name)]
            places = {get(slot, path): None for slot in slots}
            elsewhere = [{'name': place, 'free': _counts(s['speed'] for s in slots if get(s, path) == place)} for place in sorted(places)]
            return [{'site': site['name'], 'kind': kind, 'name': name, 'circuits': circuits, 'elsewhere': elsewhere}]
    return []


class FilterModule:
    def filters(self) -> dict:
        return {'overview': overview}
