# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection options, which every module shares (their argument spec is in module_utils/_module.py)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  api_token:
    description:
      - An API token. Reading needs one of the permissions Magic WAN Read, Magic WAN Write, Magic Transit Read, Magic Transit Write;
        writing needs Magic WAN Write or Magic Transit Write.
      - If not set, the environment variable E(CLOUDFLARE_API_TOKEN) is used.
      - Either this, or O(api_key) with O(api_email), is needed.
    type: str
  api_key:
    description:
      - A global API key. It can do all that its owner can; prefer O(api_token).
      - If not set, the environment variable E(CLOUDFLARE_API_KEY) is used.
    type: str
  api_email:
    description:
      - The e-mail address of the owner of O(api_key).
      - If not set, the environment variable E(CLOUDFLARE_EMAIL) is used.
    type: str
  account_id:
    description:
      - The account, 32 hexadecimal digits.
      - Needed. If not set, the environment variable E(CLOUDFLARE_ACCOUNT_ID) is used.
    type: str
  api_url:
    description:
      - The address of the API.
      - If not set, the environment variable E(CLOUDFLARE_BASE_URL) is used.
    type: str
    default: https://api.cloudflare.com/client/v4
  timeout:
    description:
      - Seconds that one request may take, from connecting to the last byte of its answer, however slowly it comes.
        Only the look-up of the host name is left to the resolver's own time-out.
    type: float
    default: 30
  retry_timeout:
    description:
      - Seconds after which a call that keeps failing for a passing reason is given up, waits included.
      - A refusal by the rate limit (HTTP 429) is repeated when C(Retry-After) says, as long as that lies within this time.
        It may be a number or a date, and is never taken as less than the pause that the next line speaks of.
        A wait that would be longer is an error at once. So it is if the header C(Ratelimit) leaves no request for longer than this.
      - Reads, updates and deletes that meet a lost connection or a server error are repeated up to four times, with growing pauses.
      - What Cloudflare does not show yet, as the health check of a new interconnect, is read again for as long.
      - An order (POST) is repeated after 429 only. After a lost answer the module looks whether the object is there before it orders again.
    type: int
    default: 600
  requests_per_window:
    description:
      - How many requests this task may send in 300 seconds. Cloudflare allows 1,200 for all that uses one token together,
        so lower it where several jobs share a token.
      - Where they are used up, the task waits for the next one that is allowed, up to 300 seconds and whatever O(retry_timeout) is.
    type: int
    default: 1200
  validate_certs:
    description:
      - Whether the certificate of the API is checked. Switching it off lets anybody on the way read the credentials.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder of CA certificates to check the API's certificate against, as behind a proxy that inspects TLS.
      - If not set, E(REQUESTS_CA_BUNDLE) and then the CAs of the Python library requests are used.
    type: path
requirements:
  - python >= 3.10
  - requests >= 2.28
notes:
  - Proxies are taken from the environment (E(HTTPS_PROXY), E(NO_PROXY)). The system settings of macOS and C(.netrc) are not read.
  - Run it where the API can be reached, usually with C(delegate_to=localhost) or C(connection=local).
  - On the controller it runs in the process of the task, some ten times as fast and with the same result, unless there is C(become),
    C(async), another Python than the one that runs Ansible, or the variable C(cni_in_process) is V(false).
  - An empty string counts as not set, also for numbers and choices, as AWX surveys and the environment send it.
seealso:
  - name: Network Interconnects in Cloudflare's API
    description: The calls behind this module.
    link: https://developers.cloudflare.com/api/resources/network_interconnects/
'''
