# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of the API, and files, as rows of data: where they live, what names them, which fields can be said and changed.

To add a field of the API: a Field here, an option in the module. Paths of fields are dotted, as in magic.mtu.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _values as values
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import ShapeError

UNKNOWN = '(known after apply)'  # in a prediction: what only Cloudflare can assign


class Placeholder(str):
    """UNKNOWN for one value: it reads like any other, and equals none of them, so that a plan can refer to what it will create.

    Sets and dicts tell them apart by identity: by their common text, a plan of a thousand would compare each with each.
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
    """option: its name in the module; wire: in the object; send: in the POST, if it differs.

    create, change: whether POST and PUT can say it. default: sent where the user says nothing. required: without it no POST.
    returned: whether answers hold it. secret: no output shows it.
    """

    option: str
    wire: str
    send: str | None = None
    check: Callable[[Any, values.Warn], Any] = values.as_is
    normal: Callable[[Any], Any] = values.same
    create: bool = True
    change: bool = True
    default: Any = None
    required: bool = False
    returned: bool = True
    secret: bool = False


class Hop(NamedTuple):
    """A step to another resource: the object whose field equals the value at hand gives the next value."""

    resource: str
    field: str
    gives: str


class Key(NamedTuple):
    """What the user can name an object by. assigned: Cloudflare chose it, so nothing can be created under it."""

    option: str
    wire: str
    via: tuple[Hop, ...] = ()
    assigned: bool = False
    check: Callable[[Any, values.Warn], Any] = values.as_is
    normal: Callable[[Any], Any] = values.same


class Resource(NamedTuple):
    """One kind of object.

    path: below the account. id: the field that names it in the path, None if there is only one. tail: the path behind the id.
    items: where a list of them is. limit: how many to ask for at a time, where there are many.
    read: the object in today's form, or ShapeError.
    parent: (resource, the field that names it). pair: two fields that must fit, and the function that says so.
    identity: the fields that tell a new one from others after a lost answer. assigned: what Cloudflare fills in.
    sole: the field that is one object's own: no other may have the same there, unless the user says shared.
    whole: PUT replaces the whole object, else it keeps what is left out. wraps: where an answer has the object, if not all of it is.
    read_only: what answers hold and PUT must not. fixed: values of every object of the row.
    variants: rows for the values of type. implied: the type that an option speaks of. refused: options for what there is not, and why.
    blocks: what holds fields and can only be cleared, as a whole. clears: {what the option clear names: (path, the value that clears it)}.
    store: where objects of the row are: the API, or files on disk. Of a file the object is {path, content}.
    """

    name: str
    path: tuple[str, ...]
    id: str | None = 'id'
    tail: tuple[str, ...] = ()
    items: str | None = 'items'
    limit: int | None = None
    keys: tuple[Key, ...] = ()
    fields: tuple[Field, ...] = ()
    parent: tuple[str, str | None] | None = None
    creatable: bool = True
    sole: str | None = None
    whole: bool = True
    wraps: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    read_only: tuple[str, ...] = ()
    read: Callable[[dict[str, Any]], dict[str, Any]] = values.same
    identity: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()
    pair: tuple[str, str, Callable[[Any, Any], None]] | None = None
    fixed: Mapping[str, Any] = {}
    variants: Mapping[str, Resource] = {}
    implied: Mapping[str, str] = {}
    refused: Mapping[str, str] = {}
    blocks: tuple[Field, ...] = ()
    clears: Mapping[str, tuple[str, Any]] = {}
    title: str = ''
    store: str = 'api'

    @property
    def secrets(self) -> tuple[str, ...]:
        """The fields that no output shows."""
        return tuple(f.wire for f in self.fields if f.secret)

    def at(self, wire: str) -> Field:
        """The row of a field."""
        return next(f for f in (*self.fields, *self.blocks) if f.wire == wire)


def _shaped(*path: str, **shape: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A reader that raises AnswerError where something that the code relies on is of another type. What is null is as absent.

    A number where text is due, and one text where a list is due, say the same and are put right.
    path: where the object lives. shape: {name: type, [type of each item], or the shape of the object there}.
    """
    def read(obj: dict[str, Any]) -> dict[str, Any]:
        if any(_misfits(obj, shape)):
            obj = _fitted(obj, shape)
        wrong = list(_misfits(obj, shape))
        if wrong:
            verb = 'is' if len(wrong) == 1 else 'are'
            raise ShapeError('GET', '/'.join(['', *path]), 200, f'{", ".join(wrong)} {verb} of another type than the API documents.', wrong)
        return obj
    return read


def _fitted(value: Any, kind: Any) -> Any:
    """The value as what is due, where that says the same; else as it is."""
    if value is None:
        return None
    if isinstance(kind, list):
        return [_fitted(item, kind[0]) for item in (value if isinstance(value, list) else [value])]
    if isinstance(kind, dict) and isinstance(value, dict):
        return {**value, **{name: _fitted(value[name], inner) for name, inner in kind.items() if name in value}}
    return str(value) if kind is str and isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _misfits(obj: Mapping[str, Any], shape: Mapping[str, Any]) -> Iterator[str]:
    """The paths of what is not of its type."""
    for name, kind in shape.items():
        value = obj.get(name)
        if value is None:
            continue
        if not isinstance(value, kind if isinstance(kind, type) else type(kind)):
            yield name
        elif isinstance(kind, dict):
            yield from (f'{name}.{inner}' for inner in _misfits(value, kind))
        elif isinstance(kind, list) and not all(isinstance(item, kind[0]) for item in value):
            yield name


_PORT = {'site': str, 'speed': str, 'ccr_device_name': str, 'facility': {'name': str, 'address': [str]}}


_tunnel = _shaped('magic', 'cf_interconnects', id=str, virtual_port_reservation_id=str, description=str,
                  health_check={'rate': str, 'type': str})


def _saved_target(tunnel: dict[str, Any]) -> dict[str, Any]:
    """The target as an object, also where the API still answers with a string."""
    check = _tunnel(tunnel).get('health_check')
    if not isinstance(check, dict) or not isinstance(check.get('target'), str):
        return tunnel
    return {**tunnel, 'health_check': {**check, 'target': {'saved': check['target']}}}


# No source says how many slots a page may have, so whoever refuses so many is asked without a limit.
SLOT = Resource('slot', ('cni', 'slots'), title='slot', limit=1000, keys=(Key('id', 'id', check=values.uuid, normal=values.folded),),
                read=_shaped('cni', 'slots', id=str, **_PORT))

_BY_CIRCUIT = Hop('cni', 'magic.conduit_name', 'interconnect')

INTERCONNECT = Resource(
    'interconnect', ('cni', 'interconnects'), id='name', title='interconnect',
    keys=(
        Key('name', 'name', assigned=True),
        Key('slot_id', 'slot_id', check=values.uuid, normal=values.folded),
        Key('conduit_name', 'name', via=(_BY_CIRCUIT,)),
    ),
    fields=(Field('type', 'type', change=False),),
    assigned=('name', 'virtual_port_reservation_id'),
    read=_shaped('cni', 'interconnects', name=str, type=str, slot_id=str, region=str, virtual_port_reservation_id=str, **_PORT),
    implied={'slot_id': 'direct', 'slot': 'direct', 'speed': 'direct', 'pairing_key': 'gcp_partner', 'bandwidth': 'gcp_partner'},
)

DIRECT = INTERCONNECT._replace(
    identity=('slot_id',), fixed={'type': 'direct'},
    fields=(
        *INTERCONNECT.fields,
        Field('slot_id', 'slot_id', check=values.uuid, normal=values.folded, change=False),
        Field('speed', 'speed', normal=values.folded, change=False),
    ),
)

GCP_PARTNER = INTERCONNECT._replace(
    identity=('type', 'region', 'speed'), fixed={'type': 'gcp_partner'},
    fields=(
        *INTERCONNECT.fields,
        Field('pairing_key', 'pairing_key', check=values.pairing_key, change=False, required=True, returned=False,
              secret=True),
        Field('region', 'region', create=False, change=False),
        Field('bandwidth', 'speed', send='bandwidth', normal=values.folded, change=False, required=True),
    ),
)

INTERCONNECT = INTERCONNECT._replace(variants={'direct': DIRECT, 'gcp_partner': GCP_PARTNER})

CNI = Resource(
    'cni', ('cni', 'cnis'), title='CNI',
    keys=(Key('id', 'id', assigned=True, check=values.uuid, normal=values.folded), Key('conduit_name', 'magic.conduit_name')),
    fields=(
        Field('interconnect', 'interconnect', required=True),
        Field('conduit_name', 'magic.conduit_name', required=True),
        Field('description', 'magic.description', default=''),
        Field('mtu', 'magic.mtu', check=values.mtu, default=values.MTU[1]),
        Field('bgp.customer_asn', 'bgp.customer_asn', check=values.asn, required=True),
        Field('bgp.extra_prefixes', 'bgp.extra_prefixes', check=values.prefixes, normal=values.prefix_set, default=()),
        Field('bgp.md5_key', 'bgp.md5_key', check=values.md5_key, secret=True),
        Field('bgp_mode', 'bgp_mode', create=False),
        Field('cust_ip', 'cust_ip', check=values.address, normal=values.interface, create=False),
        Field('p2p_ip', 'p2p_ip', check=values.address, normal=values.interface, create=False),
    ),
    read=_shaped('cni', 'cnis', id=str, interconnect=str, cust_ip=str, p2p_ip=str, bgp_mode=str, magic={'conduit_name': str},
                 bgp={'extra_prefixes': [str], 'md5_key': str}),
    parent=('interconnect', 'interconnect'),
    sole='interconnect',
    identity=('magic.conduit_name', 'interconnect'),
    assigned=('id', 'cust_ip', 'p2p_ip'),
    pair=('cust_ip', 'p2p_ip', values.link),
    blocks=(Field('bgp', 'bgp', secret=True),),
    clears={'description': ('magic.description', ''), 'md5_key': ('bgp.md5_key', None), 'extra_prefixes': ('bgp.extra_prefixes', ()),
            'bgp': ('bgp', None)},
    refused={'vlan': 'there is no VLAN on a CNI: it is an untagged point-to-point link, told apart by its interconnect.'},
)

SETTINGS = Resource(
    'settings', ('cni', 'settings'), id=None, items=None, creatable=False, title="the account's CNI settings",
    fields=(Field('default_asn', 'default_asn', check=values.asn),),
)

TUNNEL = Resource(
    'tunnel', ('magic', 'cf_interconnects'), items='interconnects', creatable=False, whole=False,
    wraps=('interconnect', 'modified_interconnect'), title='health check', parent=('interconnect', None),
    keys=tuple(
        Key(option, 'virtual_port_reservation_id', normal=values.bare_uuid,
            via=(*hops, Hop('interconnect', 'name', 'virtual_port_reservation_id')))
        for option, hops in (('interconnect', ()), ('conduit_name', (_BY_CIRCUIT,)))
    ),
    fields=(
        Field('enabled', 'health_check.enabled'),
        Field('rate', 'health_check.rate', check=values.word),
        Field('type', 'health_check.type'),
        Field('direction', 'health_check.direction'),
        Field('target', 'health_check.target.saved'),
    ),
    headers={'x-magic-new-hc-target': 'true'},  # the target then shows what was saved apart from what is in effect
    read_only=('health_check.target.effective',),
    read=_saved_target,
)

STATUS = Resource('status', INTERCONNECT.path, id=None, tail=('status',), items=None, creatable=False, title='status',
                  read=_shaped('cni', 'interconnects', 'status', state=str, reason=str))

# The files of a circuit: NAME-loa.pdf, of which the content is what it is for; NAME.json, an object; NAME.md, a text.
LOA = Resource('loa', (), id='path', title='LOA', store='file')
HANDOVER = Resource('handover', (), id='path', title='hand-over', store='file')
SHEET = Resource('sheet', (), id='path', title='hand-over', store='file')

ROWS = {row.name: row for row in (SLOT, INTERCONNECT, CNI, SETTINGS, TUNNEL, STATUS)}
