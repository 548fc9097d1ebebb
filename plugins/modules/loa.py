#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: loa
short_description: Keep the Letter of Authorization of an interconnect as a file
version_added: 1.0.0
description:
  - Fetches the Letter of Authorization (LOA) of a direct interconnect, the PDF that lets the facility run the cross-connect.
  - A file that is there and is a PDF stays as it is, without a request, for Cloudflare prints the date into each letter.
    O(force=true) fetches a new one, as when the old one has expired.
  - A new file gets the mode C(0600) unless O(mode) says otherwise.
  - The answer is checked to be a whole PDF, and takes the place of the file at once, so there is never half a letter.
options:
  path:
    description:
      - The file to write. Its folder has to exist.
      - A symbolic link is followed, the file that it leads to is written, and the link stays.
    type: path
    required: true
    aliases: [dest]
  interconnect:
    description:
      - The name of the interconnect.
    type: str
  conduit_name:
    description:
      - The circuit, that is, the name of the CNI on the interconnect.
    type: str
  name:
    description:
      - The name that the letter is made out to, 200 characters at most. Cloudflare takes the account's if not given.
    type: str
  force:
    description:
      - Fetches the letter also if the file is there.
    type: bool
    default: false
attributes:
  idempotent:
    support: partial
    details:
      - With O(force=true) a letter is fetched each time.
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
  - ansible.builtin.files
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: The letter for the data centre
  netops.cloudflare_cni.loa:
    conduit_name: nyc-1
    path: "{{ playbook_dir }}/nyc-1-loa.pdf"
    name: Example Networks Inc.

- name: A fresh one, as the first has expired
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
sha256:
  description: The SHA-256 of the file. In check mode that of the file that is there, or null.
  returned: success
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
size:
  description: The size of the file in bytes. In check mode that of the file that is there, or null.
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
  sample: netops
group:
  description: The group of the file.
  returned: when the file exists
  type: str
  sample: netops
uid:
  description: The id of the owner.
  returned: when the file exists
  type: int
  sample: 1000
gid:
  description: The id of the group.
  returned: when the file exists
  type: int
  sample: 1000
state:
  description: V(file), or V(absent) in check mode as long as there is none.
  returned: success
  type: str
  sample: file
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
error:
  description:
    - What went wrong, for a playbook to look at; C(msg) has it in words.
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(not_yet), V(transport), V(answer), V(api) or
      V(error), and C(retryable) is whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
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
