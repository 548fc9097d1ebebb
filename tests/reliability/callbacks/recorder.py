# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down the calls of this collection's modules as a playbook makes them: a JSON object a line, into the file RECORDER_FILE."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'recorder'

    def v2_runner_on_ok(self, result):
        collection, _dot, module = (result._task.resolved_action or '').rpartition('.')
        if collection == 'netops.cloudflare_cni':
            call = {'module': module, 'options': result._result['invocation']['module_args'], 'check': bool(result._task.check_mode)}
            with open(os.environ['RECORDER_FILE'], 'a') as file:
                file.write(json.dumps(call) + '\n')
