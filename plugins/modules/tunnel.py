#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: tunnel
short_description: Manage the tunnel over an interconnect
version_added: 1.1.0
description:
  - Sets what the tunnel over an interconnect has besides its health check, which M(netops.cloudflare_cni.health_check) sets. Both are one
    object, which the API calls a Magic interconnect; it is created and deleted with the interconnect.
  - The tunnel is found by the interconnect's C(virtual_port_reservation_id). Options that are not given leave it as it is.
  - M(netops.cloudflare_cni.health_check_info) lists the tunnels.
options:
  interconnect:
    description: The name of the interconnect.
    type: str
  conduit_name:
    description: The circuit, that is, the name of the CNI on the interconnect.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
  - netops.cloudflare_cni._circuit.tunnel
  - netops.cloudflare_cni._validate
'''

EXAMPLES = r'''
- name: Describe the tunnel of a circuit and set its MTU
  netops.cloudflare_cni.tunnel:
    conduit_name: nyc-1
    description: Newark, first of two
    mtu: 1476

- name: Accept the prefixes of the sites only
  netops.cloudflare_cni.bgp_filter_profile:
    name: from-sites
    match_action: allow
    targets: [10.20.0.0/16+]

- name: Filter what Cloudflare receives from the circuit
  netops.cloudflare_cni.tunnel:
    conduit_name: nyc-1
    import_filter: from-sites

- name: Remove the description and the filter
  netops.cloudflare_cni.tunnel:
    conduit_name: nyc-1
    clear: [description, import_filter]
'''

RETURN = r'''
tunnel:
  description: The Magic interconnect as Cloudflare returned it; in check mode as it would be.
  returned: success
  type: dict
  contains:
    id:
      description: The id that Cloudflare assigned.
      type: str
      returned: always
      sample: 1b2c3d4e5f60718293a4b5c6d7e8f901
    name:
      description: The name that Cloudflare assigned.
      type: str
      returned: when Cloudflare returns it
      sample: ewr-a-icon-7f3a
    virtual_port_reservation_id:
      description: The reserved port, which is also that of the interconnect, there with dashes.
      type: str
      returned: when Cloudflare returns it
      sample: 5d1b2c3d4e5f40718293a4b5c6d7e8f9
    colo_name:
      description: Where its port is.
      type: str
      returned: when Cloudflare returns it
      sample: ewr-a
    version:
      description: V(1), V(1.5) or V(2), as a text. Cloudflare chooses it, and it decides what the tunnel takes.
      type: str
      returned: when Cloudflare returns it
      sample: '1.5'
    description:
      description: Free text.
      type: str
      returned: when Cloudflare returns it
      sample: Newark, first of two
    mtu:
      description: The MTU in bytes.
      type: int
      returned: when Cloudflare returns it
      sample: 1476
    interface_address:
      description: Cloudflare's address in the tunnel.
      type: str
      returned: when Cloudflare returns it
      sample: 172.31.0.0/31
    automatic_return_routing:
      description: Whether responses return over the tunnel that the traffic came by.
      type: bool
      returned: when Cloudflare returns it
      sample: false
    health_check:
      description: The health check, as M(netops.cloudflare_cni.health_check) returns it.
      type: dict
      returned: when Cloudflare returns it
      sample: {enabled: true, rate: mid, type: reply}
    bgp:
      description: What the tunnel has of BGP, such as C(import_filter_id) and C(export_filter_id). Without its MD5 key.
      type: dict
      returned: when Cloudflare returns it
      sample: {import_filter_id: 6f1a2b3c4d5e40718293a4b5c6d7e8f9}
    created_on:
      description: When it was created.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
    modified_on:
      description: When it was last changed.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
applied:
  description: L(Writes before the failure, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#applied).
  returned: failure, if anything was
  type: list
  elements: dict
  sample: [{action: delete, object: CNI conduit_name=nyc-1}]
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import TUNNEL
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import TUNNEL_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'interconnect': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    **TUNNEL_OPTIONS,
    'validate': {'type': 'bool', 'default': False},
}


def main() -> None:
    run(manage_work(TUNNEL._replace(title='tunnel'), tunnel=None), ARGUMENT_SPEC, required_one_of=[('interconnect', 'conduit_name')])


if __name__ == '__main__':
    main()
