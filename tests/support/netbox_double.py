# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collection netbox.netbox whose NetBox is a file: what the playbooks ask of it, without its checks. tests/netbox has a real one."""

from __future__ import annotations

import json
from pathlib import Path

LOOKUP = '''
import json, os
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        with open(os.environ['NETBOX_DOUBLE']) as file:
            objects = json.load(file).get(terms[0], [])
        wanted = [term.partition('=')[::2] for term in kwargs.get('api_filter', '').split()]
        values = {name: [value for other, value in wanted if other == name] for name, _value in wanted}
        return [obj for obj in objects if ('tag' not in values or values['tag'][0] in [tag['slug'] for tag in obj['tags']])
                and all(str(obj[name]) in values[name] for name in ('id', 'prefix', 'address', 'term_side') if name in values)]
'''
MODULE = '''
import json, os
from ansible.module_utils.basic import AnsibleModule

KIND, KEY = {kind!r}, {key!r}


def main():
    module = AnsibleModule(dict(netbox_url=dict(), netbox_token=dict(no_log=True), validate_certs=dict(type='raw'), state=dict(),
                                data=dict(type='dict')), supports_check_mode=True)
    data, path = module.params['data'], os.environ['NETBOX_DOUBLE']
    with open(path) as file:
        store = json.load(file)
    if data.get(KEY) in store['refused']:
        module.fail_json(msg='refused by NetBox')
    objects = store.setdefault(KIND, [])
    obj = next((obj for obj in objects if KEY and obj[KEY] == data[KEY]), None)
    if obj is None:
        objects.append(obj := {{'id': 100 + len(objects), 'custom_fields': {{}}, 'vrf': None}})
    status = {{'status': {{'value': data['status']}}}} if 'status' in data else {{}}
    tags = {{'tags': [{{'slug': tag}} for tag in data['tags']]}} if 'tags' in data else {{}}
    obj.update({{**data, **status, **tags, 'custom_fields': {{**obj['custom_fields'], **data.get('custom_fields', {{}})}}}})
    if not module.check_mode:
        with open(path, 'w') as file:
            json.dump(store, file)
    module.exit_json(changed=True)


if __name__ == '__main__':
    main()
'''
MODULES = {'netbox_circuit': ('circuits', 'cid'), 'netbox_journal_entry': ('journal-entries', None),
           'netbox_prefix': ('prefixes', 'prefix'), 'netbox_ip_address': ('ip-addresses', 'address')}


class NetboxDouble:
    """The collection and pynetbox in a folder, and the file. refused: circuit IDs of which no write is taken."""

    def __init__(self, folder: Path, circuits: list[dict], version: str = '3.21.0'):
        self.folder, self.file = folder, folder / 'netbox.json'
        root = folder / 'ansible_collections' / 'netbox' / 'netbox'
        sources = {f'modules/{name}.py': MODULE.format(kind=kind, key=key) for name, (kind, key) in MODULES.items()}
        for name, text in {**sources, 'lookup/nb_lookup.py': LOOKUP}.items():
            (root / 'plugins' / name).parent.mkdir(parents=True, exist_ok=True)
            (root / 'plugins' / name).write_text(text)
        (root / 'MANIFEST.json').write_text(json.dumps({'collection_info': {'namespace': 'netbox', 'name': 'netbox', 'version': version}}))
        (folder / 'pynetbox').mkdir()
        (folder / 'pynetbox' / '__init__.py').write_text('')
        networks = [{'id': 7, 'name': 'Newark', 'service_id': 'ewr-a', 'tags': []}]
        self.store(circuits=circuits, **{'provider-networks': networks}, refused=[])

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

    def environment(self, collections: str) -> dict[str, str]:
        """The variables that lead to it. collections: where Ansible looks for collections anyway."""
        return {'NETBOX_DOUBLE': str(self.file), 'ANSIBLE_COLLECTIONS_PATH': f'{collections}:{self.folder}', 'PYTHONPATH': str(self.folder),
                'NETBOX_API': 'https://netbox.example.com', 'NETBOX_TOKEN': 'planted-netbox-token'}


def planned_circuit(ident: int, cid: str, status: str = 'planned', priority: str | None = None, **fields: object) -> dict:
    """A circuit to Newark as nb_lookup returns it, in the circuit group 5 if it has a priority; fields: custom fields."""
    return {'id': ident, 'cid': cid, 'status': {'value': status}, 'commit_rate': 10_000_000, 'description': '', 'custom_fields': fields,
            'tags': [{'slug': 'cloudflare-cni'}], 'termination_a': None,
            'termination_z': {'termination_type': 'circuits.providernetwork', 'termination_id': 7},
            'assignments': [{'group': {'id': 5}, 'priority': {'value': priority}}] if priority else []}
