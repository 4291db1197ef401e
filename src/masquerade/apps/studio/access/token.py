"""The secret that lets a client in, and the cookie that a browser gets for it."""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["COOKIE", "Token"]

COOKIE = "masquerade"
_MOST_COOKIE_BYTES = 8192


class Token:
    """The secret of one studio. Comparing takes the same time whatever is compared.

    The cookie holds a value that is derived from the token, not the token: whoever sees the one
    does not learn the other, and both end with the studio.

    Args:
        secret: the token.

    >>> token = Token("a secret that nobody guesses")
    >>> token.fits_bearer("Bearer a secret that nobody guesses"), token.fits_bearer("Bearer x")
    (True, False)
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._cookie = hmac.new(
            self._secret, b"masquerade studio cookie", hashlib.sha256
        ).hexdigest()

    def fits(self, given: str) -> bool:
        """Whether ``given`` is the token."""
        return hmac.compare_digest(given.encode(errors="replace"), self._secret)

    def fits_bearer(self, header: str) -> bool:
        """Whether an Authorization header holds the token."""
        scheme, _, given = header.partition(" ")
        return scheme.lower() == "bearer" and self.fits(given.strip())

    def fits_cookie(self, header: str) -> bool:
        """Whether a Cookie header holds what :meth:`cookie` gave."""
        for part in header[:_MOST_COOKIE_BYTES].split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE and hmac.compare_digest(
                value.encode(errors="replace"), self._cookie.encode()
            ):
                return True
        return False

    def cookie(self, *, secure: bool) -> str:
        """The Set-Cookie header for a browser that showed the token.

        Args:
            secure: whether the page is encrypted; the browser then never sends it otherwise.
        """
        return f"{COOKIE}={self._cookie}; Path=/; HttpOnly; SameSite=Strict" + (
            "; Secure" if secure else ""
        )
