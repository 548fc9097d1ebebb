# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a router by the templates of the role peer: its configuration, what removes a circuit from it, and the checklist."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import jinja_environment
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._peer import ABSENT

JINJA = jinja_environment(jinja2.FileSystemLoader(Path(__file__).parents[2] / 'roles' / 'peer' / 'templates'))

Session = Mapping[str, Any]  # as session_model returns it


class RouterFiles(NamedTuple):
    """The files of a circuit. paths: {kind: path}; written, outdated: the options files and absent of the module peer."""

    paths: dict[str, str]
    written: list[dict[str, Any]]
    outdated: list[str]


def compile_templates() -> None:
    """Compiles the templates of all platforms."""
    for name in JINJA.list_templates():
        JINJA.get_template(name)


def configuration(session: Session) -> str:
    """The configuration of the router, or what removes the circuit from it."""
    folder = 'remove/' if session['state'] == ABSENT else ''
    return _rendered(f'{folder}{session["platform"]}.j2', session)


def checklist(session: Session) -> str:
    """What to check on the router, in Markdown."""
    return _rendered('check.md.j2', session)


def _rendered(template: str, session: Session) -> str:
    return JINJA.get_template(template).render(session=session)


def router_files(session: Session, folder: str) -> RouterFiles:
    """The files of a circuit in a folder."""
    start = os.path.join(folder, f'{session["label"]}-{session["platform"]}')
    present = {'configuration': f'{start}.{session["extension"]}', 'text': f'{start}.txt',
               'checklist': os.path.join(folder, f'{session["label"]}-check.md')}
    absent = {'removal': f'{start}-remove.{session["extension"]}'}
    if session['state'] == ABSENT:
        return RouterFiles(absent, [_file(absent['removal'], configuration(session))], list(present.values()))
    return RouterFiles(present, [
        _file(present['text'], configuration({**session, 'key': session['hidden_key']})),
        _file(present['configuration'], configuration(session), shown=False),
        _file(present['checklist'], checklist(session)),
    ], list(absent.values()))


def _file(path: str, content: str, shown: bool = True) -> dict[str, Any]:
    return {'path': path, 'content': content, 'shown': shown}
