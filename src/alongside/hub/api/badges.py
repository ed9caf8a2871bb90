"""The launch badge: a small picture that a page shows beside a dataset."""

from __future__ import annotations

from xml.sax.saxutils import escape

LABEL = "Alongside"
TEXT_MAX = 60
HEIGHT = 20
PADDING = 8
#: widths at 11 px of a common sans-serif, coarse on purpose: the text is stretched to fit exactly
NARROW, WIDE, USUAL = 3.6, 9.6, 6.6


def badge(text: str) -> str:
    """An SVG picture with `text` beside the product's name."""
    text = " ".join(text.split())[:TEXT_MAX] or "Launch"
    text = "".join(char for char in text if char.isprintable())
    left, right = _width(LABEL), _width(text)
    total = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{HEIGHT}" role="img" '
        f'aria-label="{_quoted(f"{LABEL}: {text}")}"><title>{escape(f"{LABEL}: {text}")}</title>'
        f'<clipPath id="r"><rect width="{total}" height="{HEIGHT}" rx="4"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{HEIGHT}" fill="#343a40"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="#0b7285"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_line(LABEL, 0, left)}{_line(text, left, right)}</g></svg>"
    )


def _width(text: str) -> int:
    return round(sum(_char_width(char) for char in text)) + 2 * PADDING


def _char_width(char: str) -> float:
    if char in "iljtfrI.,:;|!'()[] ":
        return NARROW
    return WIDE if char in "mwMW@%" or ord(char) > 0x2E7F else USUAL


def _line(text: str, left: int, width: int) -> str:
    inner = width - 2 * PADDING
    return (
        f'<text x="{left + PADDING}" y="14" textLength="{inner}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(text)}</text>"
    )


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;"})
