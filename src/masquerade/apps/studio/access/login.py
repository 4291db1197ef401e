"""What a browser sees before it is let in, and when it is."""

from __future__ import annotations

from starlette.responses import HTMLResponse, RedirectResponse, Response

__all__ = ["login_page", "welcome"]

_FRAME = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="dark light">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>Masquerade studio</title>
<main>
<h1>Masquerade studio</h1>
<p>{text}</p>
</main>
</html>
"""
_NEVER_KEPT = {"Cache-Control": "no-store"}


def login_page() -> Response:
    """One sentence for somebody without the token (401)."""
    text = (
        "Please open the link that <code>masquerade studio</code> printed when it was started: "
        "it holds the token that lets you in."
    )
    return HTMLResponse(
        _FRAME.format(head="", text=text), 401, {**_NEVER_KEPT, "Connection": "close"}
    )


def welcome(cookie: str, site: str) -> Response:
    """Give the cookie and go to the page, so that the token does not stay in the address.

    Browsers do not send a strict cookie along a redirect that began on another site, in a mail or
    a file. There a page of ours makes the step.

    Args:
        cookie: the Set-Cookie header.
        site: the Sec-Fetch-Site header: where the link was.
    """
    headers = {**_NEVER_KEPT, "Set-Cookie": cookie}
    if site in ("none", "same-origin"):
        return RedirectResponse("/", 303, headers)
    head = '<meta http-equiv="refresh" content="0; url=/">\n'
    return HTMLResponse(
        _FRAME.format(head=head, text='<a href="/">Open the studio</a>'), 200, headers
    )
