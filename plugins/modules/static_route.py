#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: static_route
short_description: Manage a static route to a circuit
version_added: 1.1.0
description:
  - Creates, changes or deletes a static route of Magic Transit and Cloudflare WAN. A CNI without BGP carries traffic by such routes only.
  - The longest prefix wins, then the lowest O(priority). Routes of one prefix and priority share the traffic (ECMP) by O(weight). At the
    same prefix and priority a static route wins over a BGP route, which has the priority 100.
  - A route is found by O(prefix) and next hop, and by O(scope) if that is given. What is not given is left as it is. Cloudflare
    replaces the whole route on a change, so it is sent the route as read, with the given fields in it.
  - What Cloudflare stored is compared with what was requested. A field that was not applied is a failure that names it.
  - The routes of a circuit can also be declared with it, see O(netops.cloudflare_cni.rollout#module:circuits[].routes).
options:
  id:
    description:
      - The id that Cloudflare assigned to the route. O(prefix) or a next hop given with it are set on that route.
    type: str
  prefix:
    description:
      - The IPv4 prefix. Host bits are cleared with a warning. Cloudflare takes prefixes of RFC 1918, others if your account team has
        allowed them. Required unless O(id) is given.
    type: str
  nexthop:
    description:
      - The IPv4 address of the next hop, which is the customer's end of a tunnel. C(cust_ip) of a CNI may be given with its prefix length.
    type: str
  conduit_name:
    description:
      - The circuit to route to, instead of O(nexthop).
      - Cloudflare does not document which address of a CNI is the next hop. That it is the customer's end of the link, C(cust_ip), is
        inferred from an exported account. If yours differs, give O(nexthop).
      - With O(state=absent) and no such circuit there is nothing to delete.
    type: str
  state:
    description:
      - Whether the route exists.
    type: str
    choices: [present, absent]
    default: present
  priority:
    description:
      - The lowest wins. 100 on a new route if not given.
    type: int
  weight:
    description:
      - The share of the traffic among routes of one prefix and priority, 1 to 256. Cloudflare chooses one if it was never given.
    type: int
  scope:
    description:
      - Where the route counts, by data centres of Cloudflare. Cloudflare uses it for routes that share traffic (ECMP) only.
      - Routes of one prefix and next hop differ in it. If it is given, it selects the route with this very scope; V({}) is the route
        without one. To change the scope of a route, give its O(id) too.
    type: dict
    suboptions:
      colo_names:
        description: Names of data centres, such as V(den01). They are compared as a set.
        type: list
        elements: str
      colo_regions:
        description: Regions, such as V(ENAM). They are compared as a set.
        type: list
        elements: str
  description:
    description:
      - Free text.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Route a site to its circuit
  netops.cloudflare_cni.static_route:
    prefix: 10.20.0.0/16
    conduit_name: nyc-1
    description: Branch offices

- name: Keep another circuit as its backup
  netops.cloudflare_cni.static_route:
    prefix: 10.20.0.0/16
    conduit_name: nyc-2
    priority: 200

- name: Send three quarters over one circuit, a quarter over the other
  netops.cloudflare_cni.static_route:
    prefix: 10.30.0.0/16
    conduit_name: "{{ item.circuit }}"
    weight: "{{ item.weight }}"
  loop:
    - {circuit: nyc-1, weight: 192}
    - {circuit: nyc-2, weight: 64}

- name: Delete the backup
  netops.cloudflare_cni.static_route:
    prefix: 10.20.0.0/16
    conduit_name: nyc-2
    state: absent
'''

RETURN = r'''
route:
  description: The route as Cloudflare returned it; in check mode as it would be. Null if it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: The id that Cloudflare assigned.
      type: str
      returned: always
      sample: c4a7362d577a6c3019a474fd6f485821
    prefix:
      description: The prefix.
      type: str
      returned: always
      sample: 10.20.0.0/16
    nexthop:
      description: The next hop.
      type: str
      returned: always
      sample: 172.31.0.1
    priority:
      description: The priority; the lowest wins.
      type: int
      returned: always
      sample: 100
    weight:
      description: The share among routes of one priority.
      type: int
      returned: when Cloudflare returns it
      sample: 128
    scope:
      description: Where the route counts.
      type: dict
      returned: when Cloudflare returns it
      sample: {colo_regions: [ENAM]}
    description:
      description: Free text.
      type: str
      returned: when Cloudflare returns it
      sample: Branch offices
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ROUTE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import ROUTE_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'id': {'type': 'str'},
    'nexthop': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    **ROUTE_OPTIONS,
}


def main() -> None:
    run(manage_work(ROUTE, route=None), ARGUMENT_SPEC, required_one_of=[('id', 'prefix'), ('id', 'nexthop', 'conduit_name')],
        mutually_exclusive=[('nexthop', 'conduit_name')])


if __name__ == '__main__':
    main()
