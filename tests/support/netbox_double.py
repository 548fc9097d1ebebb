# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NetBox that is a file: what the playbooks read by netbox.netbox and write by its REST API, without NetBox's checks.

tests/netbox has a real one.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

from support.ansible_runs import WITH_COLLECTIONS

TOKEN = 'nbt_planted.netbox-token'
OLD_TOKEN = 'planted-token-as-before-netbox-4.5'
FILTERS = ('id', 'prefix', 'address', 'term_side')  # besides tag; others are not looked at


class NetboxDouble:
    """The file, and the part of NetBox's REST API that the playbooks use. It ends with stop().

    refused: circuit IDs of which no write is taken; requests: {method, path, body} of the writes that were sent.
    """

    def __init__(self, folder: Path, circuits: list[dict]):
        self.file, self.requests = folder / 'netbox.json', []
        networks = [{'id': 7, 'name': 'Newark', 'service_id': 'ewr-a', 'tags': []}]
        self.store(circuits=circuits, **{'provider-networks': networks}, refused=[])
        self._server = ThreadingHTTPServer(('127.0.0.1', 0), type('Handler', (_Handler,), {'netbox': self}))
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def read(self, kind: str, filters: dict[str, list[str]]) -> list[dict]:
        """The objects of a kind that a query selects."""
        return [obj for obj in self.objects(kind) if ('tag' not in filters or filters['tag'][0] in [tag['slug'] for tag in obj['tags']])
                and all(str(obj[name]) in filters[name] for name in FILTERS if name in filters)]

    def write(self, method: str, kind: str, body: list[dict]) -> tuple[int, list[dict]]:
        """The status and the answer of a request that writes some objects: all of them or none."""
        store = json.loads(self.file.read_text())
        refused = {obj['id'] for obj in store['circuits'] if obj['cid'] in store['refused']}
        objects = store.setdefault(kind, [])
        errors = [{'status': ['refused by NetBox']} if {item.get('id'), item.get('assigned_object_id')} & refused else {} for item in body]
        if any(errors):
            return 400, errors
        made = [{'id': 100 + len(objects) + number, 'custom_fields': {}, 'vrf': None, 'tags': []} for number in range(len(body))]
        targets = made if method == 'POST' else [next(obj for obj in objects if obj['id'] == item['id']) for item in body]
        for obj, item in zip(targets, body, strict=True):
            status = {'status': {'value': item['status']}} if 'status' in item else {}
            obj.update({**item, **status, 'custom_fields': {**obj['custom_fields'], **item.get('custom_fields', {})}})
        self.store(**{kind: objects + (made if method == 'POST' else [])})
        return (201 if method == 'POST' else 200), targets

    def store(self, **lists: list) -> None:
        """Replaces lists of objects."""
        self.file.write_text(json.dumps({**(json.loads(self.file.read_text()) if self.file.exists() else {}), **lists}))

    def objects(self, kind: str) -> list[dict]:
        """The objects of a kind as stored."""
        return json.loads(self.file.read_text()).get(kind, [])

    def circuit(self, cid: str) -> dict:
        """A circuit, its status and custom fields as simple values."""
        obj = next(obj for obj in self.objects('circuits') if obj['cid'] == cid)
        fields = {name: value for name, value in obj['custom_fields'].items() if value not in (None, '')}
        return {'status': obj['status']['value'], **fields}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead to it."""
        return WITH_COLLECTIONS | {'NETBOX_API': f'http://127.0.0.1:{self._server.server_port}/', 'NETBOX_TOKEN': TOKEN}


def planned_circuit(ident: int, cid: str, status: str = 'planned', priority: str | None = None, **fields: object) -> dict:
    """A circuit to Newark as nb_lookup returns it, in the circuit group 5 if it has a priority; fields: custom fields."""
    return {'id': ident, 'cid': cid, 'status': {'value': status}, 'commit_rate': 10_000_000, 'description': '', 'custom_fields': fields,
            'tags': [{'slug': 'cloudflare-cni'}], 'termination_a': None,
            'termination_z': {'termination_type': 'circuits.providernetwork', 'termination_id': 7},
            'assignments': [{'group': {'id': 5}, 'priority': {'value': priority}}] if priority else []}


class _Handler(BaseHTTPRequestHandler):
    """Lists objects, and takes lists of them, for whoever has a token."""

    netbox: NetboxDouble

    def _handle(self) -> None:
        path, _separator, query = self.path.partition('?')
        kind = path.strip('/').rpartition('/')[2]
        status, answer = 403, {'detail': 'Invalid token'}
        if self.command != 'GET':
            body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
            self.netbox.requests.append({'method': self.command, 'path': self.path, 'body': body})
        if self.headers['Authorization'] in (f'Bearer {TOKEN}', f'Token {OLD_TOKEN}'):
            if self.command == 'GET':
                results = self.netbox.read(kind, parse_qs(query))
                status, answer = 200, {'count': len(results), 'next': None, 'previous': None, 'results': results}
            else:
                status, answer = self.netbox.write(self.command, kind, body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {'API-Version': '4.5', 'Content-Type': 'application/json', 'Content-Length': len(content)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _handle

    def log_message(self, *args: object) -> None:
        """Nothing: the tests look at requests."""
