# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of every module and of the inventory plugin. Their argument spec is CONNECTION in module_utils/_specs.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  api_token:
    description:
      - An API token. It needs Magic WAN Write or Magic Transit Write; to read, Magic WAN Read or Magic Transit Read is enough.
      - The environment variable E(CLOUDFLARE_API_TOKEN) is used if not set. Either a token, or O(api_key) with O(api_email), is required.
    type: str
  api_key:
    description:
      - A global API key, which can do all that its owner can. Prefer O(api_token).
      - The environment variable E(CLOUDFLARE_API_KEY) is used if not set.
    type: str
  api_email:
    description: The e-mail address of the owner of O(api_key). The environment variable E(CLOUDFLARE_EMAIL) is used if not set.
    type: str
  account_id:
    description: The account, 32 hexadecimal digits. Required. The environment variable E(CLOUDFLARE_ACCOUNT_ID) is used if not set.
    type: str
  api_url:
    description: The address of the API. The environment variable E(CLOUDFLARE_BASE_URL) is used if not set.
    type: str
    default: https://api.cloudflare.com/client/v4
  timeout:
    description:
      - Seconds that one request may take, from connecting to the last byte of the response. The look-up of the host name has the
        resolver's own time-out.
    type: float
    default: 30
  retry_timeout:
    description:
      - Seconds after which a call that keeps failing for a transient reason is abandoned, waits included.
      - GET, PUT and DELETE are repeated up to four times, with growing pauses, after a lost connection or a server error.
      - POST, which places an order, is repeated after HTTP 429 only. After a lost response the object is looked up first.
      - After HTTP 429 a request is repeated when C(Retry-After) says, a number or a date, but not before the pause above. If that, or
        C(Ratelimit), asks for a longer wait than this option allows, the call fails at once.
      - What Cloudflare does not list yet, such as the health check of a new interconnect, is polled for the same time.
    type: int
    default: 600
  requests_per_window:
    description:
      - How many requests this task may send in 300 seconds. Cloudflare allows 1,200 for everything that uses one token; lower it where
        several jobs share a token.
      - Once they are used up, the task waits for up to 300 seconds, whatever O(retry_timeout) is.
    type: int
    default: 1200
  validate_certs:
    description: Whether the API's certificate is verified. If not, anybody on the path can read the credentials.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder of CA certificates to verify the API's certificate, as behind a proxy that inspects TLS.
      - If not set, E(REQUESTS_CA_BUNDLE) and then the CAs of the Python library requests are used.
    type: path
requirements:
  - python >= 3.10
  - requests >= 2.28
notes:
  - Proxies are taken from the environment (E(HTTPS_PROXY), E(NO_PROXY)). The system settings of macOS and C(.netrc) are not read.
  - An empty string counts as not set, also for numbers and choices, as AWX surveys and the environment send it.
seealso:
  - name: Network Interconnects in Cloudflare's API
    description: The calls that are sent.
    link: https://developers.cloudflare.com/api/resources/network_interconnects/
'''

    # What differs for notifications; before DOCUMENTATION.
    NOTIFICATIONS = r'''
options: {}
notes:
  - Notifications need a permission of their own, C(Notifications Read), or C(Notifications Write) to change them. Not all plans have
    webhooks, PagerDuty and the history.
seealso:
  - name: Alerting in Cloudflare's API
    description: The calls that are sent.
    link: https://developers.cloudflare.com/api/resources/alerting/
'''
