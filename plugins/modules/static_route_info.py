#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: static_route_info
short_description: Read static routes
version_added: 1.1.0
description:
  - Returns the static routes of the account, all or those that match the options.
  - No match is an empty list, not a failure.
options:
  prefix:
    description:
      - Only routes of this very prefix.
    type: str
  nexthop:
    description:
      - Only routes to this address.
    type: str
  conduit_name:
    description:
      - Only routes to this circuit, that is, to the customer's end of its CNI.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read the routes to a circuit
  netops.cloudflare_cni.static_route_info:
    conduit_name: nyc-1
  register: routed

- name: Show their prefixes
  ansible.builtin.debug:
    msg: "{{ routed.routes | map(attribute='prefix') }}"
'''

RETURN = r'''
routes:
  description: The routes, as M(netops.cloudflare_cni.static_route) returns one, in the order of prefix and priority.
  returned: success
  type: list
  elements: dict
  sample:
    - {id: c4a7362d577a6c3019a474fd6f485821, prefix: 10.20.0.0/16, nexthop: 172.31.0.1, priority: 100, weight: 128}
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ROUTE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import sort_key_of_route
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work

ARGUMENT_SPEC = {
    'prefix': {'type': 'str'},
    'nexthop': {'type': 'str'},
    'conduit_name': {'type': 'str'},
}


def main() -> None:
    run(info_work(ROUTE, 'routes', sort_key=sort_key_of_route), ARGUMENT_SPEC)


if __name__ == '__main__':
    main()
