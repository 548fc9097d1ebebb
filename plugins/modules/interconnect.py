#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: interconnect
short_description: Order and give up an interconnect, a private port into Cloudflare's network
version_added: 1.0.0
description:
  - Orders an interconnect on a free slot (V(direct)), attaches one from Google Cloud with a pairing key (V(gcp_partner)), or gives it up.
  - An interconnect that exists is looked for first - by O(name), O(slot_id) and the CNI it carries (O(conduit_name)), which must not lead
    to different ones, or else as the one that meets O(slot), or is in the region of O(pairing_key) with O(bandwidth). Only if there is
    none is one ordered. With O(conduit_name), an interconnect that carries another circuit is not taken.
  - Cloudflare gives an interconnect its name, and has no call that changes one. What differs from what is asked for is a failure that
    names it, unless O(on_immutable=replace).
  - An order is never repeated blindly. After a lost answer the module looks whether the interconnect is there.
options:
  name:
    description:
      - The name that Cloudflare gave the interconnect. Nothing can be ordered under a name.
    type: str
  slot_id:
    description:
      - The id of a slot, see M(netops.cloudflare_cni.slots_info). If it carries no interconnect of this account, one is ordered on it.
    type: str
  conduit_name:
    description:
      - The circuit that the interconnect is for, that is, the name of the CNI on it.
    type: str
  slot:
    description:
      - What the interconnect has to meet. One that exists and meets it is taken before a free slot is ordered.
      - An interconnect that was found otherwise is checked against it.
      - A slot that meets it, that this account has taken, and on which no interconnect is listed, may be an order that Cloudflare does not
        list yet. It is waited for within O(retry_timeout), and no other slot is ordered. If it never is listed, the task fails with
        C(kind) V(not_yet) and the slot in C(slot_id).
    type: dict
    suboptions:
      site:
        description: The site, such as V(ewr-a).
        type: str
      facility:
        description:
          - The whole name of the facility, such as V(Equinix NY1), without regard to case.
          - V(different) is any in which nothing of O(slot.diverse_from) is. What has no facility on record does not count.
        type: str
      address_contains:
        description: Text in the address of the facility, without regard to case.
        type: str
      speed:
        description: The speed of the port, such as V(10G). O(speed) if not given.
        type: str
      diverse_from:
        description:
          - Interconnects, or circuits by their conduit names, to keep away from. They have to exist.
          - A slot on a device of theirs is never taken; where a device is not told, none in their facility. Among the slots that are
            left, one in another facility is taken first.
        type: list
        elements: str
  type:
    description:
      - V(direct) is a port in a data centre, V(gcp_partner) an attachment in Google Cloud. Follows from the other options if not given.
    type: str
    choices: [direct, gcp_partner]
  speed:
    description:
      - The speed to order on the slot, such as V(10G) or V(100G), V(direct) only.
    type: str
  pairing_key:
    description:
      - The key that Google Cloud shows for a VLAN attachment, C(uuid/region/availability-domain). Needed to create V(gcp_partner).
      - Cloudflare never returns it, so two attachments of one region and bandwidth are told apart by O(conduit_name) or O(name) only.
    type: str
  bandwidth:
    description:
      - The bandwidth of V(gcp_partner). Needed to create one.
    type: str
    choices: [50M, 100M, 200M, 300M, 400M, 500M, 1G, 2G, 5G, 10G, 20G, 50G]
  state:
    description:
      - Whether the interconnect is there.
      - An interconnect is given up only by O(name), O(slot_id) or O(conduit_name), never by O(slot). A CNI on it is a refusal, but for
        the one of O(conduit_name), which is deleted first. Where neither O(name) nor O(slot_id) leads to the interconnect, the description
        of its tunnel says so before. So a run that was interrupted in between can be run again and finds what is left.
    type: str
    choices: [present, absent]
    default: present
  on_immutable:
    description:
      - What to do if the interconnect differs in what can't be changed, such as its slot or speed.
      - V(fail) says in what. V(replace) gives the interconnect up as O(state=absent) does, and orders another one. It may need another
        cross-connect, and weeks. If nothing has O(name) any more, as after a replacement, that is not an error then.
      - The CNI of O(conduit_name) is created again on the new interconnect, with the description, MTU, BGP and health check that it had.
        Its addresses are new. RV(addresses) has both, and a warning says so.
    type: str
    choices: [fail, replace]
    default: fail
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
  - netops.cloudflare_cni._delete
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: A port in Newark, or the one we have there
  netops.cloudflare_cni.interconnect:
    conduit_name: nyc-1
    slot:
      site: ewr-a
      speed: 10G
  register: first

- name: A second one on another device
  netops.cloudflare_cni.interconnect:
    conduit_name: nyc-2
    slot:
      site: ewr-a
      speed: 10G
      diverse_from:
        - "{{ first.interconnect.name }}"
  register: second

- name: A port on a slot that was chosen by hand
  netops.cloudflare_cni.interconnect:
    slot_id: "{{ second.interconnect.slot_id }}"

- name: An attachment from Google Cloud
  netops.cloudflare_cni.interconnect:
    conduit_name: gcp-1
    type: gcp_partner
    pairing_key: 7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2
    bandwidth: 1G

- name: Give the second one up
  netops.cloudflare_cni.interconnect:
    name: "{{ second.interconnect.name }}"
    state: absent
'''

RETURN = r'''
interconnect:
  description:
    - The interconnect as Cloudflare returned it; in check mode as it would be, with V((known after apply\)) for what only
      Cloudflare can assign.
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
      description: The account it belongs to.
      type: str
      returned: when Cloudflare returns it
      sample: 0123456789abcdef0123456789abcdef
    owner:
      description: Its owner.
      type: str
      returned: when Cloudflare returns it
      sample: 0123456789abcdef0123456789abcdef
    slot_id:
      description: The slot it is on.
      type: str
      returned: for V(direct)
      sample: 2f3a4b5c-6d7e-4f80-9a1b-2c3d4e5f6071
    site:
      description: The site of the slot.
      type: str
      returned: for V(direct)
      sample: ewr-a
    facility:
      description: The facility of the slot.
      type: dict
      returned: for V(direct)
      contains:
        name:
          description: Its name.
          type: str
          returned: always
          sample: Equinix NY1
        address:
          description: The lines of its address.
          type: list
          elements: str
          returned: always
          sample: [165 Halsey Street, Newark NJ 07102, United States]
    ccr_device_name:
      description: The device of Cloudflare that the port is on.
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
      description: The id that links it to its Magic interconnect, where the health check is.
      type: str
      returned: always
      sample: 5d1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9
addresses:
  description: The addresses before and after, C(cust_ip) and C(p2p_ip) with C(before) and C(after), to be changed on the router too.
  returned: if a circuit was replaced
  type: dict
  sample:
    cust_ip: {before: 172.31.0.1/31, after: 172.31.0.3/31}
    p2p_ip: {before: 172.31.0.0/31, after: 172.31.0.2/31}
api:
  description: What the task cost.
  returned: always, but for options that no connection can be made with
  type: dict
  contains:
    requests:
      description: The requests that were sent.
      type: int
      returned: always
      sample: 3
    retries:
      description: Those among them that repeated a failed one.
      type: int
      returned: always
      sample: 0
    waited:
      description: Seconds spent on waiting, be it before a retry, for the rate limit or for a status.
      type: float
      returned: always
      sample: 0.0
applied:
  description: What was changed before the failure.
  returned: failure, if anything was
  type: list
  elements: dict
  contains:
    action:
      description: V(create), V(update) or V(delete); V(note) on a tunnel, before what leads to its interconnect is deleted.
      type: str
      returned: always
      sample: delete
    object:
      description: What it was done to.
      type: str
      returned: always
      sample: CNI conduit_name=nyc-1
error:
  description:
    - What went wrong, for a playbook to look at; C(msg) has it in words.
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(not_yet), V(protected), V(transport),
      V(answer), V(api) or V(error), and C(retryable) is whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
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
