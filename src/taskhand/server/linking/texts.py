"""The texts of the pages in English and in Spanish; pure. Placeholders in braces are filled with escaped names."""

from collections.abc import Mapping
from typing import Final

from taskhand.server.linking.texts_es import SPANISH

__all__ = ["LANGUAGES", "TEXTS", "choose_language"]

_ENGLISH: Final[Mapping[str, str]] = {
    "language": "English",
    "title": "Link {crm}",
    "heading": "Link your {crm} account",
    "for_whom": "For",
    "connection": "Connection",
    "purpose": "Your assistant will work in {crm} as you: with your permissions, and under your name.",
    "purpose_of_any": "Your assistant will work in {crm} with the key that you give, and with the permissions of that "
    "key. {crm} does not report the owner of a key.",
    "kept": "Taskhand keeps the credential encrypted and shows it to nobody. It can be removed at any time.",
    "not_yours": "If you are not {person}, or did not ask for this, close this page.",
    "consent_hint": "Sign in at {crm} with your own account, and allow access there.",
    "consent": "Continue to {crm}",
    "paste_label": "Your own {crm} API key",
    "paste_label_of_any": "{crm} API key",
    "paste_hint": "Copy it from your settings in {crm}. It is checked before it is stored.",
    "paste": "Check and link",
    "prove_label": "Your Taskhand key",
    "prove_hint": "{crm} is linked only for {person}, so first confirm that this is you. The key begins with thk_ and "
    "is in the settings of your assistant.",
    "prove": "Continue",
    "wrong_proof": "This is not a key of {person}, or the key is not active. Copy the whole key again.",
    "no_key": "This is not a key. Copy the whole key again, without quotes.",
    "key_refused": "{crm} does not accept this key. Copy the whole key again.",
    "sign_in_hint": "{crm} is linked only for {person}, so first confirm that this is you: sign in as you do for your "
    "assistant.",
    "sign_in": "Sign in",
    "leaving": "Continue at {where}",
    "go_on": "Continue to {where}",
    "leaving_hint": "If your browser does not continue by itself, use this link.",
    "done": "{crm} is linked",
    "done_as": "Your assistant now works in {crm} as {member}.",
    "done_unnamed": "Your assistant now works in {crm} with the credential that you gave.",
    "done_shared": "{connection} uses the same credential for everybody, so {crm} cannot distinguish you from others. "
    "If you have another one, link that.",
    "done_next": "Close this page and return to your assistant.",
    "unknown": "This link is not valid",
    "unknown_hint": "It is incomplete, or was replaced by a newer one. Ask your assistant for a new link.",
    "expired": "This link has expired",
    "expired_hint": "It was valid for ten minutes. Ask your assistant for a new one.",
    "used": "This link was already used",
    "used_hint": "Each link works once. To link again, ask your assistant for a new one.",
    "other_browser": "This link was opened in another browser",
    "other_browser_hint": "Continue there, or ask your assistant for a new link.",
    "stale": "This form is out of date",
    "stale_hint": "Open the page again and send the form from there. Your browser must accept the page's cookie.",
    "tries": "There were too many attempts",
    "tries_hint": "Ask your assistant for a new link.",
    "other_member": "This is another person's account",
    "other_member_hint": "This page is for {person}, but according to {crm} the account belongs to {member}. Nothing "
    "was saved. Use the account of {person}.",
    "taken_member": "This is another person's account",
    "taken_member_hint": "Nothing was saved: {member} is known as another person, not as {person}. If the account is "
    "yours, ask the operator of Taskhand to add the {connection} member of {person} to people.toml.",
    "other_account": "This is another account of {crm}",
    "other_account_hint": "Nothing was saved: {connection} uses another account. Use your own user of that account.",
    "unknown_member": "The owner of this account is unknown",
    "unknown_member_hint": "Nothing was saved. Ask the operator of Taskhand to add the {connection} member of {person} "
    "to people.toml.",
    "other_person": "You have signed in as another person",
    "other_person_hint": "This page is for {person}. Nothing was linked. Sign in as {person}. If you did, tell the "
    "operator of Taskhand: its log has the reason.",
    "not_signed_in": "You have not signed in",
    "not_signed_in_hint": "Nothing was linked. You can try again.",
    "denied": "Access was not allowed",
    "denied_hint": "Nothing was linked. You can try again.",
    "forbidden": "This account lacks permissions in {crm}",
    "forbidden_hint": "Nothing was linked. An administrator of {crm} can let the account read and change tasks.",
    "crm_failed": "{crm} could not be reached",
    "crm_failed_hint": "Nothing was linked. Try again in a moment.",
    "app_refused": "{crm} did not allow the app",
    "app_refused_hint": "Nothing was linked. Try again; if {crm} refuses again, tell the operator of Taskhand: its log "
    "has the reason.",
    "lost": "This answer is for another page",
    "lost_hint": "It was used already, or belongs to another browser. Open your link again, or ask your assistant for "
    "a new one.",
    "not_possible": "{connection} cannot be linked on a page",
    "not_possible_hint": "Ask the operator of Taskhand to link it with: taskhand people link",
    "unavailable": "This does not work at the moment",
    "unavailable_hint": "Nothing was linked. Tell the operator of Taskhand: its log has the reason.",
    "again": "Open the page again",
}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {"en": _ENGLISH, "es": SPANISH}
LANGUAGES: Final = tuple(TEXTS)


def choose_language(chosen: str | None, accepted: str) -> str:
    """The `chosen` language, else the preferred one in the header Accept-Language, else English."""
    if chosen and chosen in TEXTS:
        return chosen
    wanted: dict[str, float] = {}
    for part in accepted.lower().split(",")[:20]:
        tag, _, weight = part.partition(";")
        language = tag.strip().partition("-")[0]
        if language in TEXTS and (much := _read_weight(weight)) > wanted.get(language, 0.0):
            wanted[language] = much
    return max(wanted, key=lambda candidate: wanted[candidate], default="en")


def _read_weight(text: str) -> float:
    name, _, number = text.partition("=")
    try:
        return float(number) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
