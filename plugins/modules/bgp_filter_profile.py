#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: bgp_filter_profile
short_description: Manage a BGP filter profile
version_added: 1.1.0
description:
  - Creates, changes or deletes a BGP filter profile of the account. It filters the routes that Cloudflare receives over a tunnel as its
    O(netops.cloudflare_cni.tunnel#module:import_filter), and those that it announces as its
    O(netops.cloudflare_cni.tunnel#module:export_filter).
  - BGP over CNI is a closed beta of Cloudflare. A circuit without BGP has no use for a filter.
  - A profile is found by its name. Options that are not given leave it as it is.
  - What Cloudflare stored is compared with what was requested. A field that was not applied is a failure that names it.
options:
  id:
    description: The id that Cloudflare assigned to the profile. A O(name) given with it is its new name.
    type: str
  name:
    description:
      - The name. Required unless O(id) is given.
      - Cloudflare does not document that names are unique. If several profiles have the name, it fails and lists their ids.
    type: str
  state:
    description:
      - Whether the profile exists.
      - A profile that a tunnel uses is not deleted. The message names the tunnels.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: Free text.
    type: str
  match_action:
    description: What becomes of a route that matches one of O(targets). Required for a new profile.
    type: str
    choices: [allow, deny]
  targets:
    description:
      - The prefixes to match, IPv4 or IPv6. Required for a new profile. They are compared as a set. Host bits are cleared with a warning.
      - A prefix alone matches itself. Behind it, V({X,Y}) matches prefixes in it of the lengths X to Y, V({X}) those of the length X, and
        V(+) all of them.
    type: list
    elements: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Accept the prefixes of the sites, down to a /24
  netops.cloudflare_cni.bgp_filter_profile:
    name: from-sites
    description: What our sites may announce
    match_action: allow
    targets:
      - 10.20.0.0/16{16,24}
      - 10.30.0.0/16+

- name: Filter what Cloudflare receives from a circuit
  netops.cloudflare_cni.tunnel:
    conduit_name: nyc-1
    import_filter: from-sites

- name: Take the filter off again
  netops.cloudflare_cni.tunnel:
    conduit_name: nyc-1
    clear: [import_filter]

- name: Delete the profile
  netops.cloudflare_cni.bgp_filter_profile:
    name: from-sites
    state: absent
'''

RETURN = r'''
filter_profile:
  description: The profile as Cloudflare returned it; in check mode as it would be. Null if it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: The id that Cloudflare assigned.
      type: str
      returned: always
      sample: 6f1a2b3c4d5e40718293a4b5c6d7e8f9
    name:
      description: Its name.
      type: str
      returned: always
      sample: from-sites
    description:
      description: Free text.
      type: str
      returned: when Cloudflare returns it
      sample: What our sites may announce
    match_action:
      description: V(allow) or V(deny).
      type: str
      returned: always
      sample: allow
    targets:
      description: The prefixes, with the lengths that match.
      type: list
      elements: str
      returned: always
      sample: ["10.20.0.0/16{16,24}"]
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import FILTER_PROFILE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'id': {'type': 'str'},
    'name': {'type': 'str'},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'description': {'type': 'str'},
    'match_action': {'type': 'str', 'choices': ['allow', 'deny']},
    'targets': {'type': 'list', 'elements': 'str'},
}


def main() -> None:
    run(manage_work(FILTER_PROFILE, filter_profile=None), ARGUMENT_SPEC, required_one_of=[('id', 'name')])


if __name__ == '__main__':
    main()
