# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hand-over of a circuit: NAME.json for programs, and NAME.md, the sheet for people, rendered from it. Pure functions.

A value is data: it is never a template, and never markup.
"""

from __future__ import annotations

import json
import os
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import GCP_PARTNER
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._texts import encodable, markdown_cell

FORMAT = 1
OPTICS = {'10G': '10GBASE-LR', '100G': '100GBASE-LR4'}
CLOUDFLARE_ASN = 13335
TIMERS = {'hold_time': 240, 'keepalive': 80}  # seconds; source: Cloudflare's product documentation

SHEET = r'''{% macro table(rows) %}
| | |
|---|---|
{% for label, value in rows if value %}
| {{ label }} | {{ value | cell }} |
{% endfor %}
{% endmacro %}
{% set port = handover.interconnect %}
{% set link = handover.link %}
{% set bgp = handover.bgp %}
{% set check = handover.health_check %}
{% set loa = handover.loa | default({}) %}
# Circuit {{ handover.name | cell }}

{% if handover.description %}
{{ handover.description | cell }}

{% endif %}
{% if port.type != 'gcp_partner' %}
## For the data centre: the cross-connect

{{ table([
  ('Facility', port.facility.name | default('')),
  ('Address', port.facility.address | default([]) | join(', ')),
  ('Site', port.site),
  ('Cloudflare device', port.device),
  ('Cloudflare slot', port.slot_id),
  ('Interconnect', port.name),
  ('Letter of Authorization', port.loa),
  ('LOA made out to', loa.get('name') or loa.get('default_name')),
  ('Port speed', port.speed),
  ('Optic', port.optic),
  ('Fibre', 'single-mode, one pair, up to 10 km'),
]) }}
Order the cross-connect from your patch panel to this Cloudflare port and attach the LOA: without it the facility may not patch
into Cloudflare's equipment. The port stays Pending until the cross-connect is installed and Cloudflare receives light.

{% else %}
## For Google Cloud: the VLAN attachment

{{ table([
  ('Region', port.region),
  ('Bandwidth', port.speed),
  ('Interconnect', port.name),
  ('VLAN attachment', 'the one with the pairing key of this circuit; activate it in Google Cloud'),
]) }}
{% endif %}
## For the router: addresses and {{ 'BGP' if bgp else 'routes' }}

| | Your router | Cloudflare |
|---|---|---|
| Address | {{ link.customer_address | cell }}/{{ link.prefix_length }} | {{ link.cloudflare_address | cell }}/{{ link.prefix_length }} |
{% if bgp %}
| AS number | {{ bgp.customer_asn | cell }} | {{ bgp.cloudflare_asn | cell }} |
{% endif %}

{{ table([
  ('Prefix length', link.prefix_length),
  ('MTU', link.mtu ~ ' bytes'),
  ('BGP', 'eBGP for IPv4 between the two addresses' if bgp
   else 'exchanges no routes: the Cloud Router needs custom learned routes' if port.type == 'gcp_partner'
   else 'none: the router needs static routes with the next hop ' ~ link.cloudflare_address),
] + ([
  ('BGP mode', bgp.mode),
  ('MD5 key', 'set, not shown here' if bgp.md5_key == 'set' else 'not set'),
  ('Hold time', bgp.hold_time ~ ' s'),
  ('Keepalive', bgp.keepalive ~ ' s'),
  ('Cloudflare announces', (["the account's routing table"] + bgp.extra_prefixes) | join(', ')),
] if bgp else []) + ([
  ('Health check',
   [check.target, check.rate and 'rate ' ~ check.rate, check.type and 'ICMP ' ~ check.type, check.direction,
    check.source is defined and 'from ' ~ check.source] | select | join(', ')
   if check.enabled is not false else 'off'),
] if check else [])) }}{% if handover.routes is defined %}

## Static routes at Cloudflare

{% if handover.routes %}
| Prefix | Priority | Weight | Scope | Description |
|---|---|---|---|---|
{% for route in handover.routes %}
{% set scope = (route.scope | default({})).values() | map('join', ', ') | select | join(', ') %}
{% set cells = [route.prefix, route.priority, route.weight, scope, route.description] %}
| {{ cells | map('default', '') | map('cell') | join(' | ') }} |
{% endfor %}

The next hop is your router's address. The lowest priority wins. Routes with the same prefix and priority share the traffic by weight.
{% else %}
None.
{% endif %}
{% endif %}'''


class CircuitFacts(NamedTuple):
    """What the files of a circuit are made from; None for what is not known or does not exist. loa_name: the name for the LOA.

    routes: those to the circuit, None where it does not declare them. default_loa_name: what Cloudflare makes an LOA out to without a name.
    """

    name: str
    interconnect: Object | None = None
    cni: Object | None = None
    tunnel: Object | None = None
    settings: Object | None = None
    loa_name: str | None = None
    routes: Sequence[Object] | None = None
    default_loa_name: str | None = None


def file_name(circuit: str) -> str:
    """The name of a circuit as the name of a file, percent-encoded: no two circuits share a file, and none leads out of the folder."""
    return re.sub(r'^\.', '%2E', quote(circuit, safe='', errors='surrogatepass').replace('~', '%7E'))


def is_direct(interconnect: Mapping[str, Any] | None) -> bool:
    """Whether an interconnect is a port in a data centre, and so has an LOA."""
    return get(interconnect, 'type') != GCP_PARTNER.constants['type']


# NAME.json

def handover_of(facts: CircuitFacts, loa: Object | None) -> Object:
    """The hand-over of a circuit whose interconnect and CNI are known. loa: {interconnect, name, sha256, fetched, ...} of its LOA."""
    return {
        'format': FORMAT,
        'name': facts.name,
        'description': get(facts.cni, 'magic.description'),
        'interconnect': _interconnect_section(facts.name, facts.interconnect),
        'link': _link_section(facts.cni),
        'bgp': _bgp_section(facts.cni, facts.settings),
        'health_check': _health_check_section(get(facts.tunnel, 'health_check')),
        **({'routes': [_route_entry(route) for route in facts.routes]} if facts.routes is not None else {}),
        **({'loa': loa} if loa else {}),
    }


def cni_of(handover: Object) -> tuple[Object, int]:
    """The CNI and Cloudflare's AS number, as far as a hand-over has them. Raises KeyError, or TypeError, for what is no complete one."""
    link, bgp = handover['link'], handover['bgp']
    customer, cloudflare = (f'{link[end]}/{link["prefix_length"]}' for end in ('customer_address', 'cloudflare_address'))
    magic = {'conduit_name': handover['name'], 'description': handover['description'], 'mtu': link['mtu']}
    session = bgp and {'customer_asn': bgp['customer_asn'], 'extra_prefixes': bgp['extra_prefixes'], 'md5_key': bgp['md5_key'] == 'set'}
    return {'cust_ip': customer, 'p2p_ip': cloudflare, 'magic': magic, 'bgp': session}, get(bgp, 'cloudflare_asn') or CLOUDFLARE_ASN


def _route_entry(route: Object) -> Object:
    """A route to the circuit as the hand-over has it. Its next hop is the customer's address of the link."""
    return {name: route.get(name) for name in ('prefix', 'priority', 'weight', 'scope', 'description')
            if route.get(name) not in (None, '', {})}


def _interconnect_section(circuit: str, interconnect: Object) -> Object:
    common = {'name': interconnect['name'], 'type': interconnect.get('type'), 'speed': interconnect.get('speed')}
    if not is_direct(interconnect):
        return {**common, 'region': interconnect.get('region')}
    return {**common, 'site': interconnect.get('site'), 'facility': interconnect.get('facility', {}),
            'device': interconnect.get('ccr_device_name'),
            'slot_id': interconnect.get('slot_id'), 'optic': OPTICS.get(interconnect.get('speed')), 'loa': f'{file_name(circuit)}-loa.pdf'}


def _link_section(cni: Object) -> Object:
    """Both addresses, and their prefix length: 31 if Cloudflare returns an address without one, None if it is no number."""
    customer, cloudflare = (str(cni.get(field) or '') for field in ('cust_ip', 'p2p_ip'))
    prefix_length = f'{customer}/31'.split('/')[1]
    return {'customer_address': customer.split('/')[0], 'cloudflare_address': cloudflare.split('/')[0],
            'prefix_length': int(prefix_length) if prefix_length.isdecimal() else None, 'mtu': get(cni, 'magic.mtu')}


def _bgp_section(cni: Object, settings: Object | None) -> Object | None:
    """The BGP session, None if the CNI has none. md5_key: set or not set, never the key."""
    bgp = cni.get('bgp')
    return {
        'customer_asn': bgp.get('customer_asn'),
        'cloudflare_asn': get(settings, 'default_asn') or CLOUDFLARE_ASN,
        'mode': cni.get('bgp_mode'),
        'md5_key': 'set' if bgp.get('md5_key') else 'not set',
        'extra_prefixes': list(bgp.get('extra_prefixes') or ()),
        **TIMERS,
    } if bgp else None


def _health_check_section(check: Object | None) -> Object | None:
    fields = {name: get(check, name) for name in ('enabled', 'rate', 'type', 'direction')}
    target = get(check, 'target.effective', get(check, 'target.saved'))
    return {**fields, 'target': target, **({'source': source} if (source := get(check, 'source')) else {})} if check else None


def json_text(handover: Object) -> str:
    """The hand-over as JSON that can be encoded whatever a value holds."""
    return encodable(json.dumps(handover, indent=2, ensure_ascii=False)) + '\n'


# NAME.md

def sheet_renderer(path: str | None) -> Callable[[Object], str]:
    """The function that renders the sheet of a hand-over. path: of the user's own template.

    Raises InputError for a template that can't be read or has an error; the function does so for an error that shows only with the values.
    """
    try:
        import jinja2
    except ImportError:
        raise InputError('artifacts_dir', 'the hand-over needs jinja2, which the Python of this module does not have.') from None
    if path is None:
        return lambda handover: encodable(compiled_sheet().render(handover=handover))
    path = os.path.realpath(os.path.expanduser(path))
    return _user_renderer(jinja_environment(jinja2.FileSystemLoader(os.path.dirname(path))), path)


@lru_cache(maxsize=1)
def compiled_sheet() -> Any:
    """The template of the sheet."""
    return jinja_environment().from_string(SHEET)


def jinja_environment(loader: Any = None) -> Any:
    """Jinja as Ansible's module template has it, with the filter cell."""
    import jinja2

    environment = jinja2.Environment(loader=loader, trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    environment.filters['cell'] = markdown_cell
    return environment


def _user_renderer(environment: Any, path: str) -> Callable[[Object], str]:
    """The function that renders the user's own template."""
    try:
        template = environment.get_template(os.path.basename(path))
    except Exception as error:
        raise _template_error(path, error) from None

    def render(handover: Object) -> str:
        try:
            return encodable(template.render(handover=handover))
        except Exception as error:  # a template can raise any
            raise _template_error(path, error) from None
    return render


def _template_error(path: str, error: Exception) -> InputError:
    """The error of a template, with its file and line if known."""
    import jinja2

    if isinstance(error, jinja2.TemplateNotFound) and error.name == os.path.basename(path):
        return InputError('handover_template', f'{path} cannot be read.', 'the path of a Jinja template')
    folder = os.path.dirname(path)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.dirname(frame.filename) == folder]
    where = (frames[-1].filename, frames[-1].lineno) if frames else (path, None)
    if isinstance(error, jinja2.TemplateSyntaxError):
        where = error.filename or path, error.lineno
    line = f', line {where[1]}' if where[1] else ''
    return InputError('handover_template', f'{where[0]}{line}: {getattr(error, "message", None) or error}.')
