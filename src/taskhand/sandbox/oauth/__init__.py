"""The authorization server of an emulated CRM: codes with PKCE, refresh and revocation (RFC 6749, 7636, 7009).

A CRM's folder has a module `oauth` with its paths, bodies and errors. Codes and tokens are random, so that they are not
valid in another sandbox. A reset ends all of them.
"""

from taskhand.sandbox.oauth.grants import App

__all__ = ["App"]
