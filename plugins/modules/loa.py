#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: loa
short_description: Fetch the LOA of an interconnect into a file
version_added: 1.0.0
description:
  - Fetches the Letter of Authorization (LOA) of a direct interconnect, the PDF that authorises the facility to run the cross-connect.
  - An existing PDF is kept, and no request is sent, since Cloudflare prints the date into each LOA. O(force=true) fetches another one, as
    when the old one has expired.
  - A new file gets the mode C(0600) unless O(mode) says otherwise. It is written only if the response is a whole PDF, and atomically.
options:
  path:
    description: The file to write. Its folder must exist. Of a symbolic link, the target is written and the link stays.
    type: path
    required: true
    aliases: [dest]
  interconnect:
    description: The name of the interconnect.
    type: str
  conduit_name:
    description: The circuit, that is, the name of the CNI on the interconnect.
    type: str
  name:
    description:
      - The name that the LOA is made out to, 200 characters at most. If not given, Cloudflare's own name for the customer, which the result
        then shows.
    type: str
  force:
    description: Whether to fetch the LOA even if the file exists.
    type: bool
    default: false
attributes:
  idempotent:
    support: partial
    details:
      - With O(force=true) an LOA is fetched each time.
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
  - ansible.builtin.files
'''

EXAMPLES = r'''
- name: Fetch the LOA for the data centre
  netops.cloudflare_cni.loa:
    conduit_name: nyc-1
    path: "{{ playbook_dir }}/nyc-1-loa.pdf"
    name: Example Networks Inc.

- name: Fetch it again, as the first has expired
  netops.cloudflare_cni.loa:
    conduit_name: nyc-1
    path: "{{ playbook_dir }}/nyc-1-loa.pdf"
    force: true
'''

RETURN = r'''
path:
  description: The file.
  returned: success
  type: str
  sample: /srv/cni/nyc-1-loa.pdf
name:
  description:
    - The name that the LOA is made out to, if it was fetched - O(name), else the default name that Cloudflare has for the interconnect.
    - Null if the existing file was kept, or if Cloudflare does not report the default name.
  returned: success
  type: str
  sample: Example Networks Inc.
  version_added: 1.1.0
sha256:
  description: The SHA-256 of the file; in check mode of the existing one, or null.
  returned: success
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
size:
  description: The size of the file in bytes; in check mode of the existing one, or null.
  returned: success
  type: int
  sample: 18342
mode:
  description: The mode of the file.
  returned: when the file exists
  type: str
  sample: "0600"
owner:
  description: The owner of the file.
  returned: when the file exists
  type: str
group:
  description: The group of the file.
  returned: when the file exists
  type: str
uid:
  description: The id of the owner.
  returned: when the file exists
  type: int
gid:
  description: The id of the group.
  returned: when the file exists
  type: int
state:
  description: V(file), or V(absent) in check mode if there is none.
  returned: success
  type: str
  sample: file
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

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import loa_work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run

ARGUMENT_SPEC = {
    'path': {'type': 'path', 'required': True, 'aliases': ['dest']},
    'interconnect': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    'name': {'type': 'str'},
    'force': {'type': 'bool', 'default': False},
}


def main() -> None:
    run(loa_work, ARGUMENT_SPEC, add_file_common_args=True, required_one_of=[('interconnect', 'conduit_name')],
        mutually_exclusive=[('interconnect', 'conduit_name')])


if __name__ == '__main__':
    main()
