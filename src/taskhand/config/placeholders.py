"""Detects texts that are not a setting's value: placeholders, samples, references, quotes.

A host that does not replace `${NAME}` passes it on as it is, and an env file's reader may keep the quotes. These texts
are never sent to a CRM. Errors name the kind of a text and never quote it: a part of it may be a secret.
"""

import re
from typing import Final, NamedTuple

__all__ = ["Flaw", "clean_value", "find_flaw"]

_EDGES: Final = "".join(
    map(chr, (*range(0x21), *range(0x7F, 0xA1), 0xAD, 0x1680, *range(0x2000, 0x2010), *range(0x2028, 0x2030)))
) + "\u205f\u2060\u2061\u2062\u2063\u2064\u3000\ufeff"  # fmt: skip
"""Blanks, controls and zero-width characters, which editors and copying from a page leave at the edges."""

_PLACEHOLDERS: Final = (
    (r"\$\{", "${…}"),
    (r"\{\{", "{{…}}"),
    (r"\A\$\(.*\)\Z", "$(…)"),
    (r"\A\$[A-Za-z_][\w:.]*\Z", "$NAME"),
    (r"\A%[A-Za-z_]\w*%\Z", "%NAME%"),
    (r"\A!\w+!\Z", "!NAME!"),
    (r"\A#\{.*\}#?\Z", "#{…}"),
    (r"\A@\w+@\Z", "@NAME@"),
    (r"\A__\w+__\Z", "__NAME__"),
    (r"\A@\w+\.\w+\(.*\)\Z", "@…(…)"),
    (r"\A\{[^{}\"]*\}\Z", "{…}"),
    (r"\A<[^<>]*>\Z", "<…>"),
    (r"\A\[[^\[\]\"]*\]\Z", "[…]"),
    (r"\A(?:process\.env|os\.environ|env|secrets|vars)(?:\.|\[|:)[\w'\"\]:-]+\Z", "env.NAME"),
)
"""The placeholders of hosts, shells, templates and pipelines, and the form in which each is shown.

The patterns are compiled at first use: most starts need none, and compiling takes milliseconds.
"""

_WORDS: Final = ("__", "process.env", "os.environ", "env", "secrets", "vars")
"""The prefixes of placeholders without a special character."""

_NULLS: Final = frozenset({"null", "undefined"})
"""Words that programs write for a missing value; other such words may be names."""
_SAMPLE_KEY: Final = (
    r"(?i)\.\.\.|…|\*{3}|[•●·]{3}|x{6}|\A[x\W_]*x{3}[x\W_]*\Z|\A(?:api[-_ ]?key|access[-_ ]?token)\Z|"
    r"\A(?:placeholder|none|null|nil|undefined|nan|n/?a|todo|tbd|fixme)\Z|"
    r"\A(?:change|replace|fill)[-_ ]?(?:me|this)\Z|(?-i:\A[A-Z]+(?:_[A-Z]+)+\Z)"
)
_IMPERATIVES: Final = (
    r"(?:your|my|tus?|mi|sua?|seu|votre|ihr|insert|paste|enter|replace|change|put|add|fill|set|get|use|type|"
    r"pegar?|pon(?:er)?|ingresa|inserta|reemplaza|cambia|cole|coloque|insira)"
)
"""The first words of sample texts: `your-api-key`, `paste_the_token_here`, `tu clave`."""

_MANAGERS: Final = (
    "op|vault|bws?|pass|gopass|lpass|env|file|aws\\w*|arn|ssm|asm|sm|gcp\\w*|gsm|azure\\w*|akv|keyvault|keychain|secrets?|"
    "secretref|secretsmanager|doppler|infisical|chamber|sops|dashlane|dl|keeper|conjur|bitwarden|1password|ref\\+\\w+"
)
_PATH: Final = r"file:(?://)?|/(?:run|var|etc|home|root|users|mnt|tmp|opt|secrets)/|~/|\.{1,2}[/\\]|[a-z]:[/\\]"
_REFERENCE: Final = rf"(?i)(?:{_MANAGERS}):(?!//)|[a-z][\w+.-]*://|ENC\[|{_PATH}"
_MANAGER_URL: Final = rf"(?i)(?:{_MANAGERS})://"
_SCHEME: Final = r"(?i)(?:authorization|x-api-key|api-key)\s*[:=]|(?:bearer|basic|token|apikey)[\s:]"
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"


class Flaw(NamedTuple):
    """Why a text is not a value: `found` continues "NAME ...", `remedy` is a sentence.

    `is_blank` is whether no value was given yet, as opposed to a wrong one. `is_malformed` is probably the right value
    with an error in it: it is refused, and counts as set.
    """

    found: str
    remedy: str
    is_blank: bool = False
    is_malformed: bool = False


def clean_value(text: str) -> str:
    """The value without the blanks and invisible characters around it."""
    return text.strip(_EDGES)


def find_flaw(text: str, variable: str, *, is_secret: bool) -> Flaw | None:
    """The flaw of a cleaned text as the value of a setting; None if it is valid. `variable` is named in the remedy."""
    if shape := _find_placeholder(text):
        return Flaw(
            f"holds a placeholder ({shape}) that was not replaced",
            f"Write the value itself into {variable}, set what the placeholder refers to, or unset it.",
            is_blank=True,
        )
    if _is_sample(text, variable) if is_secret else text in _NULLS:
        return Flaw("holds a sample text", f"Set {variable} to the value itself, or unset it.", is_blank=True)
    if text[0] in _QUOTES and text[-1] in _QUOTES:
        return Flaw("has quotes around its value", f"Remove the quotes from {variable}.")
    if ("://" in text and re.match(_MANAGER_URL, text)) or (is_secret and re.match(_REFERENCE, text)):
        return _reference_flaw(text, variable, is_secret=is_secret)
    if is_secret:
        return _find_flaw_of_secret(text, variable)
    if any("\ud800" <= character <= "\udfff" for character in text):
        return Flaw("is not valid UTF-8", f"Write {variable} in UTF-8.")
    return None


def _find_placeholder(text: str) -> str | None:
    """The placeholder in a text, as it is shown; None if the text has none."""
    if not any(mark in text for mark in "$%{<[!#@") and not text.startswith(_WORDS):
        return None  # fast path: nearly every value at every start
    return next((shape for pattern, shape in _PLACEHOLDERS if re.search(pattern, text)), None)


def _is_sample(text: str, variable: str) -> bool:
    words = re.split(r"[\W_]+", text.strip("<>[](){} ").lower())
    is_imperative = (
        len(words) > 1 and re.fullmatch(_IMPERATIVES, words[0]) and all(word.isalpha() for word in words if word)
    )
    glued = re.fullmatch(r"(?:your|my|tu|mi|insert|enter|paste)\w*(?:key|token|clave|secret|here)", text, re.IGNORECASE)
    return bool(is_imperative or glued or re.search(_SAMPLE_KEY, text)) or text.casefold() == variable.casefold()


def _reference_flaw(text: str, variable: str, *, is_secret: bool) -> Flaw:
    """The flaw of an invalid reference. Only its prefix is shown."""
    setting = _without_suffix(variable)
    if is_secret and (match := re.match(f"(?i){_PATH}", text)):
        return Flaw(
            f"holds the path of a file ({match[0]}…), which Taskhand does not read as a key",
            f"Set {setting} to file: and the path.",
        )
    if text.startswith("ENC["):
        found_text, start = "holds an encrypted text (ENC[…]), which Taskhand does not decrypt", "sops exec-env"
    elif is_secret and re.match(r"(?i)(?:https?|wss?)://", text):
        return Flaw("holds the address of a page, not a key", f"Set {variable} to the key alone.")
    else:
        shape = re.match(r"[\w.+-]+:(?://)?", text)
        shown = f" ({shape[0][:20]}…)" if shape else ""
        found_text = f"holds a reference to a secret manager{shown}, which Taskhand does not resolve"
        start = "op run -- taskhand"
    if not is_secret:
        return Flaw(found_text, f"Write the value itself into {variable}.")
    remedy = f"Start Taskhand through the secret manager (such as `{start}`), or write the key to a file and set"
    return Flaw(found_text, f"{remedy} {setting} to file: and its path.")


def _without_suffix(called: str) -> str:
    """The name without the suffix of `NAME_FILE`, or of `name_file in taskhand.toml`."""
    name, mark, file = called.partition(" in ")
    return f"{name.removesuffix('_file' if mark else '_FILE')}{mark}{file}"


def _find_flaw_of_secret(text: str, variable: str) -> Flaw | None:
    if re.match(_SCHEME, text):
        return Flaw(
            "has more than the key: a scheme such as Bearer stands before it", f"Set {variable} to the key alone."
        )
    if re.match(r"(?i)(?:export\s+)?[a-z][a-z0-9]*_\w*(?:key|token|secret)\s*=", text):
        return Flaw("has a name and a = before its value", f"Set {variable} to what stands after the =.")
    if not re.fullmatch(r"[!-~]+", text) or any(mark in text for mark in _QUOTES):
        return Flaw(
            "has spaces, line breaks, quotes or characters outside ASCII in its value",
            f"Set {variable} to the key exactly as the CRM shows it.",
            is_malformed=True,
        )
    return None
