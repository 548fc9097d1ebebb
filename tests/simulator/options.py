# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the simulator: the same ones on the command line and in `POST /_sim/reset`."""

from __future__ import annotations

import argparse
import functools
import os
import re
from collections.abc import Callable

import profile_file
from alerting import ALERT_TYPES

# Options that only take effect when the process starts.
FIXED = ('host', 'port', 'account', 'verbose')
DELETES = ('empty', 'object', 'null', 'envelope', 'no-content', 'accepted')
STATUSES = (200, 201, 202, 204)  # of a success; the contract declares 200 alone


class _Parser(argparse.ArgumentParser):
    """Raises ValueError instead of ending the process, so that a reset can be refused."""

    def error(self, message):
        raise ValueError(message)


def _account(text: str) -> str:
    if not re.fullmatch('[0-9a-f]{32}', text):
        raise argparse.ArgumentTypeError('an account id is 32 lower-case hex digits')
    return text


def _whole(text: str, least: int = 0) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f'a whole number from {least} is wanted')
    return int(text)


_count = functools.partial(_whole, least=1)


def _rate(text: str) -> tuple[int, float]:
    match = re.fullmatch(r'(\d+)/(\d+(?:\.\d+)?)', text)
    if not match:
        raise argparse.ArgumentTypeError('REQUESTS/SECONDS is wanted, such as 1200/300')
    return int(match[1]), float(match[2])


def _alert_types(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(',')))
    if not {*names} <= {*ALERT_TYPES}:
        raise argparse.ArgumentTypeError(f'some of {", ".join(ALERT_TYPES)} are wanted, separated by commas')
    return names


def parser() -> argparse.ArgumentParser:
    """The parser of all options; it raises ValueError where argparse would exit."""
    cli = _Parser(prog='simulator', description='The Network Interconnect API, simulated on loopback.', allow_abbrev=False)
    add = cli.add_argument
    add('--host', default='127.0.0.1', help='address to listen on (%(default)s)')
    add('--port', type=int, default=8787, help='0 picks a free one and prints it (%(default)s)')
    add('--account', type=_account, default='6d1c2f0a4b3e49758c9d0e1f2a3b4c5d', help='the one account that exists (%(default)s)')
    add('--token', default='simulator-token', help='API token that may read and write (%(default)s)')
    add('--read-only-token', default='read-only-token', help='API token that may only read (%(default)s)')
    add('--network-token', default='network-token', help='API token that lacks notifications and analytics (%(default)s)')
    add('--token-owner', choices=['user', 'account'], default='user', help='whose the tokens are (%(default)s)')
    add('--api-email', default='engineer@example.com', help='X-Auth-Email (%(default)s)')
    add('--api-key', default='simulator-api-key', help='X-Auth-Key (%(default)s)')
    add('--not-entitled', action='store_true', help='refuse every /cni/ call: the account has no Network Interconnect')
    add('--slots', type=_count, default=96, help='how many slots exist (%(default)s)')
    add('--page-size', type=_count, default=50, help='most items on a page, whatever limit asks for (%(default)s)')
    add('--last-page', choices=['null', 'absent', 'zero', 'stuck'], default='null', help='the next field at the end of a list')
    add('--envelope', choices=['bare', 'wrapped'], default='bare', help='successes of /cni/ (%(default)s)')
    add('--errors', choices=['envelope', 'json', 'plain', 'html', 'empty'], default='envelope', help='errors of /cni/ (%(default)s)')
    add('--deletes', choices=DELETES, default='empty', help='answer to DELETE (%(default)s)')
    add('--refusal', type=int, choices=[400, 404, 409], default=400, help='status for an occupied or unknown slot (%(default)s)')
    add('--in-use', type=int, choices=[400, 409], default=400, help='status for deleting an interconnect with CNIs (%(default)s)')
    add('--activate-after', type=float, metavar='SECONDS', help='a new interconnect is Healthy after this long (never)')
    add('--latency', type=float, default=0, metavar='MS', help='wait this long before each answer (%(default)s)')
    add('--rate-limit', type=_rate, metavar='N/SECONDS', help='more than N requests in SECONDS block all for SECONDS (no limit)')
    add('--no-validate', action='store_true', help='do not check requests and answers against the contract')
    add('--profile', type=profile_file.read, default=os.environ.get('SIMULATOR_PROFILE', ''), metavar='FILE',
        help='answer as the account did that the playbook preflight made this profile of; other options win')
    add('--verbose', action='store_true', help='log a line for each request to stderr')
    _add_habits(add)
    _add_magic(add)
    _add_alerting(add)
    return cli


def _add_habits(add: Callable) -> None:
    """What the contract does not say and a real service may do."""
    add('--limits', choices=['kept', 'ignored', 'refused'], default='kept', help='what limit comes to (%(default)s)')
    add('--filters', choices=['exact', 'folded'], default='exact', help='whether filters are case-sensitive (%(default)s)')
    add('--created-status', type=int, choices=STATUSES, default=200, help='status of a POST that succeeds (%(default)s)')
    add('--changed-status', type=int, choices=STATUSES, default=200, help='status of a PUT that succeeds (%(default)s)')
    add('--stale-puts', action='store_true', help='a PUT answers with the state from before it')
    add('--stale-lists', type=_whole, default=0, metavar='N', help='what is new is missing from N reads of its list, tunnels aside')
    add('--late-status', type=_whole, default=0, metavar='N', help='a new interconnect has no status for N reads of it')
    add('--late-tunnels', type=_whole, default=0, metavar='N', help="a new interconnect's tunnel is missing from N reads of the list")
    add('--error-details', action='store_true', help='errors of the service have documentation_url and source.pointer')


def _add_magic(add: Callable) -> None:
    """What is open about tunnels, static routes and filter profiles."""
    add('--tunnel-version', choices=['1', '1.5', '2'], default='1', help='version of the tunnels of new interconnects (%(default)s)')
    add('--coupler-integration', action='store_true', help='the account has the flag that automatic_return_routing needs')
    add('--next-hops', choices=['any', 'tunnels'], default='any', help='which next hops a route may have (%(default)s)')
    add('--route-prefixes', choices=['any', 'private'], default='any', help='which prefixes a route may have (%(default)s)')
    add('--route-key', choices=['scope', 'nexthop', 'none'], default='scope', help='what no two routes have in common (%(default)s)')
    add('--route-answers', choices=['asked', 'route', 'routes'], default='asked', help='form of the answer to a new route (%(default)s)')
    add('--route-puts', choices=['keep', 'replace'], default='keep', help='what a PUT of a route does to fields left out (%(default)s)')
    add('--bulk-puts', choices=['whole', 'half'], default='whole', help='how much of a PUT of several is done (%(default)s)')
    add('--keep-routed-cnis', action='store_true', help='refuse to delete a CNI that routes point to')
    add('--delete-used-profiles', action='store_true', help='delete filter profiles that tunnels use')


def _add_alerting(add: Callable) -> None:
    """What is open about notifications."""
    add('--alert-types', type=_alert_types, default=','.join(ALERT_TYPES), help='what the account can be alerted about (%(default)s)')
    add('--webhook-puts', choices=['keep', 'clear'], default='keep', help='what a PUT without a secret does to it (%(default)s)')
    add('--policy-puts', choices=['keep', 'replace'], default='keep', help='what a PUT of a policy does to fields left out (%(default)s)')
    add('--no-analytics', action='store_true', help='the account may not query the traffic of tunnels')
    add('--keep-used-webhooks', action='store_true', help='refuse to delete a webhook that policies use')


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The options of the command line, over those of its profile; raises ValueError naming what is wrong."""
    cli = parser()
    cli.set_defaults(**profile_file.options(cli.parse_args(arguments).profile))
    return cli.parse_args(arguments)


def changed(arguments: list[str], changes: dict) -> argparse.Namespace:
    """The options of the command line with some changed by name (`page_size`); raises ValueError naming what is wrong."""
    for name in changes:
        if name in FIXED:
            raise ValueError(f'{name} is fixed when the simulator starts')
    words = [f'--{name.replace("_", "-")}' + ('' if value is True else f'={value}') for name, value in changes.items()]
    return parsed(arguments + words)
