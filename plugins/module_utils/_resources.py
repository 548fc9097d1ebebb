# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's objects, and files, as rows of data: where they are, what names them, which fields can be set and changed.

To add a field of the API: a Field here, an option in the module. The path of a field is dotted: magic.mtu.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _values as values
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import ShapeError

UNKNOWN = '(known after apply)'  # in a prediction: what only Cloudflare can assign


class Placeholder(str):
    """UNKNOWN for a single value: a plan refers by it to what Cloudflare will assign. It reads like any other, and equals none of them.

    Sets and dicts compare them by identity: by their common text, a plan of a thousand would compare each with each.
    """

    __slots__ = ()
    __hash__ = object.__hash__

    def __new__(cls) -> Placeholder:
        return super().__new__(cls, UNKNOWN)

    def __eq__(self, other: object) -> bool:
        return self is other or (not isinstance(other, Placeholder) and str.__eq__(self, other))

    def __ne__(self, other: object) -> bool:
        return not self == other


class Field(NamedTuple):
    """A field of an object. option: its name in the module; path: in the object; post_path: in the POST, if it differs.

    in_post, in_put: whether POST and PUT can set it. default: sent where the user gives none. required: there is no POST without it.
    returned: whether answers hold it. secret: no output shows it. block: the option of a circuit that it is in.
    named: the resource whose objects the value, or each of its items, names; that may be such an object's name or its id.
    """

    option: str
    path: str
    post_path: str | None = None
    check: Callable[[Any, values.Warn], Any] = values.unchecked
    normal: Callable[[Any], Any] = values.unchanged
    in_post: bool = True
    in_put: bool = True
    default: Any = None
    required: bool = False
    returned: bool = True
    secret: bool = False
    block: str = ''
    named: str = ''


class Reference(NamedTuple):
    """A step from one resource to another: of the object whose match_path has the value at hand, value_path is the next value."""

    resource: str
    match_path: str
    value_path: str


class Key(NamedTuple):
    """An option that names an object. references: the steps to it. assigned: Cloudflare chooses it, so nothing can be created by it."""

    option: str
    path: str
    references: tuple[Reference, ...] = ()
    assigned: bool = False
    check: Callable[[Any, values.Warn], Any] = values.unchecked
    normal: Callable[[Any], Any] = values.unchanged


class Unmet(NamedTuple):
    """A condition that an object does not meet: the path of the field at fault, what is wrong with it, and what it may be."""

    path: str
    problem: str
    allowed: str | None = None


class Resource(NamedTuple):
    """One kind of object.

    url_path: below the account. id: the field that names the object in the URL, None if there is only one. url_suffix: the URL behind the
    id.
    list_key: where an answer has the list. page_size: how many to ask for at a time, where there are many; size_option: in which
    parameter.
    parse: returns the object in today's form, or raises ShapeError.
    parent: (resource, the field that names it). paired_fields: two fields that must fit, and the function that checks it.
    identity: the fields that tell a new object from others after a lost answer. assigned: what Cloudflare fills in.
    max_posts: of one order. A second one only where Cloudflare refuses two objects of the same identity, and only if the list does not
    show what the first may have created.
    joint_key: fields that name an object together, as no single one does; apart: the field that tells those apart that share all of them.
    conflicts: {status of a refused POST: the fields that an object which is in the way has in common with the new one}.
    exclusive: no two objects may have the same value in this field, unless the option shared is set.
    full_put: PUT replaces the whole object, else it keeps what is left out. wrapped_in: the keys that an answer may have the object under.
    bulk_put: where the answer to a PUT of several has them, '' where there is no such PUT. Its body has them where a list has them.
    validate_only: Cloudflare documents that PUT with ?validate_only=true writes nothing.
    account_in_body: POST and PUT of a whole object name the account.
    read_only: what answers hold and PUT must not; read_only_where: {(field, value): paths} of what it must not for objects with that value.
    constants: values that every object of the row has.
    variants: rows for the values of type. implied_types: {option: the type that it is for}.
    refused_options: {option: why there is no such thing}.
    open_block: a block of fields with names that only Cloudflare knows, as the Field of each of them.
    blocks: groups of fields, which can only be cleared as a whole. clear_values: {choice of the option clear: (path, value to send)}.
    cleared_by: {path of a field: (path, value)}: it is left out, and Cloudflare clears it, where another field has that value.
    unmet: returns what is wrong with a changed object as a whole, by the object and the paths of the fields that are set.
    store: where objects of the row are, the API or files on disk. A file is {path, content}.
    """

    name: str
    url_path: tuple[str, ...]
    id: str | None = 'id'
    url_suffix: tuple[str, ...] = ()
    list_key: str | None = 'items'
    page_size: int | None = None
    size_option: str = 'limit'
    keys: tuple[Key, ...] = ()
    fields: tuple[Field, ...] = ()
    parent: tuple[str, str | None] | None = None
    creatable: bool = True
    exclusive: str | None = None
    full_put: bool = True
    wrapped_in: tuple[str, ...] = ()
    bulk_put: str = ''
    validate_only: bool = False
    headers: Mapping[str, str] = {}
    read_only: tuple[str, ...] = ()
    read_only_where: Mapping[tuple[str, Any], tuple[str, ...]] = {}
    parse: Callable[[dict[str, Any]], dict[str, Any]] = values.unchanged
    identity: tuple[str, ...] = ()
    max_posts: int = 2
    joint_key: tuple[str, ...] = ()
    apart: str = ''
    conflicts: Mapping[int, tuple[str, ...]] = {}
    account_in_body: bool = True
    assigned: tuple[str, ...] = ()
    paired_fields: tuple[str, str, Callable[[Any, Any], None]] | None = None
    constants: Mapping[str, Any] = {}
    variants: Mapping[str, Resource] = {}
    implied_types: Mapping[str, str] = {}
    refused_options: Mapping[str, str] = {}
    open_block: Field | None = None
    blocks: tuple[Field, ...] = ()
    clear_values: Mapping[str, tuple[str, Any]] = {}
    cleared_by: Mapping[str, tuple[str, Any]] = {}
    unmet: Callable[[Mapping[str, Any], Collection[str]], Iterator[Unmet]] = lambda obj, paths: iter(())
    title: str = ''
    store: str = 'api'

    @property
    def secret_paths(self) -> tuple[str, ...]:
        """The paths of the fields that no output shows."""
        return tuple(f.path for f in self.fields if f.secret)

    def read_only_paths(self, obj: Mapping[str, Any]) -> tuple[str, ...]:
        """The paths of the fields of an object that PUT must not have."""
        return self.read_only + tuple(path for (field, value), paths in self.read_only_where.items() if obj.get(field) == value
                                      for path in paths)

    @property
    def unique_fields(self) -> tuple[str, ...]:
        """The fields that no two objects have in common."""
        return (self.exclusive,) if self.exclusive else (*self.joint_key, *filter(None, [self.apart]))

    def field(self, path: str) -> Field:
        """The Field at a path."""
        if self.open_block and path.startswith(f'{self.open_block.path}.'):
            return self.open_block._replace(option=path, path=path)
        return next(f for f in (*self.fields, *self.blocks) if f.path == path)


def _parser(*url_path: str, exact: Container[str] = (), **shape: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that returns the object, or raises ShapeError if a field that the code relies on has another type. null counts as absent.

    A number where text is due, and a single text where a list is due, are converted, but for exact fields: no number names what they name.
    url_path: where the object is. shape: {name: type, [type of each item], or the shape of the object there}.
    """
    convertible = {name: kind for name, kind in shape.items() if name not in exact}

    def parse(obj: dict[str, Any]) -> dict[str, Any]:
        if any(_mistyped_paths(obj, shape)):
            obj = _coerced(obj, convertible)
        wrong = list(_mistyped_paths(obj, shape))
        if wrong:
            verb = 'has' if len(wrong) == 1 else 'have'
            raise ShapeError('GET', '/'.join(['', *url_path]), 200, f'{", ".join(wrong)} {verb} another type than the API documents.',
                             wrong)
        return obj
    return parse


def _coerced(value: Any, kind: Any) -> Any:
    """The value in the type that is due, where it means the same; else as it is."""
    if value is None:
        return None
    if isinstance(kind, list):
        return [_coerced(item, kind[0]) for item in (value if isinstance(value, list) else [value])]
    if isinstance(kind, dict) and isinstance(value, dict):
        return {**value, **{name: _coerced(value[name], inner) for name, inner in kind.items() if name in value}}
    return str(value) if kind is str and isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _mistyped_paths(obj: Mapping[str, Any], shape: Mapping[str, Any]) -> Iterator[str]:
    """The paths of the fields that have another type."""
    for name, kind in shape.items():
        value = obj.get(name)
        if value is None:
            continue
        if not isinstance(value, kind if isinstance(kind, type) else type(kind)):
            yield name
        elif isinstance(kind, dict):
            yield from (f'{name}.{inner}' for inner in _mistyped_paths(value, kind))
        elif isinstance(kind, list) and not all(isinstance(item, kind[0]) for item in value):
            yield name


_PORT_SHAPE = {'site': str, 'speed': str, 'ccr_device_name': str, 'facility': {'name': str, 'address': [str]}}


_parsed_tunnel = _parser('magic', 'cf_interconnects', exact=('virtual_port_reservation_id',), id=str, virtual_port_reservation_id=str,
                         description=str, version=str, interface_address=str,
                         health_check={'rate': str, 'type': str, 'direction': str, 'source': str},
                         bgp={'import_filter_id': str, 'export_filter_id': str})


def _tunnel_with_target(tunnel: dict[str, Any]) -> dict[str, Any]:
    """The tunnel with its target as an object, also where the API still answers with a string."""
    tunnel = _parsed_tunnel(tunnel)
    check = tunnel.get('health_check')
    if not isinstance(check, dict) or not isinstance(check.get('target'), str):
        return tunnel
    return {**tunnel, 'health_check': {**check, 'target': {'saved': check['target']}}}


def _in_block(block: str, *fields: Field) -> tuple[Field, ...]:
    """The fields that a circuit has in a block of its options."""
    return tuple(f._replace(block=block) for f in fields)


DIRECTION, SOURCE = 'health_check.direction', 'health_check.source'
ONE_WAY, BOTH_WAYS = 'unidirectional', 'bidirectional'
VERSION_WITH_SOURCE = '1.5'  # of a tunnel, which Cloudflare chooses; source: the types of the SDK


def _unmet_by_tunnel(tunnel: Mapping[str, Any], paths: Collection[str]) -> Iterator[Unmet]:
    """What depends on the version of the tunnel, unknown before that is listed, and on the direction of its health check.

    The whole block is sent if any of it is set.
    """
    check, version = tunnel.get('health_check') or {}, tunnel.get('version')
    both_ways = check.get('direction') == BOTH_WAYS
    if SOURCE in paths and check.get('source'):
        if not both_ways:
            yield Unmet(SOURCE, f'is for direction={BOTH_WAYS} only, and the direction is {check.get("direction") or "not given"}.')
        if version != VERSION_WITH_SOURCE and tunnel.get('id') != UNKNOWN:
            yield Unmet(SOURCE, f'the tunnel has {f"version {version}" if version else "no version"}, and only tunnels of version '
                                f'{VERSION_WITH_SOURCE} take a source.')
    if 'interface_address' in paths and version == VERSION_WITH_SOURCE and not str(tunnel['interface_address']).endswith('/31'):
        yield Unmet('interface_address', f'{tunnel["interface_address"]} is no /31, and the tunnel has version {version}.', 'a /31')
    is_sent = any(path.startswith('health_check.') for path in paths)
    if is_sent and both_ways and version == VERSION_WITH_SOURCE and not check.get('source'):
        yield Unmet(SOURCE, f'is required with direction={BOTH_WAYS}, because the tunnel has version {version}.', values.A_SOURCE)


# No source gives the largest page of slots: a service that refuses this one is asked without a limit.
SLOT = Resource('slot', ('cni', 'slots'), title='slot', page_size=1000,
                keys=(Key('id', 'id', check=values.check_uuid, normal=values.casefolded),),
                parse=_parser('cni', 'slots', id=str, **_PORT_SHAPE))

ADDRESS_FIELDS = ('cust_ip', 'p2p_ip')  # of a CNI
_INTERCONNECT_OF_CIRCUIT = Reference('cni', 'magic.conduit_name', 'interconnect')

INTERCONNECT = Resource(
    'interconnect', ('cni', 'interconnects'), id='name', title='interconnect',
    keys=(
        Key('name', 'name', assigned=True),
        Key('slot_id', 'slot_id', check=values.check_uuid, normal=values.casefolded),
        Key('conduit_name', 'name', references=(_INTERCONNECT_OF_CIRCUIT,)),
    ),
    fields=(Field('type', 'type', in_put=False),),
    assigned=('name', 'virtual_port_reservation_id'),
    parse=_parser('cni', 'interconnects', name=str, type=str, slot_id=str, region=str, virtual_port_reservation_id=str, **_PORT_SHAPE),
    implied_types={'slot_id': 'direct', 'slot': 'direct', 'speed': 'direct', 'pairing_key': 'gcp_partner', 'bandwidth': 'gcp_partner'},
)

DIRECT = INTERCONNECT._replace(
    identity=('slot_id',), constants={'type': 'direct'},
    fields=(
        *INTERCONNECT.fields,
        Field('slot_id', 'slot_id', check=values.check_uuid, normal=values.casefolded, in_put=False),
        Field('speed', 'speed', normal=values.casefolded, in_put=False),
    ),
)

GCP_PARTNER = INTERCONNECT._replace(
    identity=('type', 'region', 'speed'), constants={'type': 'gcp_partner'},
    fields=(
        *INTERCONNECT.fields,
        Field('pairing_key', 'pairing_key', check=values.check_pairing_key, in_put=False, required=True, returned=False,
              secret=True),
        Field('region', 'region', in_post=False, in_put=False),
        Field('bandwidth', 'speed', post_path='bandwidth', normal=values.casefolded, in_put=False, required=True),
    ),
)

INTERCONNECT = INTERCONNECT._replace(variants={'direct': DIRECT, 'gcp_partner': GCP_PARTNER})

CNI = Resource(
    'cni', ('cni', 'cnis'), title='CNI',
    keys=(Key('id', 'id', assigned=True, check=values.check_uuid, normal=values.casefolded), Key('conduit_name', 'magic.conduit_name')),
    fields=(
        Field('interconnect', 'interconnect', required=True),
        Field('conduit_name', 'magic.conduit_name', required=True),
        Field('description', 'magic.description', default=''),
        Field('mtu', 'magic.mtu', check=values.check_mtu, default=values.DEFAULT_MTU),
        Field('bgp.customer_asn', 'bgp.customer_asn', check=values.check_asn, required=True),
        Field('bgp.extra_prefixes', 'bgp.extra_prefixes', check=values.check_prefixes, normal=values.normal_prefixes, default=()),
        Field('bgp.md5_key', 'bgp.md5_key', check=values.check_md5_key, secret=True),
        Field('bgp_mode', 'bgp_mode', in_post=False),
        Field('cust_ip', 'cust_ip', check=values.check_address, normal=values.normal_address, in_post=False),
        Field('p2p_ip', 'p2p_ip', check=values.check_address, normal=values.normal_address, in_post=False),
    ),
    parse=_parser('cni', 'cnis', id=str, interconnect=str, cust_ip=str, p2p_ip=str, bgp_mode=str, magic={'conduit_name': str},
                  bgp={'extra_prefixes': [str], 'md5_key': str}),
    parent=('interconnect', 'interconnect'),
    exclusive='interconnect',
    identity=('magic.conduit_name', 'interconnect'),
    conflicts={409: ('magic.conduit_name',)},
    assigned=('id', 'cust_ip', 'p2p_ip'),
    paired_fields=('cust_ip', 'p2p_ip', values.check_link),
    blocks=(Field('bgp', 'bgp', secret=True),),
    clear_values={'description': ('magic.description', ''), 'md5_key': ('bgp.md5_key', None), 'extra_prefixes': ('bgp.extra_prefixes', ()),
                  'bgp': ('bgp', None)},
    refused_options={'vlan': 'a CNI has no VLAN: it is an untagged point-to-point link, identified by its interconnect.'},
)

SETTINGS = Resource(
    'settings', ('cni', 'settings'), id=None, list_key=None, creatable=False, title="the account's CNI settings",
    fields=(Field('default_asn', 'default_asn', check=values.check_asn),),
)

_NAME_KEYS = (Key('id', 'id', assigned=True, normal=values.normal_uuid), Key('name', 'name'))

FILTER_PROFILE = Resource(
    'filter_profile', ('magic', 'bgp', 'filter_profiles'), list_key='filter_profiles', title='BGP filter profile',
    account_in_body=False, full_put=False,
    keys=_NAME_KEYS, joint_key=('name',), identity=('name',), max_posts=1, assigned=('id',),
    fields=(
        Field('name', 'name', required=True),
        Field('description', 'description', normal=values.normal_empty),
        Field('match_action', 'match_action', required=True),
        Field('targets', 'targets', check=values.check_targets, normal=values.normal_targets, required=True),
    ),
    parse=_parser('magic', 'bgp', 'filter_profiles', id=str, name=str, description=str, match_action=str, targets=[str]),
)

TUNNEL = Resource(
    'tunnel', ('magic', 'cf_interconnects'), list_key='interconnects', creatable=False, full_put=False,
    wrapped_in=('interconnect', 'modified_interconnect'), bulk_put='modified_interconnects', validate_only=True,
    title='health check', parent=('interconnect', None),
    keys=tuple(
        Key(option, 'virtual_port_reservation_id', normal=values.normal_uuid,
            references=(*hops, Reference('interconnect', 'name', 'virtual_port_reservation_id')))
        for option, hops in (('interconnect', ()), ('conduit_name', (_INTERCONNECT_OF_CIRCUIT,)))
    ),
    fields=_in_block(
        'health_check',
        Field('enabled', 'health_check.enabled'),
        Field('rate', 'health_check.rate', check=values.check_synonym),
        Field('type', 'health_check.type'),
        Field('direction', DIRECTION),
        Field('target', 'health_check.target.saved'),
        Field('source', SOURCE, check=values.check_source, normal=values.normal_empty),
    ) + _in_block(
        'tunnel',
        Field('description', 'description', normal=values.normal_empty),
        Field('mtu', 'mtu', check=values.check_tunnel_mtu),
        Field('interface_address', 'interface_address', check=values.check_interface_address, normal=values.normal_address),
        Field('automatic_return_routing', 'automatic_return_routing'),
        Field('import_filter', 'bgp.import_filter_id', normal=values.normal_empty, named='filter_profile'),
        Field('export_filter', 'bgp.export_filter_id', normal=values.normal_empty, named='filter_profile'),
    ),
    clear_values={'description': ('description', ''), 'import_filter': ('bgp.import_filter_id', ''),
                  'export_filter': ('bgp.export_filter_id', '')},
    cleared_by={SOURCE: (DIRECTION, ONE_WAY)},
    unmet=_unmet_by_tunnel,
    headers={'x-magic-new-hc-target': 'true'},  # the target then has the saved and the effective address
    read_only=('health_check.target.effective',),
    read_only_where={('version', VERSION_WITH_SOURCE): ('bgp.cloudflare_endpoint', 'bgp.customer_endpoint')},
    parse=_tunnel_with_target,
)

PRIORITY_OF_BGP = 100  # of the routes that come by BGP; source: Cloudflare's product documentation
PENALTY_OF_DOWN = 1_000_000  # on the priority of the routes over a tunnel that is down by its health check; source: the same

# That the next hop of a CNI is the customer's end of its link is inferred from an account that was exported; no source says it.
ROUTE = Resource(
    'route', ('magic', 'routes'), list_key='routes', title='static route', parent=('cni', None), account_in_body=False,
    wrapped_in=('route', 'modified_route', 'routes'), bulk_put='modified_routes', validate_only=True,
    keys=(
        Key('id', 'id', assigned=True),
        Key('nexthop', 'nexthop', check=values.check_next_hop, normal=values.normal_next_hop),
        Key('conduit_name', 'nexthop', references=(Reference('cni', 'magic.conduit_name', 'cust_ip'),), normal=values.normal_next_hop),
        Key('prefix', 'prefix', check=values.check_prefix, normal=values.normal_prefix),
        Key('scope', 'scope', check=values.check_scope, normal=values.normal_scope),
    ),
    joint_key=('nexthop', 'prefix'), apart='scope', identity=('nexthop', 'prefix', 'scope'), assigned=('id',),
    conflicts=dict.fromkeys((400, 409), ('nexthop', 'prefix', 'scope')),  # no source gives the status
    fields=(
        Field('prefix', 'prefix', check=values.check_prefix, normal=values.normal_prefix, required=True),
        Field('nexthop', 'nexthop', check=values.check_next_hop, normal=values.normal_next_hop, required=True),
        Field('priority', 'priority', check=values.check_priority, default=PRIORITY_OF_BGP),
        Field('weight', 'weight', check=values.check_weight),
        Field('scope', 'scope', check=values.check_scope, normal=values.normal_scope),
        Field('description', 'description'),
    ),
    read_only=('created_on', 'modified_on'),
    parse=_parser('magic', 'routes', id=str, prefix=str, nexthop=str, priority=int, weight=int, description=str,
                  scope={'colo_names': [str], 'colo_regions': [str]}),
)

HEALTHY = 'Healthy'  # the state of an interconnect that carries traffic
STATUS = Resource('status', INTERCONNECT.url_path, id=None, url_suffix=('status',), list_key=None, creatable=False, title='status',
                  parse=_parser('cni', 'interconnects', 'status', state=str, reason=str))

# Notifications. Cloudflare's documents and the SDK call the policies "notification policies", and what they send alerts.
_ALERTING = ('alerting', 'v3')
ALERT_TYPES = Resource('alert_types', (*_ALERTING, 'available_alerts'), id=None, list_key=None, creatable=False, title='alert types')
PAGERDUTY = Resource('pagerduty', (*_ALERTING, 'destinations', 'pagerduty'), creatable=False, title='PagerDuty service',
                     parse=_parser(*_ALERTING, 'destinations', 'pagerduty', id=str, name=str))

ALERT_WEBHOOK = Resource(
    'alert_webhook', (*_ALERTING, 'destinations', 'webhooks'), title='webhook', keys=_NAME_KEYS,
    fields=(
        Field('name', 'name', required=True),
        Field('url', 'url', check=values.check_webhook_url, required=True),
        Field('secret', 'secret', returned=False, secret=True),
    ),
    identity=('name', 'url'), max_posts=1, assigned=('id',), account_in_body=False,
    read_only=('id', 'type', 'created_at', 'last_failure', 'last_success'),
    parse=_parser(*_ALERTING, 'destinations', 'webhooks', id=str, name=str, url=str, type=str),
)

# Where the circuits of a policy are, until the plan knows which filter selects them.
CIRCUITS = 'circuits'

ALERT_POLICY = Resource(
    'alert_policy', (*_ALERTING, 'policies'), title='alert policy', keys=_NAME_KEYS,
    fields=(
        Field('name', 'name', required=True),
        Field('alert_type', 'alert_type', required=True),
        Field('enabled', 'enabled', default=True),
        Field('description', 'description'),
        Field('alert_interval', 'alert_interval'),
        Field('webhooks, emails or pagerduty', 'mechanisms', required=True),
        Field('emails', 'mechanisms.email', check=values.check_destinations, normal=values.normal_destinations),
        Field('pagerduty', 'mechanisms.pagerduty', check=values.check_destinations, normal=values.normal_destinations, named='pagerduty'),
        Field('webhooks', 'mechanisms.webhooks', check=values.check_destinations, normal=values.normal_destinations,
              named='alert_webhook'),
        Field(CIRCUITS, CIRCUITS),
    ),
    open_block=Field('filters', 'filters', check=values.check_filter, normal=values.normal_filter),
    identity=('name', 'alert_type'), max_posts=1, assigned=('id',), account_in_body=False,
    read_only=('id', 'conditions', 'created', 'modified'),
    parse=_parser(*_ALERTING, 'policies', id=str, name=str, alert_type=str, description=str, filters={}, mechanisms={
        'email': [dict], 'pagerduty': [dict], 'webhooks': [dict]}),
)

ALERT = Resource('alert', (*_ALERTING, 'history'), title='alert', page_size=1000, size_option='per_page', creatable=False,
                 parse=_parser(*_ALERTING, 'history', id=str, alert_body=str, alert_type=str, sent=str))

# The files of a circuit. Their content: of NAME-loa.pdf what it is for, of NAME.json an object, of NAME.md a text.
LOA = Resource('loa', (), id='path', title='LOA', store='file')
HANDOVER = Resource('handover', (), id='path', title='hand-over', store='file')
SHEET = Resource('sheet', (), id='path', title='hand-over', store='file')

RESOURCES = {row.name: row for row in (SLOT, INTERCONNECT, CNI, SETTINGS, FILTER_PROFILE, TUNNEL, ROUTE, STATUS, ALERT_TYPES, PAGERDUTY,
                                       ALERT_WEBHOOK, ALERT_POLICY, ALERT)}

# What no output shows, under whatever object of the API it is.
SECRET_NAMES = frozenset(path.rpartition('.')[2] for row in RESOURCES.values() for variant in (row, *row.variants.values())
                         for path in variant.secret_paths)
