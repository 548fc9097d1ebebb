# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: mistyped
short_description: The variables of a circuit that are numbers where texts are due
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Names the variables of the role P(netops.cloudflare_cni.provision#role) that are a number, a boolean or a date although the role takes a
    text there. YAML makes these of what is not in quotes, and the text as it was written is lost - V(0123456) has become 42798.
  - AWX leaves the quotes of answers to a survey out for ansible-core 2.19 and newer.
  - What is not given, V(null) or an empty string, is not named.
options:
  _input:
    description: Variables, by their names. Those that are no variables of a circuit are passed over.
    type: dict
    required: true
'''

EXAMPLES = r'''
- name: Texts are texts
  ansible.builtin.assert:
    that: hostvars[inventory_hostname] | netops.cloudflare_cni.mistyped | length == 0
    fail_msg: "{{ hostvars[inventory_hostname] | netops.cloudflare_cni.mistyped }}"
'''

RETURN = r'''
_value:
  description: The names of these variables and what to do, or an empty text. The values are not in it, as one may be a key.
  type: str
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import mistyped


class FilterModule:
    def filters(self) -> dict:
        return {'mistyped': mistyped}
