# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control of the simulator: lookup('simulator', 'state') reads, lookup('simulator', 'faults', {...}) writes and gives {}.

By a lookup, as the module uri starts a process for each request, and the lookup url looks for certificates first.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        """[the answer] to the name of a control and, for one that writes, its body. Raises AnsibleError if the simulator refuses."""
        name, *body = terms
        connection = HTTPConnection(urlsplit(variables['sim_url']).netloc, timeout=60)
        try:
            connection.request('POST' if body else 'GET', f'/_sim/{name}', *map(json.dumps, body))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise AnsibleError(f'_sim/{name}: status {answer.status}, {text}')
        return [json.loads(text)]
