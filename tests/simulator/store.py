# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one account and the rules of the service. Knows no HTTP beyond the status of a refusal.

Objects are held as the contract writes them, in the order they were made. Methods are plain functions without awaits, so each
one is atomic: two orders of one slot can't both win.
"""

from __future__ import annotations

import copy
import datetime
import functools
import ipaddress
import itertools
import re
import time
import uuid
from collections.abc import Callable

import catalogue

CLOUDFLARE_ASN = 13335
DEFAULT_BGP_MODE = 'dynamic_route_exchange'
STATES = ('Pending', 'Down', 'Unhealthy', 'Healthy')
STATES_WITH_REASON = ('Down', 'Unhealthy')
LINKS = ipaddress.ip_network('172.31.0.0/16')
LISTS = ('slots', 'interconnects', 'cnis', 'settings', 'tunnels')
# GCP issues it as uuid/region/availability-domain.
_PAIRING_KEY = re.compile(r'[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/([a-z0-9-]+)/(?:any|[1-9][0-9]*)')


class Refusal(Exception):
    """The service refuses a request: an HTTP status and the reason in words."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


def _require(condition: object, message: str, status: int = 400) -> None:
    if not condition:
        raise Refusal(status, message)


def _find(items: list[dict], key: str, value: str, what: str, status: int = 404) -> dict:
    for item in items:
        if item[key] == value:
            return item
    raise Refusal(status, f'{what} {value!r} does not exist')


def _matching(items: list[dict], **wanted: object) -> list[dict]:
    """The items whose fields equal what is wanted; None wants nothing."""
    wanted = {key: value for key, value in wanted.items() if value is not None}
    return [item for item in items if all(item.get(key) == value for key, value in wanted.items())]


class Store:
    """Slots, interconnects, CNIs, settings and tunnels of one account.

    :arg refusal: status for an occupied or unknown slot, or a used pairing key
    :arg in_use: status for deleting an interconnect that hosts CNIs
    :arg activate_after: seconds until an interconnect is Healthy; None: a direct one stays Pending, a GCP one waits for its CNI
    :arg clock: returns the time in seconds since the epoch
    """

    def __init__(
        self,
        account: str,
        slots: int = 96,
        refusal: int = 400,
        in_use: int = 400,
        activate_after: float | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self.account = account
        self.refusal = refusal
        self.in_use = in_use
        self.activate_after = activate_after
        self.clock = clock
        self.changes = 0
        self.slots = catalogue.slots(slots)
        self.interconnects: list[dict] = []
        self.cnis: list[dict] = []
        self.tunnels: list[dict] = []
        self.settings = {'default_asn': CLOUDFLARE_ASN}
        self._made_at: dict[str, float] = {}
        self._statuses: dict[str, dict] = {}
        self._used_pairing_keys: set[str] = set()
        self._links = itertools.cycle(LINKS.subnets(new_prefix=31))

    # Slots

    def list_slots(self, address_contains=None, occupied=None, site=None, speed=None) -> list[dict]:
        text = (address_contains or '').casefold()
        matching = _matching(self.slots, occupied=occupied, site=site, speed=speed)
        return [slot for slot in matching if any(text in line.casefold() for line in slot['facility']['address'])]

    def slot(self, slot_id: str) -> dict:
        return _find(self.slots, 'id', slot_id.lower(), 'slot')

    # Interconnects

    def list_interconnects(self, site=None, type=None) -> list[dict]:
        return _matching(self.interconnects, site=site, type=type)

    def interconnect(self, name: str) -> dict:
        return _find(self.interconnects, 'name', name, 'interconnect')

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
        slot = _find(self.slots, 'id', body['slot_id'].lower(), 'slot', self.refusal)
        speed = body.get('speed') or slot['speed']
        _require(not slot['occupied'], f'slot {slot["id"]!r} is already occupied', self.refusal)
        _require(speed == slot['speed'], f'slot {slot["id"]!r} does not support speed {speed!r}, it is {slot["speed"]}')
        slot.update(occupied=True, account=self.account)
        fields = {key: copy.deepcopy(slot[key]) for key in ('ccr_device_name', 'facility', 'site')}
        return {'name': self._new_name(slot['site']), 'slot_id': slot['id'], 'speed': speed, **fields}

    def _gcp_partner(self, body: dict) -> dict:
        match = _PAIRING_KEY.fullmatch(body['pairing_key'])
        _require(match, 'pairing_key is not uuid/region/availability-domain')
        key = body['pairing_key'].lower()
        _require(key not in self._used_pairing_keys, 'pairing_key is already used', self.refusal)
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
        _require(not hosted, f'interconnect {name!r} still hosts CNIs: {", ".join(hosted)}', self.in_use)
        for slot in self.slots:
            if slot['id'] == interconnect.get('slot_id'):
                slot.update(occupied=False, account=None)
        self.interconnects.remove(interconnect)
        self.tunnels = [tunnel for tunnel in self.tunnels if _port(tunnel) != _port(interconnect)]
        self._made_at.pop(name, None)
        self._statuses.pop(name, None)
        self.changes += 1

    def status(self, name: str) -> dict:
        self.interconnect(name)
        return self._statuses.get(name) or {'state': 'Healthy' if self._is_up(name) else 'Pending'}

    def _is_up(self, name: str) -> bool:
        if self.activate_after is not None:
            return self.clock() - self._made_at[name] >= self.activate_after
        # A direct one waits for the cross-connect, which nobody runs here.
        return self.interconnect(name)['type'] == 'gcp_partner' and any(cni['interconnect'] == name for cni in self.cnis)

    # CNIs

    def list_cnis(self, slot=None, tunnel_id=None) -> list[dict]:
        if slot is None and tunnel_id is None:
            return self.cnis
        hosts = _matching(self.interconnects, slot_id=slot)
        if tunnel_id is not None:
            ports = {_port(tunnel) for tunnel in _matching(self.tunnels, id=tunnel_id)}
            hosts = [item for item in hosts if _port(item) in ports]
        names = {item['name'] for item in hosts}
        return [cni for cni in self.cnis if cni['interconnect'] in names]

    def cni(self, cni_id: str) -> dict:
        return _find(self.cnis, 'id', cni_id.lower(), 'CNI')

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
        _require(body['id'].lower() == cni['id'], 'id in the body is not the id of the path')
        self._check_cni(body, cni)
        _check_link(body['p2p_ip'], body['cust_ip'])
        replacement = {**_with_bgp_mode(body), 'id': cni['id']}
        if replacement != cni:
            self.cnis[self.cnis.index(cni)] = replacement
            self.changes += 1
        return replacement

    def delete_cni(self, cni_id: str) -> None:
        self.cnis.remove(self.cni(cni_id))
        self.changes += 1

    def _check_cni(self, body: dict, but: dict | None = None) -> None:
        self._own(body)
        _find(self.interconnects, 'name', body['interconnect'], 'interconnect', 400)
        name = body['magic']['conduit_name']
        _require(name, 'magic.conduit_name is empty')
        _require(576 <= body['magic']['mtu'] <= 1500, 'magic.mtu is not in 576..1500')
        _check_bgp(body.get('bgp', {}))
        others = (cni for cni in self.cnis if cni is not but)
        _require(all(cni['magic']['conduit_name'] != name for cni in others), 'Name Conflict', 409)

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

    # Tunnels: the Magic view of interconnects, home of the health checks

    def list_tunnels(self, target_objects: bool) -> list[dict]:
        defaults = self._default_targets()
        return [_view(tunnel, defaults, target_objects) for tunnel in self.tunnels]

    def tunnel(self, tunnel_id: str, target_objects: bool) -> dict:
        return _view(_find(self.tunnels, 'id', tunnel_id, 'cf_interconnect'), self._default_targets(), target_objects)

    def change_tunnel(self, tunnel_id: str, body: dict, target_objects: bool, validate_only: bool) -> dict:
        """Merge the fields sent, those of the health check one by one; validate_only stores nothing."""
        tunnel = _find(self.tunnels, 'id', tunnel_id, 'cf_interconnect')
        check = {**body.get('health_check', {})}
        if 'target' in check:
            check['target'] = _saved_target(check['target'], target_objects)
        merged = {**tunnel, **body, 'health_check': {**tunnel['health_check'], **check}}
        modified = merged != tunnel and not validate_only
        if modified:
            tunnel.update(merged, modified_on=self._now())
            self.changes += 1
        view = _view(merged if validate_only else tunnel, self._default_targets(), target_objects)
        return {'modified': modified, 'modified_interconnect': view}

    def _new_tunnel(self, interconnect: dict) -> dict:
        now = self._now()
        return {
            'id': uuid.uuid4().hex,
            'name': interconnect['name'],
            'description': '',
            'colo_name': interconnect.get('site') or interconnect['region'],
            'created_on': now,
            'modified_on': now,
            'mtu': 1500,
            'version': '1',
            'virtual_port_reservation_id': _port(interconnect),
            'health_check': {'enabled': True, 'rate': 'mid', 'type': 'reply', 'direction': 'unidirectional', 'target': ''},
        }

    def _default_targets(self) -> dict[str, str]:
        """For each port the address that a health check aims at by default: the customer's end of the first CNI."""
        ports = {item['name']: _port(item) for item in self.interconnects}
        return {ports.get(cni['interconnect'], ''): cni['cust_ip'].partition('/')[0] for cni in reversed(self.cnis)}

    def _now(self) -> str:
        return datetime.datetime.fromtimestamp(self.clock(), datetime.timezone.utc).isoformat().replace('+00:00', 'Z')

    def _own(self, body: dict) -> None:
        _require(body['account'] == self.account, 'account in the body is not the account of the path')

    # Controls outside the contract

    def state(self) -> dict:
        """All that is stored, as lists of objects; settings is one object."""
        return {name: getattr(self, name) for name in LISTS}

    def seed(self, lists: dict) -> None:
        """Put lists of the shape of state() in place, unchecked. Interconnects without tunnels get those the service would make."""
        for name in lists:
            _require(name in LISTS, f'{name!r} is not one of {", ".join(LISTS)}')
        for name, items in copy.deepcopy(lists).items():
            setattr(self, name, items)
        if 'interconnects' in lists:
            self._made_at = {item['name']: self.clock() for item in self.interconnects}
            self._statuses = {}
            if 'tunnels' not in lists:
                self.tunnels = [self._new_tunnel(item) for item in self.interconnects if _port(item)]

    def set_status(self, name: str, state: str, reason: str | None = None) -> None:
        """Override the status of an interconnect until it is deleted; a reason goes with Down and Unhealthy only."""
        self.interconnect(name)
        _require(state in STATES, f'state is not one of {", ".join(STATES)}')
        _require(reason is None or state in STATES_WITH_REASON, 'reason goes with Down and Unhealthy only')
        self._statuses[name] = {'state': state} if reason is None else {'state': state, 'reason': reason}


@functools.cache
def _network(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_interface(address).network


def _port(item: dict) -> str:
    """What an interconnect and its tunnel have in common: the reserved port's id without dashes."""
    return item.get('virtual_port_reservation_id', '').replace('-', '').lower()


def _view(tunnel: dict, defaults: dict[str, str], target_objects: bool) -> dict:
    """A tunnel as answered: the target is stored as saved, where "" stands for the default."""
    saved = tunnel['health_check']['target']
    effective = saved or defaults.get(_port(tunnel), '')
    target = {'effective': effective, 'saved': saved} if target_objects else effective
    return {**tunnel, 'health_check': {**tunnel['health_check'], 'target': target}}


def _with_bgp_mode(body: dict) -> dict:
    return {**body, 'bgp_mode': body.get('bgp_mode', DEFAULT_BGP_MODE)} if 'bgp' in body else dict(body)


def _check_bgp(bgp: dict) -> None:
    for prefix in bgp.get('extra_prefixes', []):
        try:
            ipaddress.IPv4Network(prefix)
        except ValueError as error:
            raise Refusal(400, f'bgp.extra_prefixes: {error}') from error
    key = bgp.get('md5_key')
    _require(key is None or all(' ' <= character <= '~' for character in key), 'bgp.md5_key is not printable ASCII')


def _check_link(p2p_ip: str, cust_ip: str) -> None:
    try:
        p2p, cust = ipaddress.IPv4Interface(p2p_ip), ipaddress.IPv4Interface(cust_ip)
    except ValueError as error:
        raise Refusal(400, f'p2p_ip and cust_ip: {error}') from error
    _require(p2p.network == cust.network and p2p.ip != cust.ip, 'p2p_ip and cust_ip are not two addresses of one prefix')


def _saved_target(target: object, target_objects: bool) -> str:
    """The target to store, from the form that the header x-magic-new-hc-target asks for."""
    form = 'an object, since x-magic-new-hc-target is true' if target_objects else 'a string, since x-magic-new-hc-target is not true'
    _require(isinstance(target, dict) == target_objects, f'health_check.target must be {form}')
    saved = target.get('saved', '') if isinstance(target, dict) else target
    try:
        return saved and str(ipaddress.IPv4Address(saved))
    except ValueError as error:
        raise Refusal(400, f'health_check.target: {error}') from error
