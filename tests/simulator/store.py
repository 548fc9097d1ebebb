# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one account and the rules of the service. Knows no HTTP beyond the status of a refusal.

Objects are held as the contract writes them, in the order they were made. Methods are plain functions without awaits, so each
one is atomic: two orders of one slot can't both win.
"""

from __future__ import annotations

import copy
import functools
import ipaddress
import itertools
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import catalogue
from alerting import Alerting, Deliver, on_loopback
from magic_transit import MagicTransit, address, check_bgp, port
from rules import Rules, find, matching, parsed, require

CLOUDFLARE_ASN = 13335
DEFAULT_BGP_MODE = 'dynamic_route_exchange'
STATES = ('Pending', 'Down', 'Unhealthy', 'Healthy')
STATES_WITH_REASON = ('Down', 'Unhealthy')
LINKS = ipaddress.ip_network('172.31.0.0/16')
LISTS = ('slots', 'interconnects', 'cnis', 'settings', 'tunnels', 'routes', 'filter_profiles', 'webhooks', 'policies', 'pagerduty',
         'alerts')
# GCP issues it as uuid/region/availability-domain.
_PAIRING_KEY = re.compile(r'[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/([a-z0-9-]+)/(?:any|[1-9][0-9]*)')


class Store(MagicTransit, Alerting):
    """Slots, interconnects, CNIs, settings, tunnels, routes, filter profiles and notifications of one account.

    :arg clock: returns the time in seconds since the epoch
    :arg deliver: (url, secret, body) -> what went wrong; posts to webhooks
    :arg rules: the fields of Rules
    """

    def __init__(self, account: str, slots: int = 96, clock: Callable[[], float] = time.time, deliver: Deliver = on_loopback, **rules: Any):
        MagicTransit.__init__(self, Rules(**rules), clock)
        Alerting.__init__(self, deliver)
        self.account = account
        self.slots = catalogue.slots(slots)
        self.settings = {'default_asn': CLOUDFLARE_ASN}
        self._made_at: dict[str, float] = {}
        self._statuses: dict[str, dict] = {}
        self._traffic: dict[str, dict[str, int | None]] = {}  # {interconnect: {direction: bits}}
        self._used_pairing_keys: set[str] = set()
        self._links = itertools.cycle(LINKS.subnets(new_prefix=31))

    # Slots

    def list_slots(self, address_contains=None, occupied=None, site=None, speed=None) -> list[dict]:
        text = (address_contains or '').casefold()
        found = self.rules.filtered(self.slots, occupied=occupied, site=site, speed=speed)
        return [slot for slot in found if any(text in line.casefold() for line in slot['facility']['address'])]

    def slot(self, slot_id: str) -> dict:
        return find(self.slots, 'id', slot_id.lower(), 'slot')

    # Interconnects

    def list_interconnects(self, site=None, type=None) -> list[dict]:
        return self.rules.filtered(self.interconnects, site=site, type=type)

    def interconnect(self, name: str) -> dict:
        return find(self.interconnects, 'name', name, 'interconnect')

    def order(self, body: dict) -> dict:
        """Make a new interconnect, with its tunnel; the service names it."""
        self._own(body)
        make = {'direct': self._direct, 'gcp_partner': self._gcp_partner}[body['type']]
        interconnect = {**make(body), 'account': self.account, 'owner': None, 'type': body['type']}
        interconnect['virtual_port_reservation_id'] = str(uuid.uuid4())
        self.interconnects.append(interconnect)
        self.tunnels.append(self._new_tunnel(interconnect))
        self._made_at[interconnect['name']] = self.clock()
        self.changes += 1
        return interconnect

    def _direct(self, body: dict) -> dict:
        slot = find(self.slots, 'id', body['slot_id'].lower(), 'slot', self.rules.refusal)
        speed = body.get('speed') or slot['speed']
        require(not slot['occupied'], f'slot {slot["id"]!r} is already occupied', self.rules.refusal)
        require(speed == slot['speed'], f'slot {slot["id"]!r} does not support speed {speed!r}, it is {slot["speed"]}')
        slot.update(occupied=True, account=self.account)
        fields = {key: copy.deepcopy(slot[key]) for key in ('ccr_device_name', 'facility', 'site')}
        return {'name': self._new_name(slot['site']), 'slot_id': slot['id'], 'speed': speed, **fields}

    def _gcp_partner(self, body: dict) -> dict:
        match = _PAIRING_KEY.fullmatch(body['pairing_key'])
        require(match, 'pairing_key is not uuid/region/availability-domain')
        key = body['pairing_key'].lower()
        require(key not in self._used_pairing_keys, 'pairing_key is already used', self.rules.refusal)
        self._used_pairing_keys.add(key)
        return {'name': self._new_name(match[1]), 'region': match[1], 'speed': body['bandwidth']}

    def _new_name(self, place: str) -> str:
        used = {interconnect['name'] for interconnect in self.interconnects}
        names = (f'{place}-icon-{uuid.uuid4().hex[:4]}' for _attempt in itertools.count())
        return next(name for name in names if name not in used)

    def cancel(self, name: str) -> None:
        """Delete an interconnect and its tunnel, and free its slot."""
        interconnect = self.interconnect(name)
        hosted = [cni['magic']['conduit_name'] for cni in self.cnis if cni['interconnect'] == name]
        require(not hosted, f'interconnect {name!r} still hosts CNIs: {", ".join(hosted)}', self.rules.in_use)
        for slot in self.slots:
            if slot['id'] == interconnect.get('slot_id'):
                slot.update(occupied=False, account=None)
        self.interconnects.remove(interconnect)
        self.tunnels = [tunnel for tunnel in self.tunnels if port(tunnel) != port(interconnect)]
        self._made_at.pop(name, None)
        self._statuses.pop(name, None)
        self.changes += 1

    def status(self, name: str) -> dict:
        self.interconnect(name)
        return self._statuses.get(name) or {'state': 'Healthy' if self._is_up(name) else 'Pending'}

    def _is_up(self, name: str) -> bool:
        if self.rules.activate_after is not None:
            return self.clock() - self._made_at[name] >= self.rules.activate_after
        # A direct one waits for the cross-connect, which nobody runs here.
        return self.interconnect(name)['type'] == 'gcp_partner' and any(cni['interconnect'] == name for cni in self.cnis)

    # CNIs

    def list_cnis(self, slot=None, tunnel_id=None) -> list[dict]:
        if slot is None and tunnel_id is None:
            return self.cnis
        hosts = matching(self.interconnects, slot_id=slot)
        if tunnel_id is not None:
            ports = {port(tunnel) for tunnel in matching(self.tunnels, id=tunnel_id)}
            hosts = [item for item in hosts if port(item) in ports]
        names = {item['name'] for item in hosts}
        return [cni for cni in self.cnis if cni['interconnect'] in names]

    def cni(self, cni_id: str) -> dict:
        return find(self.cnis, 'id', cni_id.lower(), 'CNI')

    def create_cni(self, body: dict) -> dict:
        """Make a CNI; the service assigns its id and both addresses of a /31, Cloudflare's end first."""
        self._check_cni(body)
        p2p_ip, cust_ip = self._new_link()
        cni = {'id': str(uuid.uuid4()), **_with_bgp_mode(body), 'p2p_ip': p2p_ip, 'cust_ip': cust_ip}
        self.cnis.append(cni)
        self.changes += 1
        return cni

    def replace_cni(self, cni_id: str, body: dict) -> dict:
        """Store the whole CNI as sent, with fields that the contract does not know; what is left out is gone."""
        cni = self.cni(cni_id)
        require(body['id'].lower() == cni['id'], 'id in the body is not the id of the path')
        self._check_cni(body, cni)
        _check_link(body['p2p_ip'], body['cust_ip'])
        replacement = {**_with_bgp_mode(body), 'id': cni['id']}
        if replacement != cni:
            self.cnis[self.cnis.index(cni)] = replacement
            self.changes += 1
        return replacement

    def delete_cni(self, cni_id: str) -> None:
        cni = self.cni(cni_id)
        if self.rules.keep_routed_cnis:
            routes = [route['prefix'] for route in matching(self.routes, nexthop=address(cni))]
            require(not routes, f'routes point to CNI {cni_id!r}: {", ".join(routes)}', self.rules.in_use)
        self.cnis.remove(cni)
        self.changes += 1

    def _check_cni(self, body: dict, but: dict | None = None) -> None:
        self._own(body)
        find(self.interconnects, 'name', body['interconnect'], 'interconnect', 400)
        name = body['magic']['conduit_name']
        require(name, 'magic.conduit_name is empty')
        require(576 <= body['magic']['mtu'] <= 1500, 'magic.mtu is not in 576..1500')
        check_bgp(body.get('bgp', {}))
        others = (cni for cni in self.cnis if cni is not but)
        require(all(cni['magic']['conduit_name'] != name for cni in others), 'Name Conflict', 409)

    def _new_link(self) -> tuple[str, str]:
        """Both ends of the next /31 that no CNI uses; freed ones come back last."""
        used = {_network(cni[end]) for cni in self.cnis for end in ('p2p_ip', 'cust_ip')}
        link = next(link for link in self._links if link not in used)
        return f'{link[0]}/31', f'{link[1]}/31'

    # Settings

    def change_settings(self, body: dict) -> dict:
        """Change `default_asn`; null resets it to Cloudflare's own."""
        asn = body.get('default_asn', self.settings['default_asn'])
        settings = {**self.settings, **body, 'default_asn': CLOUDFLARE_ASN if asn is None else asn}
        self.changes += settings != self.settings
        self.settings = settings
        return self.settings

    def _own(self, body: dict) -> None:
        require(body['account'] == self.account, 'account in the body is not the account of the path')

    # Controls outside the contract

    def state(self) -> dict:
        """All that is stored, as lists of objects; settings is one object."""
        return {name: getattr(self, name) for name in LISTS}

    def seed(self, lists: dict) -> None:
        """Put lists of the shape of state() in place, unchecked. Interconnects without tunnels get those the service would make."""
        for name in lists:
            require(name in LISTS, f'{name!r} is not one of {", ".join(LISTS)}')
        for name, items in copy.deepcopy(lists).items():
            setattr(self, name, items)
        if 'interconnects' in lists:
            self._made_at = {item['name']: self.clock() for item in self.interconnects}
            self._statuses = {}
            if 'tunnels' not in lists:
                self.tunnels = [self._new_tunnel(item) for item in self.interconnects if port(item)]

    def set_status(self, name: str, state: str, reason: str | None = None) -> None:
        """Override the status of an interconnect until it is deleted; a reason goes with Down and Unhealthy only."""
        self.interconnect(name)
        require(state in STATES, f'state is not one of {", ".join(STATES)}')
        require(reason is None or state in STATES_WITH_REASON, 'reason goes with Down and Unhealthy only')
        self._statuses[name] = {'state': state} if reason is None else {'state': state, 'reason': reason}

    def set_traffic(self, name: str, bits_in: int | None = None, bits_out: int | None = None) -> None:
        """Set what the tunnel of an interconnect carries, in whatever time is asked for; None is no row."""
        self.interconnect(name)
        for bits in (bits_in, bits_out):
            require(bits is None or (isinstance(bits, int) and bits >= 0), 'bits are whole numbers')
        self._traffic[name] = {'ingress': bits_in, 'egress': bits_out}

    def traffic_rows(self, direction: str) -> dict[str, int]:
        """{name of a tunnel: bits} of those that carry anything."""
        names = {port(item): item['name'] for item in self.interconnects}
        bits = {tunnel['name']: self._traffic.get(names.get(port(tunnel)), {}).get(direction) for tunnel in self.tunnels}
        return {tunnel: number for tunnel, number in bits.items() if number is not None}


@functools.cache
def _network(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_interface(address).network


def _with_bgp_mode(body: dict) -> dict:
    return {**body, 'bgp_mode': body.get('bgp_mode', DEFAULT_BGP_MODE)} if 'bgp' in body else dict(body)


def _check_link(p2p_ip: str, cust_ip: str) -> None:
    p2p, cust = parsed(ipaddress.IPv4Interface, p2p_ip, 'p2p_ip'), parsed(ipaddress.IPv4Interface, cust_ip, 'cust_ip')
    require(p2p.network == cust.network and p2p.ip != cust.ip, 'p2p_ip and cust_ip are not two addresses of one prefix')
