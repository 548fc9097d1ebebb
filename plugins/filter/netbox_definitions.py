# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: netbox_definitions
short_description: Custom fields that NetBox lacks
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Compares the tag, the choice set and the custom fields that the playbooks for NetBox need with what NetBox has. The playbook
    C(netbox_fields) is built on it.
positional: tag
options:
  _input:
    description:
      - Lists of objects of NetBox, as the lookup plugin C(netbox.netbox.nb_lookup) returns them, by C(tags),
        C(custom_field_choice_sets) and C(custom_fields).
    type: dict
    required: true
  tag:
    description: The slug of the tag.
    type: str
    default: cloudflare-cni
'''

EXAMPLES = r'''
- name: Show what NetBox lacks
  ansible.builtin.debug:
    msg: "{{ netbox | netops.cloudflare_cni.netbox_definitions }}"
  vars:
    netbox:
      tags: "{{ query('netbox.netbox.nb_lookup', 'tags') }}"
      custom_field_choice_sets: "{{ query('netbox.netbox.nb_lookup', 'custom-field-choice-sets') }}"
      custom_fields: "{{ query('netbox.netbox.nb_lookup', 'custom-fields') }}"
'''

RETURN = r'''
_value:
  description:
    - C(tags), C(choice_sets) and C(fields), lists of the option C(data) of C(netbox.netbox.netbox_tag),
      C(netbox.netbox.netbox_custom_field_choice_set) and C(netbox.netbox.netbox_custom_field).
  type: dict
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox_writes import missing_definitions


class FilterModule:
    def filters(self) -> dict:
        return {'netbox_definitions': missing_definitions}
