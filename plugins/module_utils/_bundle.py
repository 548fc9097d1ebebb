# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The support bundle of a circuit: what Cloudflare's support asks for, as Markdown and as an archive. Pure functions.

What is not known is listed as such, with the reason: a guess would cost the support more time than a gap.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import file_name, is_direct
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import TIME_FORMAT, recorded_loa
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._metrics import READ_AT, SINCE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._results import without_secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._texts import encodable, markdown_cell, markdown_table

Row = Sequence[Any]

UNKNOWN = 'unknown'
FILE_MODE = 0o600
ALERT_FIELDS = ('id', 'sent', 'alert_type', 'alert_body', 'name')  # not where it was sent: that is an address of a person
LEFT_OUT = '(line left out: it may contain a secret)'
NO_ALERT = ('No alert names the circuit, its interconnect or its tunnel. That proves nothing: only what a policy sends is in the history, '
            'and an alert about maintenance may name only a data centre.')
_SUSPICIOUS = re.compile(r'(?i)passw|passphrase|secret|md5|\bkey\b|[-_]key\b')


class RouterOutput(NamedTuple):
    """What the router printed: a traceroute, the counters of an interface."""

    name: str
    text: str


class Answer(NamedTuple):
    """An answer of the API to this run. part: what was read; ray: its cf-ray, which the support finds it by."""

    part: str
    status: int
    ray: str | None


class BundleFacts(NamedTuple):
    """What is known of a circuit. None for an object that was not read or does not exist; failures: {part: why it was not read}.

    record: its NAME.json; samples: of the metrics, [(name, labels, value)]; alert_days: how far back alerts were read.
    rays: those of earlier failures, as the user has them.
    """

    circuit: str
    account_id: str
    read_at: datetime
    interconnect_name: str | None = None
    interconnect: Object | None = None
    cni: Object | None = None
    status: Object | None = None
    tunnel: Object | None = None
    routes: Sequence[Object] = ()
    alerts: Sequence[Object] = ()
    alert_days: int = 0
    record: Object | None = None
    samples: Sequence[tuple[str, Mapping[str, str], int]] = ()
    router: Sequence[RouterOutput] = ()
    rays: Sequence[str] = ()
    answers: Sequence[Answer] = ()
    failures: Mapping[str, str] = {}


# The Markdown.

def bundle_markdown(facts: BundleFacts) -> str:
    """The bundle as one text."""
    unknown = unknown_facts(facts)
    sections = [
        ('', [f'Read at {facts.read_at.strftime(TIME_FORMAT)}. All times are UTC.']),
        ('Circuit', _table(('', ''), _circuit_rows(facts))),
        ('Timeline', _table(('Time', 'What', 'Known from'), timeline(facts))),
        ('Not known', [f'- {markdown_cell(text)}' for text in unknown] or ['Nothing is missing.']),
        (f'Alerts of the last {facts.alert_days} days', _alert_lines(facts)),
        ('Static routes', _route_lines(facts)),
        ('From the router', [line for output in facts.router for line in _output_lines(output)][1:] or ['Nothing was given.']),
        ('Requests to the API', _request_lines(facts)),
    ]
    lines = [f'# Support bundle of circuit {markdown_cell(facts.circuit)}']
    for title, content in sections:
        lines += ['', *([f'## {title}', ''] if title else []), *content]
    return encodable('\n'.join([*lines, '']))


def _table(heading: Row, rows: Iterable[Row]) -> list[str]:
    """A table that says so where a value is not known."""
    return markdown_table(heading, ([UNKNOWN if cell in (None, '') else cell for cell in row] for row in rows))


def _circuit_rows(facts: BundleFacts) -> list[Row]:
    """[(label, value)] of the circuit, None for what is not known."""
    port, cni, check = facts.interconnect, facts.cni, get(facts.tunnel, 'health_check')
    place = [('Site', 'site'), ('Facility', 'facility.name'), ('Cloudflare device', 'ccr_device_name'), ('Slot', 'slot_id')]
    return [
        ('Account', facts.account_id),
        ('Description', cni and (get(cni, 'magic.description') or 'none')),
        ('Interconnect', facts.interconnect_name),
        ('Type and speed', _joined(get(port, 'type'), get(port, 'speed'))),
        *((label, get(port, path)) for label, path in (place if is_direct(port) else [('Region', 'region')])),
        ('Status', _joined(get(facts.status, 'state'), get(facts.status, 'reason'))),
        ('Tunnel name', get(facts.tunnel, 'name')),
        ('Tunnel ID', get(facts.tunnel, 'id')),
        ('Tunnel settings', _tunnel_text(facts.tunnel)),
        ('Customer address', get(cni, 'cust_ip')),
        ('Cloudflare address', get(cni, 'p2p_ip')),
        ('MTU', get(cni, 'magic.mtu')),
        ('BGP', _bgp_text(cni)),
        ('Health check', _health_check_text(check)),
    ]


def _joined(*values: Any) -> str:
    return ', '.join(str(value) for value in values if value not in (None, ''))


def _bgp_text(cni: Object | None) -> str | None:
    """The BGP session of a CNI, without its MD5 key; None if the CNI is not known."""
    if cni is None:
        return None
    bgp = cni.get('bgp')
    if not bgp:
        return 'no session'
    key = 'set, not shown here' if bgp.get('md5_key') else 'not set'
    prefixes = ', '.join(map(str, bgp.get('extra_prefixes') or ())) or 'none'
    return _joined(f'customer AS {bgp.get("customer_asn")}', cni.get('bgp_mode'), f'extra prefixes: {prefixes}', f'MD5 key: {key}')


def _health_check_text(check: Any) -> str | None:
    if not isinstance(check, dict):
        return None
    target = get(check, 'target.effective') or get(check, 'target.saved')
    texts = [f'rate {check["rate"]}' if check.get('rate') else None, check.get('type'), check.get('direction'),
             f'target {target}' if target else None, f'source {check["source"]}' if check.get('source') else None]
    return 'off' if check.get('enabled') is False else _joined(*texts) or None


def _tunnel_text(tunnel: Object | None) -> str | None:
    """What is set of a tunnel besides its health check; None if it is not known."""
    labels = {'description': 'description', 'mtu': 'MTU', 'interface_address': 'interface address',
              'bgp.import_filter_id': 'import filter', 'bgp.export_filter_id': 'export filter'}
    texts = [f'{label} {value}' for path, label in labels.items() if (value := get(tunnel, path)) not in (None, '')]
    return tunnel and (_joined(*texts, 'automatic return routing' if tunnel.get('automatic_return_routing') else None) or 'none')


def _alert_lines(facts: BundleFacts) -> list[str]:
    if 'alerts' in facts.failures:
        return ['Unknown: the history could not be read.']
    if not facts.alerts:
        return [NO_ALERT]
    return _table(('Sent', 'Type', 'Text'), [[alert.get(name) for name in ALERT_FIELDS[1:4]] for alert in facts.alerts])


def _route_lines(facts: BundleFacts) -> list[str]:
    if 'static routes' in facts.failures:
        return ['Unknown: they could not be read.']
    columns = ('prefix', 'nexthop', 'priority', 'weight', 'scope', 'description')
    rows = [[_route_cell(route.get(name)) for name in columns] for route in facts.routes]
    return _table(('Prefix', 'Next hop', 'Priority', 'Weight', 'Scope', 'Description'), rows) if rows else ['None leads to the circuit.']


def _route_cell(value: Any) -> Any:
    """The value of a field of a route. Of a scope the names that it has."""
    if isinstance(value, dict):
        value = _joined(*(name for names in value.values() for name in names or ()))
    return 'none' if value in (None, '') else value


def _output_lines(output: RouterOutput) -> list[str]:
    """A text as a block of code, whatever is in it."""
    longest = max(map(len, re.findall('`+', output.text)), default=0)
    fence = '`' * max(3, longest + 1)
    return ['', f'### {markdown_cell(output.name)}', '', fence, *output.text.splitlines(), fence]


def _request_lines(facts: BundleFacts) -> list[str]:
    earlier = [('an earlier failure', UNKNOWN, ray) for ray in facts.rays]
    own = [(answer.part, answer.status, answer.ray or 'none') for answer in facts.answers]
    return _table(('What', 'HTTP status', 'cf-ray'), [*earlier, *own])


# What is known when.

def timeline(facts: BundleFacts) -> list[Row]:
    """[(time, event, where it is known from)], the oldest first. Times that can't be read are left out."""
    states = _seen_states(facts)
    loa = recorded_loa(facts.record, facts.interconnect_name or '')
    events = [
        *_api_events('The tunnel', facts.tunnel, 'the API, health check'),
        *(event for route in facts.routes
          for event in _api_events(f'The static route {route.get("prefix")}', route, 'the API, static route')),
        (get(loa, 'fetched'), 'The LOA was fetched', 'NAME.json'),
        *((alert.get('sent'), f'Alert {alert.get("alert_type")}: {alert.get("alert_body")}', 'the history of alerts')
          for alert in facts.alerts),
        *((since, f'A run of the playbook status first saw the state {state}', 'the metrics') for state, since, _last in states),
        *((last, f'The last run of the playbook status saw the state {state}', 'the metrics') for state, _since, last in states),
        *([(facts.read_at.strftime(TIME_FORMAT), f'The state is {_joined(get(facts.status, "state"), get(facts.status, "reason"))}',
            'this bundle')] if facts.status else []),
    ]
    timed = [(_parsed_time(text), what, source) for text, what, source in events]
    return [(time.strftime(TIME_FORMAT), what, source) for time, what, source in sorted(
        (event for event in timed if event[0]), key=lambda event: event[0])]


def _api_events(what: str, obj: Object | None, source: str) -> list[Row]:
    created, modified = get(obj, 'created_on'), get(obj, 'modified_on')
    return [(created, f'{what} was created', source), *([(modified, f'{what} was last changed', source)] if modified != created else [])]


def _seen_states(facts: BundleFacts) -> list[tuple[str, str, str | None]]:
    """[(state, since when, last seen)] of the circuit on its interconnect, by the metrics."""
    last = next((_text_of_time(value) for name, _labels, value in facts.samples if name == READ_AT), None)
    own = {'circuit': facts.circuit, 'interconnect': facts.interconnect_name}
    return [(labels.get('state', ''), _text_of_time(value), last) for name, labels, value in facts.samples
            if name == SINCE and own.items() <= labels.items()]


def _text_of_time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime(TIME_FORMAT)
    except (OverflowError, ValueError):
        return UNKNOWN


def _parsed_time(text: Any) -> datetime | None:
    """A time of RFC 3339, with its time zone; None for anything else. Python 3.10 takes three or six digits after the second only."""
    match = re.fullmatch(r'(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)', str(text))
    try:
        return match and datetime.fromisoformat(match[1] + match[2].replace('Z', '+00:00')).astimezone(timezone.utc)
    except (OverflowError, ValueError):
        return None


def unknown_facts(facts: BundleFacts) -> list[str]:
    """What the bundle does not know, each with the reason."""
    missing = [f'{part}: {why}' for part, why in facts.failures.items()]
    if facts.cni is None and 'CNIs' not in facts.failures:
        missing.append('The CNI: the account lists none of this name.')
    if facts.interconnect is None and 'interconnects' not in facts.failures:
        missing.append('The interconnect: the account does not list it.')
    if facts.tunnel is None and not {'health checks', 'interconnects'} & facts.failures.keys():
        missing.append('The tunnel: the account lists none for this interconnect.')
    state = get(facts.status, 'state')
    if state and state not in [state for state, _since, _last in _seen_states(facts)]:
        missing.append(f'Since when the state is {state}: the API reports no time, and no metrics of the playbook status have seen it.')
    missing.append('When the interconnect was ordered and the cross-connect was installed: the API reports no time.')
    missing.append('The health of the tunnel: the status is that of the port only. Alerts report the tunnel, if a policy sends them.')
    if not facts.router:
        missing.append('What the router sees: no traceroute and no counters were given.')
    return missing


# The archive.

def bundle_archive(facts: BundleFacts) -> bytes:
    """The bundle as a tar.gz: the Markdown, the objects as the API returned them, and the texts of the router.

    The same facts give the same bytes.
    """
    folder = file_name(facts.circuit)
    objects = {name: getattr(facts, name) for name in ('interconnect', 'cni', 'status', 'tunnel', 'routes', 'alerts')}
    files = {'bundle.md': bundle_markdown(facts), 'objects.json': json.dumps(without_secrets(objects), indent=2, sort_keys=True) + '\n'}
    files |= {f'router/{number:02}-{file_name(output.name)}.txt': output.text for number, output in enumerate(facts.router, 1)}
    packed = io.BytesIO()
    with (gzip.GzipFile(fileobj=packed, filename='', mode='wb', mtime=0) as zipped,
          tarfile.open(fileobj=zipped, mode='w', format=tarfile.PAX_FORMAT) as archive):
        for name, text in files.items():
            content = text.encode('utf-8', 'backslashreplace')
            member = tarfile.TarInfo(f'{folder}/{name}')
            member.size, member.mode, member.mtime = len(content), FILE_MODE, int(facts.read_at.timestamp())
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def without_suspicious_lines(text: str) -> str:
    """A router's output without the lines that may hold a secret of the router's own, which nobody can know."""
    return '\n'.join(LEFT_OUT if _SUSPICIOUS.search(line) else line for line in text.splitlines())
