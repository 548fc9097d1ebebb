#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: bgp_filter_profile_info
short_description: List BGP filter profiles
version_added: 1.1.0
description:
  - Returns the BGP filter profiles of the account, by name. No match is an empty list and not a failure.
options:
  id:
    description: Only the profile with this id.
    type: str
  name:
    description: Only profiles of this name.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read all filter profiles
  netops.cloudflare_cni.bgp_filter_profile_info:
  register: found

- name: Show what each matches
  ansible.builtin.debug:
    msg: "{{ found.filter_profiles | items2dict(key_name='name', value_name='targets') }}"
'''

RETURN = r'''
filter_profiles:
  description: The profiles, as M(netops.cloudflare_cni.bgp_filter_profile) returns one.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 6f1a2b3c4d5e40718293a4b5c6d7e8f9
      name: from-sites
      description: What our sites may announce
      match_action: allow
      targets: ["10.20.0.0/16{16,24}"]
      created_on: '2026-11-02T09:30:00Z'
      modified_on: '2026-11-02T09:30:00Z'
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import FILTER_PROFILE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work

ARGUMENT_SPEC = {
    'id': {'type': 'str'},
    'name': {'type': 'str'},
}


def main() -> None:
    run(info_work(FILTER_PROFILE, 'filter_profiles', sort_key=lambda profile: str(profile.get('name'))), ARGUMENT_SPEC)


if __name__ == '__main__':
    main()
