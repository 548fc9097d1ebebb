#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: interconnect
short_description: Order and delete an interconnect, a private port into Cloudflare's network
version_added: 1.0.0
description:
  - Orders an interconnect on a free slot (V(direct)), attaches one from Google Cloud by a pairing key (V(gcp_partner)), or deletes it.
  - An existing interconnect is looked for first, by O(name), O(slot_id) and the CNI that it carries (O(conduit_name)), which must not lead
    to different ones, and otherwise by O(slot), or by the region of O(pairing_key) and O(bandwidth). One is ordered only if there is none.
    With O(conduit_name), an interconnect that carries another circuit is not used.
  - Cloudflare names the interconnect, and every field of it is immutable. A difference is a failure that names the field, unless
    O(on_immutable=replace).
  - Cloudflare never returns the pairing key, so O(conduit_name) or O(name) is the only difference between two attachments of one region
    and bandwidth.
  - An order is never repeated blindly. After a lost response the interconnect is looked up first.
options:
  name:
    description:
      - The name that Cloudflare gave the interconnect. None can be ordered by name.
      - With O(on_immutable=replace) it may be the name of an interconnect that was replaced and no longer exists.
    type: str
  conduit_name:
    description: The circuit that the interconnect is for, that is, the name of the CNI on it.
    type: str
  state:
    description:
      - Whether the interconnect exists.
      - V(absent) deletes the interconnect that O(name), O(slot_id) or O(conduit_name) leads to, never one that only matches O(slot). The
        CNI of O(conduit_name) is deleted first; any other CNI on it is an error.
      - If only that CNI leads to the interconnect, this is noted in the description of the tunnel first, so that after an interruption the
        next run finds what is left.
    type: str
    choices: [present, absent]
    default: present
  force:
    default: false
  protect:
    default: last
  traffic:
    default: false
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
  - netops.cloudflare_cni._circuit.interconnect
  - netops.cloudflare_cni._delete
'''

EXAMPLES = r'''
- name: Order a port in Newark, or find the one that exists
  netops.cloudflare_cni.interconnect:
    conduit_name: nyc-1
    slot:
      site: ewr-a
      speed: 10G
  register: first

- name: Order a second port on another device
  netops.cloudflare_cni.interconnect:
    conduit_name: nyc-2
    slot:
      site: ewr-a
      speed: 10G
      diverse_from:
        - "{{ first.interconnect.name }}"
  register: second

- name: Order a port on a slot chosen by hand
  netops.cloudflare_cni.interconnect:
    slot_id: "{{ second.interconnect.slot_id }}"

- name: Attach a VLAN attachment of Google Cloud
  netops.cloudflare_cni.interconnect:
    conduit_name: gcp-1
    type: gcp_partner
    pairing_key: 7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2
    bandwidth: 1G

- name: Delete the second port
  netops.cloudflare_cni.interconnect:
    name: "{{ second.interconnect.name }}"
    state: absent
'''

RETURN = r'''
interconnect:
  description:
    - The interconnect as Cloudflare returned it; in check mode as it would be, with V((known after apply\)) for what only Cloudflare can
      assign.
    - Null if it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name, assigned by Cloudflare.
      type: str
      returned: always
      sample: ewr-a-icon-7f3a
    type:
      description: V(direct) or V(gcp_partner).
      type: str
      returned: always
      sample: direct
    account:
      description: The account that it belongs to.
      type: str
      returned: when Cloudflare returns it
      sample: 0123456789abcdef0123456789abcdef
    owner:
      description: Its owner.
      type: str
      returned: when Cloudflare returns it
      sample: 0123456789abcdef0123456789abcdef
    slot_id:
      description: The slot that it is on.
      type: str
      returned: for V(direct)
      sample: 2f3a4b5c-6d7e-4f80-9a1b-2c3d4e5f6071
    site:
      description: The site of the slot.
      type: str
      returned: for V(direct)
      sample: ewr-a
    facility:
      description: The facility of the slot, with the lines of its address.
      type: dict
      returned: for V(direct)
      sample: {name: Equinix NY1, address: ['165 Halsey Street, Newark NJ 07102', United States]}
    ccr_device_name:
      description: Cloudflare's device that the port is on.
      type: str
      returned: when Cloudflare returns it
      sample: edge01.ewr-a
    speed:
      description: The speed of the port, or the bandwidth of V(gcp_partner).
      type: str
      returned: when Cloudflare returns it
      sample: 10G
    region:
      description: The region in Google Cloud.
      type: str
      returned: for V(gcp_partner)
      sample: us-east4
    pairing_key:
      description: Always V((hidden\)).
      type: str
      returned: in check mode, for V(gcp_partner)
      sample: (hidden)
    virtual_port_reservation_id:
      description: The id that it shares with its Magic interconnect, where the health check is.
      type: str
      returned: always
      sample: 5d1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9
addresses:
  description: The addresses of a circuit that was replaced, to be changed on the router too.
  returned: if a circuit was replaced
  type: dict
  sample:
    cust_ip: {before: 172.31.0.1/31, after: 172.31.0.3/31}
    p2p_ip: {before: 172.31.0.0/31, after: 172.31.0.2/31}
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import INTERCONNECT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import DELETE_OPTIONS, INTERCONNECT_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'name': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    **INTERCONNECT_OPTIONS,
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    **DELETE_OPTIONS,
}


def main() -> None:
    run(manage_work(INTERCONNECT, interconnect=None), ARGUMENT_SPEC,
        required_one_of=[('name', 'slot_id', 'conduit_name', 'slot', 'pairing_key')])


if __name__ == '__main__':
    main()
