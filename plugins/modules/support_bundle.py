#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: support_bundle
short_description: Collect what Cloudflare's support asks for on a circuit
version_added: 1.1.0
description:
  - Writes one Markdown file and one archive with the account, the addresses, the tunnel, the status, the health check, the static routes, a
    timeline, recent alerts, what your router printed, and the cf-ray of each request.
  - A bundle is needed when something fails. So a read that fails is a line in the bundle and a warning. The task fails only if all reads
    fail, and writes the bundle even then.
  - What is not known is listed as such. The API reports no time of a status, for example.
  - The files get the mode C(0600). No credential and no MD5 key is in them. They do contain names, addresses and AS numbers.
options:
  conduit_name:
    description: The circuit, that is, the name of its CNI.
    type: str
    required: true
  path:
    description: The folder to write C(NAME.md) and C(NAME.tar.gz) to. It is created, for its owner only, if it does not exist.
    type: path
    required: true
  artifacts_dir:
    description:
      - The folder with the hand-over of the circuit, C(NAME.json), for the time when the LOA was fetched. It also names the interconnect of
        a circuit whose CNI is not listed.
    type: path
  metrics:
    description: The metrics that the playbook C(netops.cloudflare_cni.status) writes, for the time when a state was first seen.
    type: path
  alert_days:
    description: How many days of alerts to read. To read them, the token needs Notifications Read.
    type: int
    default: 30
  router:
    description:
      - What your router printed, such as a traceroute over the circuit and the counters of the interface.
      - A line that may hold a secret, such as one with the word C(password) or C(key), is left out.
    type: list
    elements: dict
    suboptions:
      name:
        description: What it is.
        type: str
        required: true
      text:
        description: The text. Either this or O(router[].path) is required.
        type: str
      path:
        description: A file with the text.
        type: path
  cf_rays:
    description: The cf-ray of requests that failed earlier, from the messages of their errors.
    type: list
    elements: str
attributes:
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run writes the bundle anew, with its own time and requests.
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Collect what the support asks for
  netops.cloudflare_cni.support_bundle:
    conduit_name: nyc-1
    path: support
    router:
      - {name: traceroute, text: "{{ traceroute.stdout | default('not run') }}"}
    cf_rays: [8f1d2c3b4a596877-EWR]
'''

RETURN = r'''
markdown:
  description: The Markdown file.
  returned: success
  type: str
  sample: /srv/cni/support/nyc-1.md
archive:
  description: The archive. It contains the Markdown, the objects as the API returned them but without secrets, and the texts of the router.
  returned: success
  type: str
  sample: /srv/cni/support/nyc-1.tar.gz
unknown:
  description: What the bundle does not know, each with the reason.
  returned: success
  type: list
  elements: str
  sample: ['What the router sees: no traceroute and no counters were given.']
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import ROUTER
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._support import bundle_work

ARGUMENT_SPEC = {
    'conduit_name': {'type': 'str', 'required': True},
    'path': {'type': 'path', 'required': True},
    'artifacts_dir': {'type': 'path'},
    'metrics': {'type': 'path'},
    'alert_days': {'type': 'int', 'default': 30},
    'router': ROUTER,
    'cf_rays': {'type': 'list', 'elements': 'str'},
}


def main() -> None:
    run(bundle_work, ARGUMENT_SPEC)


if __name__ == '__main__':
    main()
