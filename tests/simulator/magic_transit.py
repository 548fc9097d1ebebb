# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Magic Transit side of an account: tunnels with their health checks, static routes, BGP filter profiles."""

from __future__ import annotations

import collections
import datetime
import ipaddress
import re
import uuid
from collections.abc import Callable

from rules import Rules, find, parsed, require, require_all

SOURCES = ('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.240.0/20', '198.41.199.224/27')
PRIVATE = tuple(ipaddress.ip_network(prefix) for prefix in SOURCES[:3])
FILTERS = ('import_filter_id', 'export_filter_id')
ENDPOINTS = ('cloudflare_endpoint', 'customer_endpoint')
ASSIGNED = ('id', 'created_on', 'modified_on')
WEIGHT_AT_MOST = 256
# A prefix, and behind it the prefix lengths that match: {X,Y}, {X}, or + for all from its own on.
_TARGET = re.compile(r'(?P<prefix>[^/{+]+/\d+)(?:\{(?P<least>\d+)(?:,(?P<most>\d+))?\}|\+)?')


class MagicTransit:
    """Tunnels, routes and filter profiles, held as the contract writes them; interconnects and CNIs are the account's."""

    def __init__(self, rules: Rules, clock: Callable[[], float]):
        self.rules = rules
        self.clock = clock
        self.changes = 0
        self.interconnects: list[dict] = []
        self.cnis: list[dict] = []
        self.tunnels: list[dict] = []
        self.routes: list[dict] = []
        self.filter_profiles: list[dict] = []

    # Tunnels: the Magic view of interconnects, home of the health checks

    def list_tunnels(self, target_objects: bool) -> list[dict]:
        return self._views(self.tunnels, target_objects)

    def tunnel(self, tunnel_id: str, target_objects: bool) -> dict:
        return self._views([self._tunnel(tunnel_id)], target_objects)[0]

    def change_tunnel(self, tunnel_id: str, body: dict, target_objects: bool, validate_only: bool) -> dict:
        """Merge the fields sent, those of the health check and of BGP one by one; validate_only stores nothing."""
        answer = self.change_tunnels([{**body, 'id': tunnel_id}], target_objects, validate_only)
        return {'modified': answer['modified'], 'modified_interconnect': answer['modified_interconnects'][0]}

    def change_tunnels(self, bodies: list[dict], target_objects: bool, validate_only: bool) -> dict:
        """The same for several: one that is refused refuses all."""
        pairs = [(tunnel := self._tunnel(body['id']), self._merged(tunnel, body, target_objects)) for body in self._taken(bodies)]
        modified, tunnels = self._modify(pairs, validate_only)
        return {'modified': modified, 'modified_interconnects': self._views(tunnels, target_objects)}

    def _tunnel(self, tunnel_id: str) -> dict:
        return find(self.tunnels, 'id', tunnel_id, 'cf_interconnect')

    def _new_tunnel(self, interconnect: dict) -> dict:
        return self._new(
            name=interconnect['name'],
            description='',
            colo_name=interconnect.get('site') or interconnect['region'],
            mtu=1500,
            version=self.rules.tunnel_version,
            virtual_port_reservation_id=port(interconnect),
            health_check={'enabled': True, 'rate': 'mid', 'type': 'reply', 'direction': 'unidirectional', 'target': ''},
            automatic_return_routing=False,
        )

    def _merged(self, tunnel: dict, body: dict, target_objects: bool) -> dict:
        sent = {**body.get('health_check', {})}
        if 'target' in sent:
            sent['target'] = _saved_target(sent['target'], target_objects)
        check = {**tunnel['health_check'], **sent}
        _check_source(check, sent, tunnel.get('version'))
        if check.get('direction') == 'unidirectional':
            check.pop('source', None)
        merged = {**tunnel, **body, 'health_check': check}
        if 'bgp' in body:
            bgp = {**tunnel.get('bgp', {}), **body['bgp']}
            merged['bgp'] = {key: value for key, value in bgp.items() if value or key not in FILTERS}
        self._check_tunnel(tunnel, body)
        return merged

    def _check_tunnel(self, tunnel: dict, body: dict) -> None:
        v15 = tunnel.get('version') == '1.5'
        bgp = body.get('bgp', {})
        names = [other.get('name') for other in self.tunnels if other is not tunnel]
        profiles = {'', *(profile['id'] for profile in self.filter_profiles)}
        require_all([
            ('gre', not v15 or 'gre' not in body, 'is not for version 1.5'),
            ('name', 'name' not in body or body['name'] not in names, 'is that of another tunnel'),
            ('automatic_return_routing', self.rules.coupler_integration or not body.get('automatic_return_routing'),
             'needs the flag coupler_integration of the account'),
            *((f'bgp.{end}', not v15 or end not in bgp, 'is read-only for version 1.5') for end in ENDPOINTS),
            *((f'bgp.{key}', bgp.get(key, '') in profiles, 'is no filter profile of the account') for key in FILTERS),
        ])
        check_bgp(bgp)
        if 'interface_address' in body:
            address = parsed(ipaddress.IPv4Interface, body['interface_address'], 'interface_address')
            lengths = (31,) if v15 else (30, 31)
            require(address.network.prefixlen in lengths, f'interface_address has no prefix length of {lengths}', field='interface_address')
        if 'interface_address6' in body:
            address6 = parsed(ipaddress.IPv6Interface, body['interface_address6'], 'interface_address6')
            require(address6.network.prefixlen == 127, 'interface_address6 is no /127', field='interface_address6')

    def _views(self, tunnels: list[dict], target_objects: bool) -> list[dict]:
        """Tunnels as answered: addresses that are not saved are those of the CNI with the lowest id, however CNIs are listed."""
        cnis = {cni['interconnect']: cni for cni in sorted(self.cnis, key=lambda cni: str(cni['id']), reverse=True)}
        by_port = {port(item): cnis.get(item['name'], {}) for item in self.interconnects}
        return [_view(tunnel, by_port.get(port(tunnel), {}), target_objects) for tunnel in tunnels]

    # Static routes

    def route(self, route_id: str) -> dict:
        return find(self.routes, 'id', route_id, 'route')

    def create_routes(self, bodies: list[dict], validate_only: bool) -> list[dict]:
        """Make routes: all of them, or none if one is refused; validate_only stores nothing."""
        routes = [self._new(**body) for body in bodies]
        self._check_routes(routes, [*self.routes, *routes])
        if not validate_only:
            self.routes += routes
            self.changes += len(routes)
        return routes

    def change_route(self, route_id: str, body: dict, validate_only: bool) -> dict:
        answer = self.change_routes([{**body, 'id': route_id}], validate_only)
        return {'modified': answer['modified'], 'modified_route': answer['modified_routes'][0]}

    def change_routes(self, bodies: list[dict], validate_only: bool) -> dict:
        """Change routes, with fields that the contract does not know: all of them, or none if one is refused."""
        pairs = [(route := self.route(body['id']), self._changed(route, body)) for body in self._taken(bodies)]
        becomes = {after['id']: after for _route, after in pairs}
        self._check_routes([*becomes.values()], [becomes.get(route['id'], route) for route in self.routes])
        modified, routes = self._modify(pairs, validate_only)
        return {'modified': modified, 'modified_routes': routes}

    def delete_route(self, route_id: str) -> dict:
        route = self.route(route_id)
        self.routes.remove(route)
        self.changes += 1
        return {'deleted': True, 'deleted_route': route}

    def empty_routes(self) -> dict:
        """Delete every route of the account, whoever made it."""
        routes, self.routes = self.routes, []
        self.changes += len(routes)
        return {'deleted': bool(routes), 'deleted_routes': routes}

    def _changed(self, route: dict, body: dict) -> dict:
        kept = route if self.rules.route_puts == 'keep' else {}
        return {**kept, **body, **{key: route[key] for key in ASSIGNED if key in route}}

    def _check_routes(self, routes: list[dict], table: list[dict]) -> None:
        """Check new or changed routes, each by itself and in the table as it will be."""
        ends = {address(cni) for cni in self.cnis} if self.rules.next_hops == 'tunnels' else None
        for route in routes:
            self._check_route(route, ends)
        keys = collections.Counter(self._route_key(route) for route in table)
        require(all(keys[self._route_key(route)] == 1 for route in routes), 'there is such a route already', self.rules.refusal)

    def _check_route(self, route: dict, ends: set[str] | None) -> None:
        prefix = parsed(ipaddress.IPv4Network, route['prefix'], 'prefix')
        parsed(ipaddress.IPv4Address, route['nexthop'], 'nexthop')
        private = self.rules.route_prefixes == 'any' or any(prefix.subnet_of(network) for network in PRIVATE)
        require_all([
            ('prefix', private, 'is not in the address space of RFC 1918'),
            ('nexthop', ends is None or route['nexthop'] in ends, "is no tunnel's address of the customer"),
            ('priority', route['priority'] >= 0, 'is negative'),
            ('weight', 1 <= route.get('weight', 1) <= WEIGHT_AT_MOST, f'is not in 1..{WEIGHT_AT_MOST}'),
        ])

    def _route_key(self, route: dict) -> tuple:
        """What no two routes have in common."""
        if self.rules.route_key == 'none':
            return (route['id'],)
        scope = route.get('scope', {}) if self.rules.route_key == 'scope' else {}
        return route['prefix'], route['nexthop'], *(tuple(sorted(scope.get(key, []))) for key in ('colo_names', 'colo_regions'))

    # BGP filter profiles

    def filter_profile(self, profile_id: str) -> dict:
        return find(self.filter_profiles, 'id', profile_id, 'filter profile')

    def create_filter_profile(self, body: dict) -> dict:
        profile = self._new(**{'description': '', **body})
        _check_targets(profile)
        self.filter_profiles.append(profile)
        self.changes += 1
        return profile

    def change_filter_profile(self, profile_id: str, body: dict) -> dict:
        """Merge the fields sent."""
        profile = self.filter_profile(profile_id)
        _check_targets(merged := {**profile, **body})
        return self._modify([(profile, merged)])[1][0]

    def delete_filter_profile(self, profile_id: str) -> dict:
        profile = self.filter_profile(profile_id)
        users = [tunnel for tunnel in self.tunnels if profile_id in [tunnel.get('bgp', {}).get(key) for key in FILTERS]]
        names = ', '.join(tunnel['name'] for tunnel in users)
        require(not users or self.rules.delete_used_profiles, f'filter profile {profile_id!r} is used by: {names}', self.rules.in_use)
        for tunnel in users:
            tunnel['bgp'] = {key: value for key, value in tunnel['bgp'].items() if key not in FILTERS or value != profile_id}
        self.filter_profiles.remove(profile)
        self.changes += 1
        return profile

    # What they have in common

    def _new(self, **fields: object) -> dict:
        now = self._now()
        return {'id': uuid.uuid4().hex, 'created_on': now, 'modified_on': now, **fields}

    def _taken(self, bodies: list[dict]) -> list[dict]:
        """What a PUT of several takes of them."""
        return bodies if self.rules.bulk_puts == 'whole' else bodies[: (len(bodies) + 1) // 2]

    def _modify(self, pairs: list[tuple[dict, dict]], validate_only: bool = False) -> tuple[bool, list[dict]]:
        """Store what objects become; returns whether any changed, and all of them."""
        if validate_only:
            return False, [after for _stored, after in pairs]
        changed = [(stored, after) for stored, after in pairs if stored != after]
        for stored, after in changed:
            stored.clear()
            stored.update(after, modified_on=self._now())
        self.changes += len(changed)
        return bool(changed), [stored for stored, _after in pairs]

    def _now(self) -> str:
        return datetime.datetime.fromtimestamp(self.clock(), datetime.timezone.utc).isoformat().replace('+00:00', 'Z')


def port(item: dict) -> str:
    """What an interconnect and its tunnel have in common: the reserved port's id without dashes."""
    return item.get('virtual_port_reservation_id', '').replace('-', '').lower()


def check_bgp(bgp: dict) -> None:
    for prefix in bgp.get('extra_prefixes', []):
        parsed(ipaddress.IPv4Network, prefix, 'bgp.extra_prefixes')
    key = bgp.get('md5_key')
    require(key is None or all(' ' <= character <= '~' for character in key), 'bgp.md5_key is not printable ASCII', field='bgp.md5_key')


def address(cni: dict) -> str:
    """The customer's end of a CNI: what a health check aims at, and the next hop of routes to it."""
    return cni['cust_ip'].partition('/')[0]


def _view(tunnel: dict, cni: dict, target_objects: bool) -> dict:
    """A tunnel as answered: the target is stored as saved, where "" stands for the default."""
    saved = tunnel['health_check']['target']
    effective = saved or (address(cni) if cni else '')
    target = {'effective': effective, 'saved': saved} if target_objects else effective
    default = {'interface_address': cni['p2p_ip']} if 'p2p_ip' in cni else {}
    return {**default, **tunnel, 'health_check': {**tunnel['health_check'], 'target': target}}


def _saved_target(target: object, target_objects: bool) -> str:
    """The target to store, from the form that the header x-magic-new-hc-target asks for."""
    form = 'an object, since x-magic-new-hc-target is true' if target_objects else 'a string, since x-magic-new-hc-target is not true'
    require(isinstance(target, dict) == target_objects, f'health_check.target must be {form}', field='health_check.target')
    saved = target.get('saved', '') if isinstance(target, dict) else target
    return saved and str(parsed(ipaddress.IPv4Address, saved, 'health_check.target'))


def _check_source(check: dict, sent: dict, version: str | None) -> None:
    """The source that was sent, and the one that is needed."""
    bidirectional = check.get('direction') == 'bidirectional'
    required = bidirectional and version == '1.5'
    field = 'health_check.source'
    require(not required or 'source' in check, f'{field} is required with bidirectional on version 1.5', field=field)
    if 'source' in sent:
        source = parsed(ipaddress.IPv4Address, sent['source'], field)
        require_all([
            (field, version == '1.5', 'is for version 1.5 only'),
            (field, bidirectional, 'goes with bidirectional only'),
            (field, any(source in ipaddress.ip_network(prefix) for prefix in SOURCES), f'is in none of {", ".join(SOURCES)}'),
        ])


def _check_targets(profile: dict) -> None:
    for target in profile['targets']:
        match = _TARGET.fullmatch(target)
        require(match, f'targets: {target!r} is no prefix with {{X,Y}}, {{X}}, + or nothing behind it', field='targets')
        network = parsed(ipaddress.ip_network, match['prefix'], 'targets')
        least = int(match['least'] or network.prefixlen)
        most = int(match['most'] or least)
        shortest, longest = network.prefixlen, network.max_prefixlen
        within = shortest <= least <= most <= longest
        require(within, f'targets: the lengths of {target!r} are not {shortest} <= X <= Y <= {longest}', field='targets')
