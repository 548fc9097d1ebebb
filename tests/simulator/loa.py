# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Letter of Authorization: one page that a facility's cross-connect desk could work from, were it real."""

from __future__ import annotations

import datetime
import textwrap

DEFAULT_NAME = 'Example Networks, Inc.'  # of the account's customer
VALID_DAYS = 90
LINE = 84  # characters


def loa_pdf(interconnect: dict, party: str, today: datetime.date) -> bytes:
    """The PDF for a direct interconnect. `party` is who may order the cross-connect: the customer or the name asked for."""
    # Imported here because it takes half a second and few runs want an LOA.
    from fpdf import FPDF

    pdf = FPDF(format='A4')
    pdf.set_title(_latin(f'Letter of Authorization {interconnect["name"]}'))
    pdf.set_margins(25, 22)
    pdf.add_page()
    _heading(pdf, interconnect, today)
    _table(pdf, _rows(interconnect, party))
    _text(pdf, interconnect, today + datetime.timedelta(days=VALID_DAYS))
    return bytes(pdf.output())


def _rows(interconnect: dict, party: str) -> list[tuple[str, str]]:
    facility = interconnect['facility']
    return [
        ('Facility', facility['name']),
        ('Facility address', ', '.join(facility['address'])),
        ('Site', interconnect['site']),
        ('Slot', interconnect['slot_id']),
        ('Device', interconnect.get('ccr_device_name') or 'to be advised'),
        ('Interconnect', interconnect['name']),
        ('Port speed', interconnect['speed']),
        ('Authorized party', party),
    ]


def _heading(pdf, interconnect: dict, today: datetime.date) -> None:
    pdf.set_font('helvetica', 'B', 18)
    pdf.cell(0, 12, 'Letter of Authorization', new_x='LMARGIN', new_y='NEXT')
    pdf.set_font('helvetica', '', 10)
    lines = ['Cloudflare, Inc.', f'Date: {today.isoformat()}', f'Reference: LOA-{interconnect["name"].upper()}', '']
    lines += [f'To: {interconnect["facility"]["name"]}', *interconnect['facility']['address'], '']
    for line in lines:
        pdf.cell(0, 5.5, _latin(line), new_x='LMARGIN', new_y='NEXT')


def _table(pdf, rows: list[tuple[str, str]]) -> None:
    """A value is wrapped only if it is too long for its line: to break lines is what takes the time, and fleets ask for hundreds."""
    for label, value in rows:
        pdf.cell(48, 8, label, border=1)
        write = pdf.cell if pdf.get_string_width(_latin(value)) < pdf.epw - 52 else pdf.multi_cell
        write(0, 8, _latin(value), border=1, new_x='LMARGIN', new_y='NEXT')


def _text(pdf, interconnect: dict, until: datetime.date) -> None:
    speed, facility = interconnect['speed'], interconnect['facility']['name']
    pdf.ln(6)
    _paragraph(
        pdf,
        f'Cloudflare authorizes the party named above to order one single-mode fiber cross-connect to the {speed} port of this slot, '
        f'and {facility} to install it. All charges for the cross-connect are borne by the authorized party.',
    )
    _paragraph(pdf, f'This authorization is valid for {VALID_DAYS} days, until {until.isoformat()}.')
    pdf.set_font(style='B')
    _paragraph(pdf, "SIMULATION: a letter from the simulator of netops.cloudflare_cni. It is not Cloudflare's and authorizes nothing.")


def _paragraph(pdf, text: str) -> None:
    for line in textwrap.wrap(_latin(text), LINE):
        pdf.cell(0, 5.5, line, new_x='LMARGIN', new_y='NEXT')
    pdf.ln(3)


def _latin(text: str) -> str:
    """The PDF's built-in fonts know Latin-1 only: anything else becomes a question mark."""
    return text.encode('latin-1', 'replace').decode('latin-1')
