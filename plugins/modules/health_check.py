#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: health_check
short_description: Manage the health check of an interconnect
version_added: 1.0.0
description:
  - Sets how Cloudflare probes the tunnel over an interconnect. The tunnel, which the API calls a Magic interconnect, is created and deleted
    with the interconnect. O(enabled=false) turns the check off.
  - The tunnel is found by the interconnect's C(virtual_port_reservation_id). Options that are not given leave the check as it is.
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
  - netops.cloudflare_cni._circuit.health_check
  - netops.cloudflare_cni._validate
'''

EXAMPLES = r'''
- name: Probe often
  netops.cloudflare_cni.health_check:
    conduit_name: nyc-1
    enabled: true
    rate: high
    type: request

- name: Probe in both directions over the tunnel
  netops.cloudflare_cni.health_check:
    conduit_name: nyc-1
    direction: bidirectional
    source: 169.254.240.10  # for a tunnel of version 1.5 only

- name: Ask Cloudflare whether it would take a change, without making it
  netops.cloudflare_cni.health_check:
    conduit_name: nyc-1
    target: 192.0.2.1
    validate: true
  check_mode: true

- name: Stop probing during maintenance
  netops.cloudflare_cni.health_check:
    conduit_name: nyc-1
    enabled: false
'''

RETURN = r'''
health_check:
  description: The health check as Cloudflare returned it; in check mode as it would be.
  returned: success
  type: dict
  contains:
    enabled:
      description: Whether Cloudflare probes.
      type: bool
      returned: when Cloudflare returns it
      sample: true
    rate:
      description: V(low), V(mid) or V(high).
      type: str
      returned: when Cloudflare returns it
      sample: mid
    type:
      description: V(reply) or V(request).
      type: str
      returned: when Cloudflare returns it
      sample: reply
    direction:
      description: V(unidirectional) or V(bidirectional).
      type: str
      returned: when Cloudflare returns it
      sample: unidirectional
    target:
      description: The address that was set as C(saved), empty if Cloudflare calculates it, and the address that is probed as C(effective).
      type: dict
      returned: when Cloudflare returns it
      sample: {saved: "", effective: 172.31.0.1}
    source:
      description: The address that V(bidirectional) probes come from.
      type: str
      returned: when Cloudflare returns it
      sample: 172.31.0.0
tunnel:
  description: The whole Magic interconnect that the check belongs to.
  returned: success
  type: dict
  sample:
    id: 1b2c3d4e5f60718293a4b5c6d7e8f901
    name: ewr-a-icon-7f3a
    virtual_port_reservation_id: 5d1b2c3d4e5f40718293a4b5c6d7e8f9
    health_check: {enabled: true, rate: mid, type: reply}
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import HEALTH_CHECK_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'interconnect': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    **HEALTH_CHECK_OPTIONS,
    'validate': {'type': 'bool', 'default': False},
}


def main() -> None:
    run(manage_work(TUNNEL, tunnel=None, health_check='health_check'), ARGUMENT_SPEC, required_one_of=[('interconnect', 'conduit_name')])


if __name__ == '__main__':
    main()
