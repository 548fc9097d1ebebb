# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: peer_session
short_description: The customer's end of a CNI, for the router
version_added: 1.0.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Combines a CNI and the variables of the role P(netops.cloudflare_cni.peer#role) into one circuit, with its session or static
    routes, from which the role renders the configuration of any platform.
  - What is missing, invalid, or can't be written in the configuration of the platform is an error that names the variable.
positional: cloudflare_asn, options
options:
  _input:
    description: The CNI, as M(netops.cloudflare_cni.cni) and M(netops.cloudflare_cni.cni_info) return it.
    type: dict
    required: true
  cloudflare_asn:
    description: Cloudflare's AS number, see M(netops.cloudflare_cni.cni_settings_info).
    type: int
    required: true
  options:
    description: The variables of the role, without C(peer_).
    type: dict
    required: true
'''

EXAMPLES = r'''
- name: Show the session of nyc-1
  ansible.builtin.debug:
    msg: "{{ cni | netops.cloudflare_cni.peer_session(13335, {'platform': 'frr', 'interface': 'eth1', 'announce': ['198.51.100.0/24']}) }}"
'''

RETURN = r'''
_value:
  description:
    - The circuit - C(platform), C(state), C(extension) of its file, C(label), C(name), C(interface), C(vrf), C(description), C(mtu),
      C(mss), C(acl_in), C(acl_out), C(customer_address), C(cloudflare_address), C(prefix_length), C(masks) of prefixes, C(commands) that
      show its state, C(static_prefixes), C(static_distance) and C(track).
    - C(bgp) says whether it has a session. If so there are also C(customer_asn), C(cloudflare_asn), C(router_asn), C(local_as),
      C(router_id), C(announce), C(accept), C(discard_routes), C(max_prefixes), C(maximum_paths), C(local_preference), C(prepend),
      C(community), C(allowas_in), C(graceful_restart), C(hold_time) and C(keepalive) in seconds.
    - The MD5 key is in C(key), quoted as the platform requires it, and C(hidden_key) is what to show instead. Both are empty without a key.
  type: dict
'''

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._peer import session_model


def peer_session(cni: Mapping[str, Any], cloudflare_asn: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return session_model(cni, cloudflare_asn, options)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict:
        return {'peer_session': peer_session}
