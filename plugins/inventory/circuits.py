# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: circuits
short_description: The circuits of an account as hosts
version_added: 1.0.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Each circuit is a host, named after its CNI. An interconnect without a CNI is a host too, under its own name. All are in the group
    C(circuits), which the playbooks of this collection work on.
  - The name of the file ends in C(cni.yml) or C(cni.yaml).
  - What the API reports of a circuit is in variables that start with C(cni_). MD5 keys are not among them.
  - What the role P(netops.cloudflare_cni.provision#role) and the playbooks take is in variables that start with C(provision_), so that
    they change nothing if they run over this inventory as it is. An interconnect without a CNI has C(provision_state=spare), which they
    leave alone, and C(provision_slot_id), by which it is found when a run sets V(present) or V(absent).
  - Names are data. One that Ansible could take for a template, for a file or for a name of its own, such as V(all), is percent-encoded as
    the name of its host, with a warning; C(provision_name) then has the real one.
  - A CNI that has no name or cannot be read is left out with a warning, and so is its interconnect.
  - If the API cannot be read and no cache has the answer, the command ends with exit status 1; it does not go on without the hosts.
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - netops.cloudflare_cni._api
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [netops.cloudflare_cni.circuits]
  api_token:
    env: [{name: CLOUDFLARE_API_TOKEN}]
  api_key:
    env: [{name: CLOUDFLARE_API_KEY}]
  api_email:
    env: [{name: CLOUDFLARE_EMAIL}]
  account_id:
    env: [{name: CLOUDFLARE_ACCOUNT_ID}]
  api_url:
    env: [{name: CLOUDFLARE_BASE_URL}]
  site:
    description: Only circuits of this site, such as V(ewr-a). The API filters.
    type: str
  type:
    description: Only circuits of this type. The API filters.
    type: str
    choices: [direct, gcp_partner]
  facility:
    description: Only circuits in the facility of this full name, such as V(Equinix NY1), case-insensitive.
    type: str
  address_contains:
    description: Only circuits in a facility with this text in its address, case-insensitive.
    type: str
  speed:
    description: Only circuits of this speed, such as V(10G).
    type: str
  status:
    description: Whether to read the status of each interconnect too, one request for each.
    type: bool
    default: false
notes:
  - Credentials, O(account_id) and O(api_url) may be templates.
  - If O(account_id) or O(api_url) is another than that of the environment, hosts have it in C(provision_account_id) or
    C(provision_api_url). Playbooks then work on the account that the hosts are of. Credentials are in no variable of theirs.
  - Hosts have C(ansible_connection=local) and the interpreter that runs Ansible, as the collection talks to an API.
'''

EXAMPLES = r'''
# cni.yml
plugin: netops.cloudflare_cni.circuits
status: true
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: .cache
cache_timeout: 3600
keyed_groups:
  - key: cni_site
    prefix: site
  - key: cni_facility
    prefix: facility
  - key: cni_device
    prefix: device
  - key: cni_type
    prefix: type
  - key: cni_speed
    prefix: speed
  - key: cni_state
    prefix: state
groups:
  dark: cni_state != 'Healthy'
  unused: provision_state == 'spare'
compose:
  provision_wait_for: "['Healthy']"
'''

import os
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.netops.cloudflare_cni.plugins.filter.hosts import role_variables
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import gathered_circuits
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._connection import connect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, ROUTE, TUNNEL
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._results import without_secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import Secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import matches_selector
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import SPARE, drop_empty
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import wait_for_states
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import host_name, is_template
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import connection_of, connection_of_run

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every string is a template

    def trust_as_template(value: str) -> str:
        return value


LOCAL_CONNECTION = {'ansible_connection': 'local', 'ansible_python_interpreter': '{{ ansible_playbook_python }}'}
FILE_ENDINGS = ('cni.yml', 'cni.yaml')
CREDENTIAL_OPTIONS = ('api_token', 'api_key', 'api_email', 'account_id', 'api_url')
CONNECTION_OPTIONS = (*CREDENTIAL_OPTIONS, 'timeout', 'retry_timeout', 'requests_per_window', 'validate_certs', 'ca_path')
API_FILTERS = ('site', 'type')  # the API filters by these
LOCAL_FILTERS = ('facility', 'address_contains', 'speed')
GROUP = 'circuits'  # of the playbooks

# {variable: path in the object} of an interconnect, a CNI and a status.
INTERCONNECT_FACTS = {'type': 'type', 'site': 'site', 'region': 'region', 'facility': 'facility.name', 'address': 'facility.address',
                      'device': 'ccr_device_name', 'speed': 'speed', 'slot_id': 'slot_id', 'interconnect': 'name'}
CNI_FACTS = {'id': 'id', 'description': 'magic.description', 'mtu': 'magic.mtu', 'bgp': 'bgp', 'bgp_mode': 'bgp_mode', 'cust_ip': 'cust_ip',
             'p2p_ip': 'p2p_ip'}
STATUS_FACTS = {'state': 'state', 'reason': 'reason'}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = 'netops.cloudflare_cni.circuits'

    def verify_file(self, path: str) -> bool:
        """Whether the name is that of a file for this plugin. Warns of a file that names the plugin and is called otherwise."""
        if not super().verify_file(path):
            return False
        if path.endswith(FILE_ENDINGS):
            return True
        if _names_plugin(path, self.NAME):
            self.display.warning(f'{path} is an inventory of {self.NAME}: its name must end in {" or ".join(FILE_ENDINGS)}.')
        return False

    def parse(self, inventory, loader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        circuits = self._circuits(self.get_cache_key(path), cache)
        composed = map(self._sanitize_group_name, self.get_option('groups') or ())
        self.inventory.add_group(GROUP)
        reserved = {*self.inventory.groups, 'all', 'ungrouped', *constants.LOCALHOST, *composed}
        named = self._named_account()
        hosts = [self._add_host(name, host_name(name, reserved), {**variables, **named}) for name, variables in circuits.items()]
        # After all hosts: a group with the name of a host then gets none of its variables.
        for group in (self._add_host_to_composed_groups, self._add_host_to_keyed_groups):
            option = self.get_option('groups' if group == self._add_host_to_composed_groups else 'keyed_groups')
            for host in hosts:
                group(option, self.inventory.get_host(host).get_vars(), host, strict=self.get_option('strict'))

    def _circuits(self, key: str, cache: bool) -> dict[str, dict[str, Any]]:
        """{host: variables}, from the cache if it is used and has them."""
        use_cache = self.get_option('cache')
        circuits = self._cache.get(key) if use_cache and cache else None
        if circuits is not None:
            return circuits
        try:
            circuits = self._read_circuits()
        except CniError as error:
            return self._cached_circuits(key, error)
        if use_cache:
            self._cache[key] = circuits
        return circuits

    def _cached_circuits(self, key: str, error: CniError) -> dict[str, dict[str, Any]]:
        """The circuits of an earlier run.

        Without a cache the command ends: Ansible would go on without the hosts of a source that fails.
        """
        if self.get_option('cache'):
            self.set_option('cache_timeout', 0)
            self.load_cache_plugin()
            circuits = self._cache.get(key)
            if circuits is not None:
                self.display.warning(f'{self.NAME}: using the circuits of an earlier run from the cache, because: {error}')
                return circuits
        self.display.error(f'{self.NAME}: {error}', wrap_text=False)
        raise SystemExit(1)

    def _read_circuits(self) -> dict[str, dict[str, Any]]:
        params = drop_empty({name: self._connection_option(name) for name in CONNECTION_OPTIONS})
        secrets = Secrets(params[name] for name in ('api_token', 'api_key') if params.get(name))
        client = connect({name: params.get(name) for name in CONNECTION_OPTIONS}, self.display.warning, secrets)
        filters = drop_empty({name: self.get_option(name) for name in (*API_FILTERS, *LOCAL_FILTERS)})
        query = {name: filters.get(name) for name in API_FILTERS}
        interconnects = Snapshot({('interconnect', None): read_objects(client, 'interconnect', None, query)}).objects('interconnect')
        matching = [interconnect for interconnect in interconnects
                    if all(matches_selector(interconnect, *item) for item in filters.items())]
        statuses = wait_for_states(client, {interconnect['name']: () for interconnect in matching}, 0) if self.get_option('status') else {}
        return _hosts_of(client, {interconnect['name']: interconnect for interconnect in matching}, statuses)

    def _named_account(self) -> dict[str, str]:
        """The variables that name the account of this source, as far as the environment, which playbooks would use, names another."""
        options = ('account_id', 'api_url')
        named = {name: str(value) for name in options if (value := self._connection_option(name))}
        of_run = connection_of_run({}, os.environ)
        pairs = zip(options, connection_of(named, of_run).account, of_run.account, strict=True)
        return {f'provision_{name}': named[name] for name, own, other in pairs if own != other}

    def _connection_option(self, name: str) -> Any:
        value = self.get_option(name)
        return self.templar.template(value) if name in CREDENTIAL_OPTIONS and isinstance(value, str) else value

    def _add_host(self, name: str, host: str, variables: Mapping[str, Any]) -> str:
        """Adds the host of a circuit, with its variables."""
        self.inventory.add_host(host, GROUP)
        connection = {name: trust_as_template(value) for name, value in LOCAL_CONNECTION.items()}
        true_name = {'provision_name': name} if host != name else {}
        if true_name:
            self.display.warning(f'{self.NAME}: {name!r} cannot be the name of a host. Its host is named {host!r}.')
        for variable, value in {**connection, **_as_data({**variables, **true_name})}.items():
            self.inventory.set_variable(host, variable, value)
        host_variables = self.inventory.get_host(host).get_vars()
        self._set_composite_vars(self.get_option('compose'), host_variables, host, strict=self.get_option('strict'))
        return host


def _as_data(value: Any) -> Any:
    """Values of the API as data. Only what reads like a template is marked as unsafe: exports of the inventory show the marks.

    A key can't be marked permanently: it is percent-encoded.
    """
    if isinstance(value, dict):
        return {host_name(name) if is_template(name) else name: _as_data(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_data(inner) for inner in value]
    if not isinstance(value, str):
        return value
    return wrap_var(value) if is_template(value) else trust_as_template(value)


def _names_plugin(path: str, name: str) -> bool:
    try:
        with open(path, errors='replace') as file:
            return f'plugin: {name}' in file.read(10_000)
    except OSError:
        return False


def _hosts_of(client: Client, interconnects: Mapping[str, Object], statuses: Mapping[str, Object]) -> dict[str, dict[str, Any]]:
    """{name: variables} of the circuits on the interconnects, and of the interconnects without one."""
    snapshot = Snapshot({('interconnect', None): interconnects.values()})
    gathered = observe(client, gathered_circuits, snapshot, prefetch=(CNI.name, TUNNEL.name, ROUTE.name))
    circuits = {circuit['name']: circuit for circuit in gathered}
    cnis = observe(client, lambda snapshot: snapshot.objects(CNI.name), snapshot)
    in_use = {cni.get('interconnect') for cni in (*cnis, *snapshot.unreadable(CNI.name))}
    pairs = [(cni, interconnects.get(cni.get('interconnect')), circuits.get(get(cni, 'magic.conduit_name'))) for cni in cnis]
    pairs = [(cni, interconnect, circuit) for cni, interconnect, circuit in pairs if interconnect and circuit]
    variables = {circuit['name']: {**_facts(interconnect, statuses, cni), **role_variables(circuit)}
                 for cni, interconnect, circuit in pairs}
    spare = {name: {**_facts(interconnect, statuses), **_spare_variables(interconnect)} for name, interconnect in interconnects.items()
             if name not in in_use}
    for name in spare.keys() & variables.keys():
        client.warn(f'The interconnect {name} has no CNI, but the CNI of another interconnect has its name: the interconnect is left out.')
    return {**spare, **variables}


def _spare_variables(interconnect: Object) -> dict[str, Any]:
    slot = interconnect.get('slot_id')
    return {'provision_state': SPARE, **({'provision_slot_id': slot} if slot else {'provision_interconnect': interconnect['name']})}


def _facts(interconnect: Object, statuses: Mapping[str, Object], cni: Object | None = None) -> dict[str, Any]:
    sources = ((INTERCONNECT_FACTS, interconnect), (CNI_FACTS, without_secrets(cni)),
               (STATUS_FACTS, statuses.get(interconnect['name'])))
    return {f'cni_{name}': get(obj, path) for names, obj in sources for name, path in names.items() if get(obj, path) is not None}
