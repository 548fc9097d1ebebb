# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: netbox_problem
short_description: What keeps a play from using NetBox
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Reports what a play needs for NetBox and does not have - the collection netbox.netbox 3.20 or newer, the Python library pynetbox, a URL
    and a token.
  - It also reports a verbosity at which C(netbox.netbox.nb_lookup) shows the token.
positional: token, verbosity
options:
  _input:
    description: The URL of NetBox.
    type: str
    required: true
  token:
    description: The token of NetBox's API.
    type: str
    required: true
  verbosity:
    description: C(ansible_verbosity).
    type: int
    default: 0
'''

EXAMPLES = r'''
- name: Fail if NetBox cannot be used
  ansible.builtin.assert:
    that: problem == ''
    fail_msg: "{{ problem }}"
  vars:
    problem: "{{ netbox_url | netops.cloudflare_cni.netbox_problem(netbox_token, ansible_verbosity) }}"
'''

RETURN = r'''
_value:
  description: What is missing and what to do, or an empty text.
  type: str
'''

import json
import re
from importlib.util import find_spec
from pathlib import Path

OLDEST = (3, 20)  # whose custom fields can be of objects of NetBox 4
SHOWN_FROM = 4  # the verbosity at which nb_lookup shows the token


def netbox_problem(url: str, token: str, verbosity: int = 0) -> str:
    """The first thing that is missing, as a sentence; empty if nothing is."""
    problems = {
        _collection_problem(): True,
        "These playbooks need the Python library pynetbox beside Ansible: pip install pynetbox": find_spec('pynetbox') is None,
        "Set netbox_url, or NETBOX_API in the environment, to the URL of NetBox, such as https://netbox.example.com.": not url,
        "Set netbox_token, or NETBOX_TOKEN in the environment, to a token of NetBox's API that may write.": not token,
        'With -vvvv the lookup of netbox.netbox shows the token of NetBox. Use -vvv at most.': verbosity >= SHOWN_FROM,
    }
    return next((text for text, applies in problems.items() if text and applies), '')


def _collection_problem() -> str:
    """Why the collection netbox.netbox cannot be used; empty if it can."""
    version = _installed_version()
    if version is None:
        return 'These playbooks need the collection netbox.netbox: ansible-galaxy collection install netbox.netbox'
    numbers = tuple(map(int, re.findall(r'\d+', version)[:2]))
    needed = '.'.join(map(str, OLDEST))
    return '' if not numbers or numbers >= OLDEST else f'netbox.netbox is {version}. These playbooks need {needed} or newer.'


def _installed_version() -> str | None:
    """The version of netbox.netbox, an empty text where it does not say; None if it is not installed."""
    try:
        spec = find_spec('ansible_collections.netbox.netbox')
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        return None
    files = [Path(folder) / 'MANIFEST.json' for folder in spec.submodule_search_locations or ()]
    return next((json.loads(file.read_text())['collection_info']['version'] for file in files if file.is_file()), '')


class FilterModule:
    def filters(self) -> dict:
        return {'netbox_problem': netbox_problem}
